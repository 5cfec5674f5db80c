/* SPDX-License-Identifier: Apache-2.0 */
/* Help for a terminal, by the rows of command_table.c. */
#include "command_help.h"

#include "base/text_wrap.h"

#include <string.h>

enum { WIDTH = 90, USAGE_FLAGS_MAX = 4 }; /* more are "[OPTION]…" */

static void append_flag(struct buffer *out, const struct command_flag *flag)
{
    buffer_append_format(out, "--%s", flag->name);
    if (flag->value)
        buffer_append_format(out, " %s", flag->value);
}

void command_write_usage(struct buffer *out, const struct command *command)
{
    size_t count = 0;
    while (command->flags[count].id)
        count++;
    buffer_append_format(out, "gatherd %s", command->name);
    if (*command->words)
        buffer_append_format(out, " %s", command->words);
    for (size_t i = 0; i < count && count <= USAGE_FLAGS_MAX; i++) {
        const struct command_flag *flag = &command->flags[i];
        buffer_append_text(out, flag->is_required ? " " : " [");
        append_flag(out, flag);
        buffer_append_text(out, flag->is_required ? "" : "]");
        buffer_append_text(out, flag->id == FLAG_SET ? "…" : "");
    }
    if (count > USAGE_FLAGS_MAX)
        buffer_append_text(out, " [OPTION]…");
    buffer_append_byte(out, '\n');
}

void command_write_list(struct buffer *out)
{
    buffer_append_text(out, "gatherd: a batch of URLs in, one JSON document out\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        buffer_append_text(out, "  ");
        command_write_usage(out, &command_table[i]);
        text_wrap(out, "      ", slice_from(command_table[i].help), WIDTH);
    }
    buffer_append_text(out, "\ngatherd help COMMAND says what a command takes\n");
}

/* Paragraphs of `text`, told apart by empty lines. */
static void append_paragraphs(struct buffer *out, const char *text)
{
    while (text) {
        const char *end = strstr(text, "\n\n");
        buffer_append_byte(out, '\n');
        text_wrap(out, "  ", slice_make(text, end ? (size_t)(end - text) : strlen(text)),
                  WIDTH);
        text = end ? end + 2 : NULL;
    }
}

static void append_flag_help(struct buffer *out, const struct command_flag *flag)
{
    struct buffer text;
    buffer_init(&text, 4096);
    buffer_append_text(out, "  ");
    append_flag(out, flag);
    buffer_append_byte(out, '\n');
    buffer_append_text(&text, flag->help);
    if (flag->choices)
        buffer_append_format(&text, " (%s)", flag->choices);
    if (flag->fallback)
        buffer_append_format(&text, " [default: %s]", flag->fallback);
    text_wrap(out, "      ", buffer_slice(&text), WIDTH);
    buffer_done(&text);
}

void command_write_help(struct buffer *out, const struct command *command)
{
    buffer_append_text(out, "usage: ");
    command_write_usage(out, command);
    text_wrap(out, "  ", slice_from(command->help), WIDTH);
    append_paragraphs(out, command->about);
    buffer_append_byte(out, '\n');
    for (const struct command_flag *flag = command->flags; flag->id; flag++)
        append_flag_help(out, flag);
    append_flag_help(out, &command_help_flag);
    if (command->examples)
        buffer_append_text(out, "\nexamples:\n");
    for (const struct command_example *example = command->examples;
         example && example->line; example++)
        buffer_append_format(out, "  %s\n      %s\n", example->line, example->does);
}
