/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a batch: places as JSON pointers, sentences for people. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"
#include "batch/parse.h"

#include <stdbool.h>
#include <stddef.h>

/* A place in the document, from the outside in; a part that is NULL is left out. */
struct place {
    const char *list; /* "/requests", "/urls", "/defaults"; NULL: the document itself */
    const size_t *index; /* in the list */
    const char *outer;   /* the member that holds `field` */
    const char *field;
    struct slice name; /* a header's name, or the index in an array as text */
};

/* place_field is `place` one step further in, at its member `field`; place_name two. */
static inline struct place place_field(struct place place, const char *field)
{
    place.field = field;
    return place;
}
static inline struct place place_name(struct place place, const char *field,
                                      struct slice name)
{
    place.field = field;
    place.name = name;
    return place;
}

/* report_error counts an error and, while there is room, keeps it. */
void report_error(struct parse_errors *errors, struct place place, const char *format,
                  ...) PRINTF_LIKE(3, 4);

/* report_unknown: the member `name` is not one of `names`; says which was meant. */
void report_unknown(struct parse_errors *errors, struct place place, const char *name,
                    const char *const *names, size_t count);
