/* SPDX-License-Identifier: Apache-2.0 */
/* command_line.h */
#include "command_line.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <getopt.h>
#include <stdio.h>

static bool parse(enum command_id id, int argc, char **argv, struct arguments *arguments)
{
    *arguments = (struct arguments){0};
    optind = 0; /* glibc: begin anew */
    cr_assert_not_null(freopen("/dev/null", "w", stderr));
    return command_line_parse(argc, argv, &command_table[id], arguments);
}

Test(command_line, options_and_words_are_told_apart)
{
    struct arguments arguments;
    char *argv[] = {
        "serve", (char[]){"--set"}, (char[]){"a.b=1=2"}, "--config=x.yaml", "word", NULL};
    cr_assert(parse(COMMAND_SERVE, 5, argv, &arguments));
    cr_assert(eq(str, (char *)command_line_value(&arguments, FLAG_CONFIG), "x.yaml"));
    cr_assert(eq(sz, arguments.override_count, 1));
    cr_assert(eq(str, (char *)arguments.overrides[0].path, "a.b"));
    cr_assert(eq(str, (char *)arguments.overrides[0].value, "1=2"));
    cr_assert(eq(int, arguments.word_count, 1));
    cr_assert(eq(str, arguments.words[0], "word"));
}

Test(command_line, of_an_option_given_twice_the_last_one_counts)
{
    struct arguments arguments;
    char *argv[] = {"demo", "--listen", "a", "--listen=b", NULL};
    cr_assert(parse(COMMAND_DEMO, 4, argv, &arguments));
    cr_assert(eq(str, (char *)command_line_value(&arguments, FLAG_LISTEN), "b"));
    cr_assert(not(command_line_has(&arguments, FLAG_CONFIG)));
}

Test(command_line, every_command_takes_help)
{
    struct arguments arguments;
    char *argv[] = {"version", "--help", NULL};
    char *short_argv[] = {"version", "-h", NULL};
    for (int id = 0; id < COMMAND_COUNT; id++) {
        cr_assert(parse((enum command_id)id, 2, argv, &arguments));
        cr_assert(command_line_has(&arguments, FLAG_HELP));
        cr_assert(parse((enum command_id)id, 2, short_argv, &arguments));
        cr_assert(command_line_has(&arguments, FLAG_HELP));
    }
}

Test(command_line, an_option_of_another_command_is_refused)
{
    struct arguments arguments;
    char *argv[] = {"check", "--config", "x", NULL};
    cr_assert(not(parse(COMMAND_CHECK, 3, argv, &arguments)));
}

Test(command_line, unknown_options_and_missing_values_are_refused)
{
    struct arguments arguments;
    char *unknown[] = {"serve", "--confg", "x", NULL};
    cr_assert(not(parse(COMMAND_SERVE, 3, unknown, &arguments)));
    char *letter[] = {"serve", "-x", NULL};
    cr_assert(not(parse(COMMAND_SERVE, 2, letter, &arguments)));
    char *missing[] = {"serve", "--config", NULL};
    cr_assert(not(parse(COMMAND_SERVE, 2, missing, &arguments)));
    char *needless[] = {"options", "--yaml=1", NULL};
    cr_assert(not(parse(COMMAND_OPTIONS, 2, needless, &arguments)));
    char *no_equals[] = {"serve", "--set", "path", NULL};
    cr_assert(not(parse(COMMAND_SERVE, 3, no_equals, &arguments)));
    char *no_path[] = {"serve", "--set", (char[]){"=1"}, NULL};
    cr_assert(not(parse(COMMAND_SERVE, 3, no_path, &arguments)));
}

Test(command_line, more_options_than_there_is_room_for_are_refused)
{
    struct arguments arguments;
    char *argv[2 * GIVEN_MAX + 4] = {"serve"};
    char values[GIVEN_MAX + 1][4];
    for (int i = 0; i <= GIVEN_MAX; i++) {
        argv[2 * i + 1] = "--set";
        snprintf(values[i], sizeof values[i], "a=b");
        argv[2 * i + 2] = values[i];
    }
    cr_assert(not(parse(COMMAND_SERVE, 2 * GIVEN_MAX + 3, argv, &arguments)));
    for (int i = 0; i <= GIVEN_MAX; i++)
        argv[i + 1] = "--ready";
    cr_assert(not(parse(COMMAND_HEALTH, GIVEN_MAX + 2, argv, &arguments)));
}
