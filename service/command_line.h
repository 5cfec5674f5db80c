/* SPDX-License-Identifier: Apache-2.0 */
/* A command line, taken apart by the command's row. */
#pragma once

#include "base/attributes.h"
#include "command_table.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

enum { GIVEN_MAX = 128 };

struct given_flag {
    enum flag_id id;
    const char *value; /* into argv; "" for those without one */
};

/* What a command was given; the pointers are into argv. */
struct arguments {
    struct given_flag given[GIVEN_MAX]; /* in their order, but for --set */
    size_t given_count;
    struct config_override overrides[GIVEN_MAX]; /* of --set */
    size_t override_count;
    char **words; /* what is no option */
    int word_count;
};

/* command_line_parse reads argv behind the command's name (argv[0] is that name). False
 * when something is there that the command does not take; what was wrong is printed. */
bool command_line_parse(int argc, char **argv, const struct command *command,
                        struct arguments *ret_arguments) MUST_CHECK;

/* command_line_value: what was given last for an option; NULL: it was not given. */
const char *command_line_value(const struct arguments *arguments, enum flag_id id);
static inline bool command_line_has(const struct arguments *arguments, enum flag_id id)
{
    return command_line_value(arguments, id) != NULL;
}

/* command_load loads the configuration `file` (NULL: none) with the --set given; prints
 * every fault. NULL: it is wrong. */
struct config *command_load(const char *file,
                            const struct arguments *arguments) MUST_CHECK;
