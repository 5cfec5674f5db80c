/* SPDX-License-Identifier: Apache-2.0 */
/* What no single option can know: keys that do not exist, and options that contradict
 * each other. Pure. */
#pragma once

#include "config/config.h"
#include "config/faults.h"
#include "config/options.h"
#include "config/yaml_tree.h"

/* check_keys walks the tree of a file. Unknown keys and sections of the wrong kind become
 * faults; the values of the others are left in `ret_nodes`, one per row of the options
 * table, NULL where the file has none. */
void check_keys(const struct tree_node *root, const struct tree_node **ret_nodes,
                struct faults *faults);

/* check_unknown notes that there is no option `path`, and which may have been meant. */
void check_unknown(struct faults *faults, struct place place, const char *path);

/* check_together judges the whole configuration. `places` says per row of the options
 * table where its value was written; the source of a default is "". */
void check_together(const struct config *config, const struct place *places,
                    struct faults *faults);
