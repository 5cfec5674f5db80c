/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options as text: the reference for a terminal, and the complete
 * gatherd.yaml. Says nothing the table does not say. Called by the command line; the
 * tests hold the shipped files against it. */
#include "base/text_wrap.h"
#include "config/options.h"
#include "config/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 90, PATH_SIZE = 128 };

/* Words of `text`, each line behind `prefix` and none wider than WIDTH. */
static void append_wrapped(struct buffer *out, const char *prefix, const char *text)
{
    text_wrap(out, prefix, slice_from(text), WIDTH);
}

/* "json, text" from "json text". */
static void list_choices(const char *choices, char range[OPTIONS_RANGE_SIZE])
{
    struct slice word;
    size_t len = 0;
    range[0] = '\0';
    while (values_next_word(&choices, &word) && len < OPTIONS_RANGE_SIZE)
        len += (size_t)snprintf(range + len, OPTIONS_RANGE_SIZE - len, "%s%.*s",
                                len ? ", " : "", (int)word.len, word.data);
}

static void add_restart(char range[OPTIONS_RANGE_SIZE])
{
    size_t len = strlen(range);
    snprintf(range + len, OPTIONS_RANGE_SIZE - len, "%sneeds a restart",
             len > 0 ? "; " : "");
}

void options_describe_range(const struct option *option, char range[OPTIONS_RANGE_SIZE])
{
    char min[VALUES_TEXT_MAX];
    char max[VALUES_TEXT_MAX];
    range[0] = '\0';
    switch (option->type) {
    case OPTION_NUMBER:
    case OPTION_WORKERS:
        snprintf(range, OPTIONS_RANGE_SIZE, "%s%" PRIu64 " to %" PRIu64,
                 option->type == OPTION_WORKERS ? "auto, or " : "", option->min,
                 option->max);
        break;
    case OPTION_DURATION:
        values_format_duration(option->min, min);
        values_format_duration(option->max, max);
        snprintf(range, OPTIONS_RANGE_SIZE, "%s to %s", min, max);
        break;
    case OPTION_SIZE:
        values_format_size(option->min, min);
        values_format_size(option->max, max);
        snprintf(range, OPTIONS_RANGE_SIZE, "%s to %s", min, max);
        break;
    case OPTION_RATIO:
        snprintf(range, OPTIONS_RANGE_SIZE, "0 to 1");
        break;
    case OPTION_BOOL:
        snprintf(range, OPTIONS_RANGE_SIZE, "on, off");
        break;
    case OPTION_CHOICE:
        list_choices(option->choices, range);
        break;
    default:
        break;
    }
    if (option->needs_restart)
        add_restart(range);
}

/* The help and the range in one sentence. */
static void append_help(struct buffer *out, const char *prefix,
                        const struct option *option)
{
    char range[OPTIONS_RANGE_SIZE];
    char text[1024];
    options_describe_range(option, range);
    snprintf(text, sizeof text, "%s%s%s%s", option->help, *range ? " (" : "", range,
             *range ? ")" : "");
    append_wrapped(out, prefix, text);
}

/* The length of the path of the section an option is in. */
static size_t section_length(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? (size_t)(dot - path) : 0;
}

static bool is_same_section(const char *path, const char *other)
{
    size_t len = section_length(path);
    return len == section_length(other) && strncmp(path, other, len) == 0;
}

void options_write_reference(struct buffer *out)
{
    buffer_append_text(
        out,
        "Options of gatherd, for the file of --config and for --set path=value.\n"
        "Durations are whole numbers with ms, s or m; sizes with B, KiB, MiB or GiB.\n"
        "${NAME} and ${NAME:-default} in a value take the environment.\n");
    for (size_t i = 0; i < options_count; i++) {
        const struct option *option = &options_table[i];
        if (i == 0 || !is_same_section(option->path, options_table[i - 1].path)) {
            char path[PATH_SIZE];
            snprintf(path, sizeof path, "%.*s", (int)section_length(option->path),
                     option->path);
            const struct option_section *section = options_find_section(path);
            buffer_append_format(out, "\n%s\n", path);
            append_wrapped(out, "  ", section ? section->help : "");
        }
        buffer_append_format(out, "\n  %s: %s\n", option->path, option->fallback);
        append_help(out, "      ", option);
    }
}

static void append_indent(struct buffer *out, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        buffer_append_text(out, "  ");
}

/* The section lines that are new since the option before. */
static void append_sections(struct buffer *out, const char *path, const char *before)
{
    size_t depth = 0;
    for (const char *at = path, *dot; (dot = strchr(at, '.')); at = dot + 1, depth++) {
        size_t len = (size_t)(dot - path) + 1;
        if (strncmp(path, before, len) == 0)
            continue;
        char section_path[PATH_SIZE];
        snprintf(section_path, sizeof section_path, "%.*s", (int)len - 1, path);
        const struct option_section *section = options_find_section(section_path);
        char prefix[32];
        snprintf(prefix, sizeof prefix, "%*s# ", (int)(2 * depth), "");
        buffer_append_byte(out, '\n');
        append_wrapped(out, prefix, section ? section->help : "");
        append_indent(out, depth);
        buffer_append_format(out, "%.*s:\n", (int)(dot - at), at);
    }
}

void options_write_yaml(struct buffer *out)
{
    buffer_append_text(
        out,
        "# yaml-language-server: $schema=gatherd.schema.json\n"
        "# Every option of gatherd with its default. Made by `gatherd options --yaml` "
        "from\n"
        "# the table in service/config/options.c: a change here is lost, one there is "
        "kept.\n"
        "#\n"
        "# Durations are whole numbers with ms, s or m; sizes with B, KiB, MiB or GiB.\n"
        "# ${NAME} and ${NAME:-default} in a value take the environment; $${ is a plain "
        "${.\n");
    const char *before = "";
    for (size_t i = 0; i < options_count; i++) {
        const struct option *option = &options_table[i];
        size_t depth = 0;
        for (const char *at = option->path; (at = strchr(at, '.')); at++)
            depth++;
        char prefix[32];
        snprintf(prefix, sizeof prefix, "%*s# ", (int)(2 * depth), "");
        append_sections(out, option->path, before);
        append_help(out, prefix, option);
        append_indent(out, depth);
        buffer_append_format(out, "%s: %s\n",
                             option->path + section_length(option->path) + 1,
                             option->fallback);
        before = option->path;
    }
}
