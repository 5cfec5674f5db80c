/* SPDX-License-Identifier: Apache-2.0 */
/* command_line.h */
#include "command_line.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <getopt.h>
#include <stdio.h>

static bool parse(const char *options, int argc, char **argv, struct arguments *arguments)
{
    *arguments = (struct arguments){0};
    optind = 1;
    cr_assert_not_null(freopen("/dev/null", "w", stderr));
    return command_line_parse(argc, argv, options, arguments);
}

Test(command_line, options_and_words_are_told_apart)
{
    struct arguments arguments;
    char *argv[] = {
        "serve", (char[]){"--set"}, (char[]){"a.b=1=2"}, "--config=x.yaml", "word", NULL};
    cr_assert(parse("cs", 5, argv, &arguments));
    cr_assert(eq(str, (char *)arguments.config, "x.yaml"));
    cr_assert(eq(sz, arguments.override_count, 1));
    cr_assert(eq(str, (char *)arguments.overrides[0].path, "a.b"));
    cr_assert(eq(str, (char *)arguments.overrides[0].value, "1=2"));
    cr_assert(eq(int, arguments.word_count, 1));
    cr_assert(eq(str, arguments.words[0], "word"));
}

Test(command_line, an_option_of_another_command_is_refused)
{
    struct arguments arguments;
    char *argv[] = {"check", "--config", "x", NULL};
    cr_assert(not(parse("s", 3, argv, &arguments)));
}

Test(command_line, unknown_options_and_missing_values_are_refused)
{
    struct arguments arguments;
    char *unknown[] = {"serve", "--confg", "x", NULL};
    cr_assert(not(parse("cs", 3, unknown, &arguments)));
    char *missing[] = {"serve", "--config", NULL};
    cr_assert(not(parse("cs", 2, missing, &arguments)));
    char *no_equals[] = {"serve", "--set", "path", NULL};
    cr_assert(not(parse("cs", 3, no_equals, &arguments)));
    char *no_path[] = {"serve", "--set", (char[]){"=1"}, NULL};
    cr_assert(not(parse("cs", 3, no_path, &arguments)));
}
