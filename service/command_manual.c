/* SPDX-License-Identifier: Apache-2.0 */
/* gatherd(1) as scdoc(5) wants it, by the rows of command_table.c. */
#include "command_help.h"

#include "base/manual_text.h"

#include <string.h>

static void append_paragraphs(struct buffer *out, const char *text)
{
    while (text) {
        const char *end = strstr(text, "\n\n");
        manual_append(out, slice_make(text, end ? (size_t)(end - text) : strlen(text)));
        buffer_append_text(out, "\n\n");
        text = end ? end + 2 : NULL;
    }
}

static void append_flag(struct buffer *out, const struct command_flag *flag)
{
    buffer_append_format(out, "*--%s*", flag->name);
    if (flag->value) {
        buffer_append_text(out, " _");
        manual_append(out, slice_from(flag->value));
        buffer_append_byte(out, '_');
    }
    buffer_append_text(out, "\n\t");
    manual_append(out, slice_from(flag->help));
    if (flag->choices) {
        buffer_append_text(out, " (");
        manual_append(out, slice_from(flag->choices));
        buffer_append_byte(out, ')');
    }
    buffer_append_byte(out, '.');
    if (flag->fallback) {
        buffer_append_text(out, " Default: ");
        manual_append(out, slice_from(flag->fallback));
        buffer_append_byte(out, '.');
    }
    buffer_append_text(out, "\n\n");
}

static void append_examples(struct buffer *out, const struct command_example *example)
{
    for (; example && example->line; example++) {
        manual_append(out, slice_from(example->does));
        buffer_append_text(out, ":\n\n```\n");
        buffer_append_text(out, example->line);
        buffer_append_text(out, "\n```\n\n");
    }
}

static void append_command(struct buffer *out, const struct command *command)
{
    buffer_append_format(out, "## gatherd %s", command->name);
    if (*command->words) {
        buffer_append_byte(out, ' ');
        manual_append(out, slice_from(command->words));
    }
    buffer_append_text(out, "\n\n");
    manual_append_sentence(out, command->help);
    buffer_append_text(out, "\n\n");
    append_paragraphs(out, command->about);
    for (const struct command_flag *flag = command->flags; flag->id; flag++)
        append_flag(out, flag);
    append_examples(out, command->examples);
}

void command_write_manual(struct buffer *out)
{
    buffer_append_text(
        out,
        "gatherd(1) \"gatherd\" \"User Commands\"\n\n"
        "# NAME\n\n"
        "gatherd - HTTP fan-out gateway: a batch of URLs in, one JSON document out\n\n"
        "# SYNOPSIS\n\n"
        "*gatherd* _command_ [_argument_ ...]\n\n"
        "# DESCRIPTION\n\n"
        "*gatherd* takes a batch of URLs, fetches them all at once and answers with one "
        "JSON document that holds one response for each request, in order, before the "
        "batch's deadline: as a service (*gatherd serve*), or for one batch or list of "
        "URLs from the command line.\n\n"
        "# COMMANDS\n\n"
        "Every command takes *--help*.\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        append_command(out, &command_table[i]);
    buffer_append_text(
        out,
        "# FILES\n\n"
        "_/etc/gatherd/gatherd.yaml_\n"
        "\tThe configuration of the service; see *gatherd.yaml*(5).\n\n"
        "# EXIT STATUS\n\n"
        "0 when all is well, 1 when something failed, 2 when the command line or the "
        "configuration is wrong.\n\n"
        "# SEE ALSO\n\n"
        "*gatherd.yaml*(5), _/usr/share/doc/gatherd/README.md_\n");
}
