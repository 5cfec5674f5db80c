/* SPDX-License-Identifier: Apache-2.0 */
/* How an item hangs together with others of its batch: whom it waits for, what of their
 * replies it puts where, and what others want of its own. Made by parse_references.c in
 * the batch's memory; read-only thereafter. */
#pragma once

#include "base/json_find.h"
#include "base/slice.h"
#include "batch/body_template.h"
#include "batch/reference.h"
#include "batch/template.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    DEPENDENCIES_MAX = 64, /* items that one item waits for */
    WANTED_MAX = 32,       /* different values that others may want of one item */
    FOR_EACH_MAX = 1000,   /* children of one item */
    FOR_EACH_USUAL_MAX = 100,
};

/* Where the value of a reference comes from. */
struct reference_source {
    const struct reference *reference;
    size_t item;   /* whose reply it is; an element and an index are of none: … */
    size_t wanted; /* its place among what is wanted of that item */
    bool is_own;   /* … they are of the item's own forEach */
};

struct header_template {
    size_t line;
    struct template value;
};

/* An item that is sent once for each element of an array. */
struct for_each {
    int source; /* the reference to it, by number */
    size_t max;
};

struct references {
    /* What it needs. `sources` go by the number of the reference in the templates. */
    const size_t *needs; /* items */
    size_t need_count;
    const struct reference_source *sources;
    size_t source_count;
    const struct template *url; /* NULL: as it stands; so for `body` */
    const struct header_template *headers;
    size_t header_count;
    const struct body_template *body;
    bool may_declare_json; /* the line of JSON's content-type stands behind the last */
    const struct for_each *for_each; /* NULL: it is sent once */

    /* What it gives. */
    const size_t *users; /* items that need it */
    size_t user_count;
    const struct reference *const *wanted;
    size_t wanted_count;
};
