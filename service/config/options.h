/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options: each is one row (path, type, default, minimum, maximum, unit,
 * help), and parsing, checks, defaults, the reference, the shipped gatherd.yaml and the
 * JSON Schema all come from it. To add an option: a field in struct config and a row
 * in options/<section>.inc, the section being the first part of its path. */
#pragma once

#include "base/buffer.h"
#include "config/config.h"

enum option_type {
    OPTION_NUMBER,      /* plain integer */
    OPTION_WORKERS,     /* "auto" (0) or an integer */
    OPTION_DURATION,    /* "250ms", "2s", "5m" → ms */
    OPTION_SIZE,        /* "512B", "64KiB", "4MiB", "2GiB" → bytes */
    OPTION_RATIO,       /* "0.25", 0 to 1 → millionths */
    OPTION_BOOL,        /* on | off */
    OPTION_CHOICE,      /* one word of `choices` → its index */
    OPTION_TEXT,        /* a string */
    OPTION_SECRET,      /* a string or "file:/path"; never printed */
    OPTION_FILE,        /* the path of a file; the field holds its content */
    OPTION_SECRET_FILE, /* likewise; never printed, a warning if anybody may read it */
    OPTION_STRINGS,     /* a list of strings; min and max count its entries */
    OPTION_HASH,        /* 64 hex digits, or "file:/path" with them → 32 bytes */
    OPTION_ENTRIES,     /* a list of maps, each read by `entry`; max counts them */
};

struct option_entry;

struct option {
    const char *path; /* "server.listen" */
    enum option_type type;
    const char *fallback; /* the default, as written in the file */
    uint64_t min;
    uint64_t max;
    const char *choices; /* "json text": words in the order of the enum */
    const char *help;    /* one or two sentences, no final dot */
    size_t offset;       /* of the field in struct config */
    /* what else a value of the right type must satisfy, or NULL; for lists, per entry;
     * for files, their content */
    bool (*check)(const char *value, struct error *err);
    const struct option_entry *entry; /* OPTION_ENTRIES */
    bool is_required;                 /* of a field of an entry */
    bool needs_restart;               /* a reload does not change it */
};

/* One map of a list. Its fields are options too, but without a default: what is not
 * written stays zero. Their paths are whole ("auth.keys.name"), their offsets those in
 * the entry's struct, which begins with a struct config_place. */
struct option_entry {
    const char *example; /* "{name: billing, …}" for sentences */
    size_t size;         /* of the struct */
    const struct option *fields;
    size_t field_count;
};

/* options_name returns the last part of an option's path. */
const char *options_name(const struct option *option);

/* What stands above a group of options in the reference and the shipped file. */
struct option_section {
    const char *path; /* "server", "server.tls" */
    const char *help;
};

/* In the order of the file: the options of a section stand together. */
extern const struct option options_table[];
extern const size_t options_count;
extern const struct option_section option_sections[];
extern const size_t option_sections_count;

/* options_find returns the row, or NULL. */
const struct option *options_find(const char *path);
/* options_is_section: does the path of any option begin with `path` and a dot? */
bool options_is_section(const char *path);
const struct option_section *options_find_section(const char *path); /* or NULL */

/* The three forms of the reference: for a terminal, as the complete gatherd.yaml with
 * comments, and as JSON Schema 2020-12 for editors. */
void options_write_reference(struct buffer *out);
void options_write_yaml(struct buffer *out);
void options_write_schema(struct buffer *out);
/* options_write_markdown: docs/configuration.md. */
void options_write_markdown(struct buffer *out);
/* options_write_manual: gatherd.yaml(5), for scdoc(5). */
void options_write_manual(struct buffer *out);

/* options_describe_range: what the value may be, "" if the help says it all. */
enum { OPTIONS_RANGE_SIZE = 160 };
void options_describe_range(const struct option *option, char range[OPTIONS_RANGE_SIZE]);
