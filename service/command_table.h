/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line takes: each command is one row with its words, options and
 * examples. Data only: reading a command line, the help, the manual page and the
 * completions all come from it. To add a command: an id, a row, and its function in
 * commands.c; an option: an id, and a row in the commands that take it. */
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum flag_id {
    FLAG_NONE,
    FLAG_HELP,
    FLAG_CONFIG,
    FLAG_SET,
    FLAG_LISTEN,
    FLAG_READY,
    FLAG_YAML,
    FLAG_SCHEMA,
    FLAG_MARKDOWN,
    FLAG_OUTPUT,
    FLAG_CONCURRENCY,
    FLAG_DEADLINE,
    FLAG_TIMEOUT,
    FLAG_RETRIES,
    FLAG_REDIRECTS,
    FLAG_METHOD,
    FLAG_HEADER,
    FLAG_UNTIL,
    FLAG_FAIL_FAST,
    FLAG_EXPECT,
    FLAG_SELECT,
    FLAG_INCLUDE,
    FLAG_ALLOW_PRIVATE,
    FLAG_WATERFALL,
    FLAG_NO_PROGRESS,
    FLAG_QUIET,
    FLAG_INTERVAL,
    FLAG_ONCE,
    FLAG_JSON,
    FLAG_COUNT
};

/* What completes a value or a word. */
enum completion {
    COMPLETE_NOTHING,
    COMPLETE_FILES,
    COMPLETE_WORDS, /* those of `choices` */
    COMPLETE_PATHS, /* paths of options of the configuration, then = */
};

struct command_flag {
    enum flag_id id;
    const char *name;        /* "config" of --config; all of them are long */
    const char *value;       /* "FILE", what stands for its value; NULL: it has none */
    const char *choices;     /* "ndjson json table": all it may be; NULL: anything */
    const char *suggestions; /* what completes it where it may be other things too */
    const char *fallback;    /* what holds without it; NULL: nothing to say */
    const char *help;        /* a sentence or two, no final dot */
    enum completion completion;
    bool is_required;
};

/* A line to type and what it does. */
struct command_example {
    const char *line;
    const char *does;
};

struct command {
    const char *name;
    const char *words; /* "FILE", "[FILE|-]", "new NAME"; "": it takes none */
    int words_min;
    int words_max;
    enum completion completion; /* of the first word */
    const char *choices;        /* what the first word may be; NULL: anything */
    const char *help;           /* one line, no final dot */
    const char *about;          /* paragraphs, an empty line between them; NULL: none */
    const struct command_flag *flags;       /* up to the one whose id is FLAG_NONE */
    const struct command_example *examples; /* up to the one without a line; or NULL */
};

enum command_id {
    COMMAND_SERVE,
    COMMAND_RUN,
    COMMAND_CHECK,
    COMMAND_OPTIONS,
    COMMAND_HEALTH,
    COMMAND_TOP,
    COMMAND_KEY,
    COMMAND_DEMO,
    COMMAND_COMPLETIONS,
    COMMAND_MANUAL,
    COMMAND_VERSION,
    COMMAND_HELP,
    COMMAND_COUNT
};

extern const struct command command_table[COMMAND_COUNT];

/* --help, which every command takes. */
extern const struct command_flag command_help_flag;

/* command_find returns the row of this name, or NULL. command_find_flag: of an option the
 * command takes, --help included, or NULL. */
const struct command *command_find(const char *name);
const struct command_flag *command_find_flag(const struct command *command,
                                             struct slice name);
