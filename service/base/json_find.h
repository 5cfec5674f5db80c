/* SPDX-License-Identifier: Apache-2.0 */
/* Values inside JSON text, found without building a tree. The text must be valid
 * (json_text_is_valid); what is found points into it. Never recursive, and no step of a
 * path looks at a byte twice. Pure; any thread. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum { JSON_POINTER_STEPS_MAX = 32 };

/* One step into a value: into an object by the name, into an array by the index. */
struct json_step {
    struct slice name; /* its characters, UTF-8; data NULL: fits no object */
    size_t index;      /* SIZE_MAX: fits no array */
};

/* json_find finds the value at the end of the path `steps`; with none it is the whole
 * value. Of members with the same name the last one counts, as most readers of JSON do.
 * False: there is none. */
bool json_find(struct slice text, const struct json_step *steps, size_t count,
               struct slice *ret_value) MUST_CHECK;

/* json_array_next hands out the elements of the array `array` (a value as json_find
 * returns it) one by one; *cursor is NULL before the first. False: no more. On what is no
 * array it is false at once. */
bool json_array_next(struct slice array, const char **cursor,
                     struct slice *ret_element) MUST_CHECK;

/* json_pointer_parse reads an RFC 6901 pointer ("" is the whole document) into at most
 * JSON_POINTER_STEPS_MAX steps; names are decoded into `room`, which has at least
 * text.len bytes. "-" (the element behind the last) is a name like any other, as is an
 * index with a leading zero (RFC 6901 4). False and *ret_fault, words that follow on the
 * place: it is none. */
bool json_pointer_parse(struct slice text, char *room,
                        struct json_step steps[JSON_POINTER_STEPS_MAX], size_t *ret_count,
                        const char **ret_fault) MUST_CHECK;
