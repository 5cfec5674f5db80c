/* SPDX-License-Identifier: Apache-2.0 */
/* One value of the file into its field of struct config, or of an entry of a list in it,
 * by the type of its option. */
#pragma once

#include "base/attributes.h"
#include "config/config.h"
#include "config/expand.h"
#include "config/faults.h"
#include "config/options.h"
#include "config/yaml_tree.h"

struct assignment {
    void *base; /* the struct config, or the entry, that option.offset counts from */
    struct faults *faults;
    struct config_strings *files; /* where the files are noted that were read, or NULL */
    expand_getenv_fn *getenv_fn;
};

/* assign_option expands references, parses, checks range and syntax, and stores; a value
 * stored before is freed. After a fault the field keeps what it had. */
void assign_option(const struct assignment *assignment, const struct option *option,
                   const struct tree_node *node);

/* assign_clear frees and wipes what the field of `option` holds. */
void assign_clear(void *base, const struct option *option);
