/* SPDX-License-Identifier: Apache-2.0 */
/* command_help.h */
#include "command_help.h"

#include "config/options.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

enum { OUTPUT_MAX = 1 << 20 };

static const char *text_of(struct buffer *out)
{
    const char *text = buffer_text(out);
    cr_assert_not_null(text);
    return text;
}

static void expect(const char *text, const char *part)
{
    cr_expect(strstr(text, part) != NULL, "\"%s\" is not there:\n%s", part, text);
}

Test(command_help, the_rows_are_complete)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        const struct command *command = &command_table[i];
        cr_assert_not_null(command->name);
        cr_expect(command_find(command->name) == command);
        cr_expect(command->words_max >= command->words_min);
        cr_expect(command->help[strlen(command->help) - 1] != '.', "%s", command->name);
        for (const struct command_flag *flag = command->flags; flag->id; flag++) {
            cr_expect(command_find_flag(command, slice_from(flag->name)) == flag);
            cr_expect(flag->help[strlen(flag->help) - 1] != '.', "%s", flag->name);
            if (flag->choices)
                cr_expect(flag->completion == COMPLETE_WORDS);
        }
    }
    cr_expect(command_find("nonsense") == NULL);
    cr_expect(command_find_flag(&command_table[COMMAND_KEY], slice_from("x")) == NULL);
}

Test(command_help, usage_shows_words_and_options)
{
    struct buffer out;
    buffer_init(&out, OUTPUT_MAX);
    command_write_usage(&out, &command_table[COMMAND_SERVE]);
    command_write_usage(&out, &command_table[COMMAND_KEY]);
    cr_assert(eq(str, (char *)text_of(&out),
                 "gatherd serve --config FILE [--set PATH=VALUE]…\ngatherd key new "
                 "NAME\n"));
    buffer_done(&out);
}

Test(command_help, the_help_of_a_command_has_its_options_defaults_and_examples)
{
    struct buffer out;
    buffer_init(&out, OUTPUT_MAX);
    command_write_help(&out, &command_table[COMMAND_SERVE]);
    const char *text = text_of(&out);
    expect(text, "usage: gatherd serve --config FILE");
    expect(text, "\n  --set PATH=VALUE\n      Set one option");
    expect(text, "\n  --help\n");
    expect(text, "\nexamples:\n  gatherd serve");
    buffer_clear(&out);
    command_write_help(&out, &command_table[COMMAND_DEMO]);
    expect(text_of(&out), "[default: 127.0.0.1:8081]");
    buffer_done(&out);
}

Test(command_help, the_list_the_manual_and_the_completions_name_every_command)
{
    struct buffer out;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (int form = 0; form < 5; form++) {
        buffer_init(&out, OUTPUT_MAX);
        if (form == 0)
            command_write_list(&out);
        else if (form == 1)
            command_write_manual(&out);
        else
            command_write_completions(&out, shells[form - 2]);
        for (int i = 0; i < COMMAND_COUNT; i++)
            expect(text_of(&out), command_table[i].name);
        for (size_t i = 0; form > 1 && i < options_count; i++)
            expect(text_of(&out), options_table[i].path);
        buffer_done(&out);
    }
}
