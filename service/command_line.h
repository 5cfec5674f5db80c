/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a command line, taken apart. */
#pragma once

#include "base/attributes.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

enum { OVERRIDES_MAX = 64 };

/* What a command line can hold; each command takes what it knows. The pointers are into
 * argv. */
struct arguments {
    const char *config;
    const char *listen;
    const char *form; /* of options: "yaml", "schema" */
    bool asks_ready;
    struct config_override overrides[OVERRIDES_MAX];
    size_t override_count;
    char **words; /* what is no option */
    int word_count;
};

/* command_line_parse reads argv behind the command's name (argv[0] is that name).
 * `options` are the letters the command takes: c --config, s --set, l --listen, r
 * --ready, y --yaml, m --schema. False when something else is there; what was wrong is
 * printed. */
bool command_line_parse(int argc, char **argv, const char *options,
                        struct arguments *ret_arguments) MUST_CHECK;
