/* SPDX-License-Identifier: Apache-2.0 */
/* gatherd.yaml(5) as scdoc(5) wants it, by the table of options. */
#include "config/options.h"

#include "base/manual_text.h"

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 128 };

static size_t section_length(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? (size_t)(dot - path) : 0;
}

static void append_section(struct buffer *out, const char *path, size_t len)
{
    char name[PATH_SIZE];
    snprintf(name, sizeof name, "%.*s", (int)len, path);
    const struct option_section *section = options_find_section(name);
    buffer_append_text(out, "## ");
    manual_append(out, slice_from(name));
    buffer_append_text(out, "\n\n");
    if (section) {
        manual_append_sentence(out, section->help);
        buffer_append_text(out, "\n\n");
    }
}

static void append_option(struct buffer *out, const struct option *option)
{
    char range[OPTIONS_RANGE_SIZE];
    options_describe_range(option, range);
    buffer_append_byte(out, '*');
    manual_append(out, slice_from(option->path));
    buffer_append_text(out, "*: ");
    manual_append(out, slice_from(option->fallback));
    buffer_append_text(out, "\n\t");
    manual_append(out, slice_from(option->help));
    if (*range) {
        buffer_append_text(out, " (");
        manual_append(out, slice_from(range));
        buffer_append_byte(out, ')');
    }
    buffer_append_text(out, ".\n\n");
}

void options_write_manual(struct buffer *out)
{
    buffer_append_text(
        out,
        "gatherd.yaml(5) \"gatherd\" \"File Formats\"\n\n"
        "# NAME\n\n"
        "gatherd.yaml - configuration of gatherd\n\n"
        "# DESCRIPTION\n\n"
        "The file that *gatherd serve --config* reads: YAML, every option of which has "
        "the default given here, so an empty file will do. *gatherd check* _FILE_ tells "
        "every fault of one. An option can also be given on the command line, by its "
        "path: *--set* _path_=_value_.\n\n"
        "Durations are whole numbers with ms, s or m; sizes with B, KiB, MiB or GiB. "
        "$\\{NAME} and $\\{NAME:\\-default} in a value take the environment; $$\\{ is a "
        "plain $\\{.\n\n"
        "# OPTIONS\n\n");
    for (size_t i = 0; i < options_count; i++) {
        const char *path = options_table[i].path;
        const char *before = i > 0 ? options_table[i - 1].path : "";
        size_t len = section_length(path);
        if (len != section_length(before) || strncmp(path, before, len) != 0)
            append_section(out, path, len);
        append_option(out, &options_table[i]);
    }
    buffer_append_text(out, "# SEE ALSO\n\n*gatherd*(1)\n");
}
