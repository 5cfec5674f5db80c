/* SPDX-License-Identifier: Apache-2.0 */
/* What stands between {{ and }}: a value of another item's reply.
 *
 *     {{login.status}}                 {{login.headers.etag}}
 *     {{login.body}}                   {{login.body.tokens[0].value}}
 *     {{["odd id"].body["a.b"]}}       names in brackets are JSON strings
 *
 * Bare names are letters, digits, characters beyond ASCII and _ - $ @ : / . Within the
 * item of a forEach its element is {{item}}, {{item.price}} (or whatever "as" calls it),
 * and its place {{index}}. Pure. */
#pragma once

#include "base/attributes.h"
#include "base/json_find.h"
#include "base/slice.h"
#include "batch/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum { REFERENCE_STEPS_MAX = 32 }; /* an id, what is meant of it, and the path */

enum reference_kind {
    REFERENCE_STATUS,
    REFERENCE_HEADER,
    REFERENCE_BODY,
    REFERENCE_ELEMENT, /* of the item's own forEach */
    REFERENCE_INDEX,
};

struct reference {
    struct slice text; /* as written, without the braces and white space around it */
    enum reference_kind kind;
    struct slice id;               /* of the item meant; element and index have none */
    struct slice header;           /* REFERENCE_HEADER: its name */
    const struct json_step *steps; /* into the body or the element */
    size_t step_count;
};

/* reference_is_own: of the item's own forEach, not of another item. */
static inline bool reference_is_own(const struct reference *reference)
{
    return reference->kind == REFERENCE_ELEMENT || reference->kind == REFERENCE_INDEX;
}

/* How references are read. */
struct reference_setup {
    struct arena *arena;  /* for what has to be decoded */
    struct slice element; /* what the element is called; data NULL: there is no forEach */
};

/* reference_read reads the reference at the start of `text`, which stands behind "{{",
 * and returns its length with the "}}". 0: it is none, and *ret_fault says why in words
 * that follow on a place, or is NULL when there is no memory. The reference points into
 * `text` and the arena. */
size_t reference_read(struct slice text, const struct reference_setup *setup,
                      struct reference *ret_reference, const char **ret_fault) MUST_CHECK;
