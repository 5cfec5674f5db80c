/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options: each is one row (path, type, default, minimum, maximum, unit,
 * help), and parsing, checks, defaults, the reference, the shipped gatherd.yaml and the
 * JSON Schema all come from it. To add an option: a field in struct config and a row
 * here. */
#pragma once

#include "base/buffer.h"
#include "config/config.h"

enum option_type {
    OPTION_NUMBER,   /* plain integer */
    OPTION_WORKERS,  /* "auto" (0) or an integer */
    OPTION_DURATION, /* "250ms", "2s", "5m" → ms */
    OPTION_SIZE,     /* "512B", "64KiB", "4MiB", "2GiB" → bytes */
    OPTION_BOOL,     /* on | off */
    OPTION_CHOICE,   /* one word of `choices` → its index */
    OPTION_TEXT,     /* a string */
    OPTION_SECRET,   /* a string or "file:/path"; never printed */
    OPTION_STRINGS,  /* a list of strings */
    OPTION_KEYS,     /* the list of API keys */
};

struct option {
    const char *path; /* "server.listen" */
    enum option_type type;
    const char *fallback; /* the default, as written in the file */
    uint64_t min;
    uint64_t max;
    const char *choices; /* "json text": words in the order of the enum */
    const char *help;    /* one sentence */
    size_t offset;       /* of the field in struct config */
    /* what else a value of the right type must satisfy, or NULL; for lists, per entry */
    bool (*check)(const char *value, struct error *err);
};

extern const struct option options_table[];
extern const size_t options_count;

/* The three forms of the reference: for a terminal, as the complete gatherd.yaml with
 * comments, and as JSON Schema 2020-12 for editors. */
void options_write_reference(struct buffer *out);
void options_write_yaml(struct buffer *out);
void options_write_schema(struct buffer *out);
