/* SPDX-License-Identifier: Apache-2.0 */
/* YAML text as a tree that remembers where everything stood. A small YAML: mappings,
 * lists and scalars of one document. Aliases, anchors, tags, further documents, keys that
 * are not scalars and duplicate keys are faults, and so are depth, length and number of
 * events over the ceilings below (flow nesting costs libyaml quadratic time, aliases grow
 * exponentially). Pure. */
#pragma once

#include "base/slice.h"
#include "config/faults.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    YAML_TREE_BYTES_MAX = 256 * 1024,
    YAML_TREE_EVENTS_MAX = 10000,
    YAML_TREE_DEPTH_MAX = 16,
};

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree_node {
    enum tree_kind kind;
    bool is_quoted;  /* in quotes or a block scalar: text whatever it looks like */
    bool is_refused; /* a fault about it is already noted: say no more */
    struct place place;
    char *key; /* in a map: its key, else NULL */
    struct place key_place;
    char *text;              /* of a scalar: UTF-8 without NUL inside; else NULL */
    struct tree_node *first; /* entries of a list or map, in order */
    struct tree_node *last;
    struct tree_node *next;
};

/* yaml_tree_parse never returns NULL: an empty text is an empty map, and after a fault in
 * the syntax the tree holds what came before. `start` is the place of the text's first
 * character, or has line 0: then every place is `start`. Its source outlives the tree. */
struct tree_node *yaml_tree_parse(struct place start, struct slice text,
                                  struct faults *faults);
void yaml_tree_free(struct tree_node *root); /* NULL is fine */

/* yaml_tree_version returns the version of the YAML library in use. */
const char *yaml_tree_version(void);
