/* SPDX-License-Identifier: Apache-2.0 */
/* docs/configuration.md, by the table of options: a Markdown table for each section. Says
 * nothing the table does not say. Called by the command line; a test holds the page
 * against it. */
#include "config/options.h"

#include <inttypes.h>
#include <string.h>

/* Text in a cell of a table: what Markdown or HTML would take for its own is escaped. */
static void append_cell(struct buffer *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|<>*[]", *text))
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, *text);
    }
}

/* In backticks, where only the border of a cell has a meaning. */
static void append_code(struct buffer *out, const char *text)
{
    buffer_append_byte(out, '`');
    for (; *text; text++) {
        if (*text == '|')
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, *text);
    }
    buffer_append_byte(out, '`');
}

static void append_fields(struct buffer *out, const struct option_entry *entry)
{
    for (size_t i = 0; i < entry->field_count; i++) {
        const struct option *field = &entry->fields[i];
        char range[OPTIONS_RANGE_SIZE];
        options_describe_range(field, range);
        buffer_append_text(out, i ? ", " : " of ");
        append_code(out, options_name(field));
        if (*range)
            buffer_append_format(out, " (%s)", range);
        if (field->is_required)
            buffer_append_text(out, " (needed)");
    }
}

static void append_count(struct buffer *out, const struct option *option,
                         const char *things)
{
    if (option->min)
        buffer_append_format(out, "%" PRIu64 " to %" PRIu64 " %s", option->min,
                             option->max, things);
    else
        buffer_append_format(out, "up to %" PRIu64 " %s", option->max, things);
}

/* What the value may be. */
static void append_values(struct buffer *out, const struct option *option)
{
    char range[OPTIONS_RANGE_SIZE];
    options_describe_range(option, range);
    switch (option->type) {
    /* Of these the range says only what holds for every type. */
    case OPTION_TEXT:
    case OPTION_HASH:
        buffer_append_text(out, "text");
        break;
    case OPTION_SECRET:
        buffer_append_text(out, "text, or `file:/path`; never printed");
        break;
    case OPTION_FILE:
    case OPTION_SECRET_FILE:
        buffer_append_text(out, "path of a file");
        break;
    case OPTION_STRINGS:
        append_count(out, option, "strings");
        break;
    case OPTION_ENTRIES:
        append_count(out, option, "entries");
        append_fields(out, option->entry);
        break;
    default:
        append_cell(out, range);
        return;
    }
    if (*range) {
        buffer_append_text(out, "; ");
        append_cell(out, range);
    }
}

static void append_row(struct buffer *out, const struct option *option)
{
    buffer_append_text(out, "| ");
    append_code(out, option->path);
    buffer_append_text(out, " | ");
    append_code(out, option->fallback);
    buffer_append_text(out, " | ");
    append_values(out, option);
    buffer_append_text(out, " | ");
    append_cell(out, option->help);
    buffer_append_text(out, " |\n");
}

static void append_heading(struct buffer *out, const char *path, size_t len)
{
    buffer_append_format(out, "\n## %.*s\n\n", (int)len, path);
    for (size_t i = 0; i < option_sections_count; i++) {
        const struct option_section *section = &option_sections[i];
        if (strlen(section->path) == len && strncmp(section->path, path, len) == 0) {
            append_cell(out, section->help);
            buffer_append_text(out, ".\n\n");
        }
    }
    buffer_append_text(out,
                       "| option | default | values | meaning |\n|---|---|---|---|\n");
}

void options_write_markdown(struct buffer *out)
{
    buffer_append_text(
        out,
        "# Configuration: what can be set, and what is the default?\n\n"
        "Every option, made by `gatherd options --markdown` from the table in "
        "`service/config/options.c`: a change here is lost,\none there is kept. "
        "[operating.md](operating.md) says what to do with them, "
        "`gatherd check FILE` what is wrong in a file.\n\n"
        "Options stand in the YAML file of `--config`, or behind `--set path=value`, "
        "which comes last. A file may be empty:\nevery option has a default. Durations "
        "are whole numbers with `ms`, `s` or `m`; sizes with `B`, `KiB`, `MiB` or "
        "`GiB`.\n`${NAME}` and `${NAME:-default}` in a value take the environment, "
        "`$${` is a plain `${`.\n");
    const char *before = "";
    size_t before_len = 0;
    for (size_t i = 0; i < options_count; i++) {
        const char *path = options_table[i].path;
        size_t len = (size_t)(strrchr(path, '.') - path);
        if (len != before_len || strncmp(path, before, len) != 0)
            append_heading(out, path, len);
        append_row(out, &options_table[i]);
        before = path;
        before_len = len;
    }
}
