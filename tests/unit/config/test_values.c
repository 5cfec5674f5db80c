/* SPDX-License-Identifier: Apache-2.0 */
/* config/values.h */
#include "config/values.h"
#include "support/expect.h"

#include <inttypes.h>
#include <stdio.h>

typedef bool parse_fn(struct slice text, uint64_t *ret_value, struct error *err);

static void expect_value(parse_fn *parse, const char *text, uint64_t expected)
{
    uint64_t value = 4711;
    struct error err = {0};
    cr_assert(parse(slice_from(text), &value, &err), "%s: %s", text, err.text);
    cr_assert(value == expected, "%s gave %" PRIu64, text, value);
}

/* Refused with `part` in the sentence, the result untouched. */
static void expect_refusal(parse_fn *parse, const char *text, const char *part)
{
    uint64_t value = 4711;
    struct error err = {0};
    cr_assert(not(parse(slice_from(text), &value, &err)), "\"%s\" gave %" PRIu64, text,
              value);
    cr_assert(value == 4711);
    cr_assert(err.kind == ERROR_INVALID);
    expect_part(err.text, part);
}

Test(values, numbers_are_decimal)
{
    expect_value(values_parse_number, "0", 0);
    expect_value(values_parse_number, "7", 7);
    expect_value(values_parse_number, "10000", 10000);
    expect_value(values_parse_number, "18446744073709551615", UINT64_MAX);
}

Test(values, nothing_else_is_a_number)
{
    static const char *const wrong[] = {"",     " 1",       "1 ",  "+1",  "-1",  "1.0",
                                        "1e9",  "0x10",     "0o7", "1_0", "1,0", "ten",
                                        "1:30", "\xd9\xa1", "1\n", "∞"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_refusal(values_parse_number, wrong[i], "is not a whole number");
}

Test(values, a_leading_zero_is_refused_as_it_may_mean_octal)
{
    expect_refusal(values_parse_number, "010", "begins with a zero");
    expect_refusal(values_parse_number, "00", "begins with a zero");
    expect_refusal(values_parse_duration, "010s", "begins with a zero");
    expect_refusal(values_parse_size, "01KiB", "begins with a zero");
}

Test(values, numbers_over_64_bits_are_refused)
{
    expect_refusal(values_parse_number, "18446744073709551616", "too large");
    expect_refusal(values_parse_number, "99999999999999999999999999", "too large");
}

Test(values, a_nul_byte_is_no_digit)
{
    uint64_t value;
    cr_assert(not(values_parse_number(slice_make("1\0", 2), &value, NULL)));
    cr_assert(not(values_parse_duration(slice_make("1s\0", 3), &value, NULL)));
}

Test(values, durations_have_a_unit)
{
    expect_value(values_parse_duration, "250ms", 250);
    expect_value(values_parse_duration, "2s", 2000);
    expect_value(values_parse_duration, "5m", 300000);
    expect_value(values_parse_duration, "0s", 0);
    expect_value(values_parse_duration, "0ms", 0);
}

Test(values, a_bare_number_is_no_duration_and_the_remedy_is_named)
{
    expect_refusal(values_parse_duration, "15",
                   "\"15\" has no unit: put ms, s or m behind");
    expect_refusal(values_parse_duration, "0", "has no unit");
}

Test(values, nothing_else_is_a_duration)
{
    static const char *const wrong[] = {"",      "s",    "ms",  "1 s",  "1h",   "1d",
                                        "1us",   "1.5s", "-1s", "+1s",  "1S",   "1MS",
                                        "1m30s", "1s ",  " 1s", "1min", "1e3s", "∞"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_refusal(values_parse_duration, wrong[i], "is not a duration");
}

Test(values, durations_that_overflow_are_refused)
{
    expect_refusal(values_parse_duration, "18446744073709551615m", "too large");
    expect_refusal(values_parse_duration, "307445734561826m", "too large");
    expect_refusal(values_parse_duration, "99999999999999999999ms", "too large");
}

Test(values, sizes_have_a_unit_of_powers_of_two)
{
    expect_value(values_parse_size, "512B", 512);
    expect_value(values_parse_size, "64KiB", 65536);
    expect_value(values_parse_size, "4MiB", 4194304);
    expect_value(values_parse_size, "2GiB", 2147483648);
    expect_value(values_parse_size, "0B", 0);
}

Test(values, nothing_else_is_a_size)
{
    static const char *const wrong[] = {"",    "B",      "4 MiB", "4MB",   "4M",
                                        "4kB", "4kib",   "4mib",  "1TiB",  "1e9",
                                        "-1B", "1.5MiB", "0x1B",  "4MiB ", "4b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_refusal(values_parse_size, wrong[i], "is not a size");
    expect_refusal(values_parse_size, "4096", "has no unit");
    expect_refusal(values_parse_size, "17179869184GiB", "too large");
}

Test(values, switches_are_on_and_off)
{
    bool value = false;
    cr_assert(values_parse_switch(slice_from("on"), &value, NULL));
    cr_assert(value);
    cr_assert(values_parse_switch(slice_from("off"), &value, NULL));
    cr_assert(not(value));
}

Test(values, yes_and_true_are_refused_with_the_word_to_write)
{
    static const char *const yes[] = {"yes", "Yes", "true", "TRUE", "1", "y"};
    static const char *const no[] = {"no", "NO", "false", "False", "0", "n"};
    struct error err;
    bool value = false;
    for (size_t i = 0; i < 6; i++) {
        cr_assert(not(values_parse_switch(slice_from(yes[i]), &value, &err)));
        expect_part(err.text, "write on");
        cr_assert(not(values_parse_switch(slice_from(no[i]), &value, &err)));
        expect_part(err.text, "write off");
    }
    cr_assert(not(values_parse_switch(slice_from("On"), &value, &err)));
    cr_assert(not(values_parse_switch(slice_from(""), &value, &err)));
}

Test(values, a_choice_gives_the_position_of_the_word)
{
    uint64_t index = 9;
    cr_assert(values_parse_choice(slice_from("json"), "json text", &index, NULL));
    cr_assert(index == 0);
    cr_assert(values_parse_choice(slice_from("text"), "json text", &index, NULL));
    cr_assert(index == 1);
}

Test(values, a_wrong_choice_names_the_words_and_the_nearest)
{
    uint64_t index = 9;
    struct error err;
    cr_assert(not(values_parse_choice(slice_from("jsn"), "json text", &index, &err)));
    expect_text(err.text, "\"jsn\" is not one of json, text (did you mean json?)");
    cr_assert(not(values_parse_choice(slice_from("xml"), "json text", &index, &err)));
    expect_text(err.text, "\"xml\" is not one of json, text");
    cr_assert(not(values_parse_choice(slice_from(""), "json text", &index, &err)));
    cr_assert(
        not(values_parse_choice(slice_from("json text"), "json text", &index, &err)));
    cr_assert(index == 9);
}

Test(values, a_hash_is_64_hex_digits_of_either_case)
{
    unsigned char bytes[32] = {0};
    static const char hash[] =
        "00ff10AB000000000000000000000000000000000000000000000000000000fe";
    cr_assert(values_parse_sha256(slice_from(hash), bytes, NULL));
    cr_assert(bytes[0] == 0 && bytes[1] == 0xff && bytes[2] == 0x10 && bytes[3] == 0xab);
    cr_assert(bytes[31] == 0xfe);
}

Test(values, a_wrong_hash_is_refused_and_nothing_written)
{
    unsigned char bytes[32] = {7};
    char hash[66];
    struct error err;
    memset(hash, 'a', sizeof hash);
    cr_assert(not(values_parse_sha256(slice_make(hash, 63), bytes, &err)));
    expect_part(err.text, "63 characters");
    cr_assert(not(values_parse_sha256(slice_make(hash, 65), bytes, &err)));
    hash[63] = 'g';
    cr_assert(not(values_parse_sha256(slice_make(hash, 64), bytes, &err)));
    expect_part(err.text, "character 64");
    cr_assert(bytes[0] == 7 && bytes[1] == 0);
}

Test(values, formatting_uses_the_largest_exact_unit)
{
    char text[VALUES_TEXT_MAX];
    static const struct {
        uint64_t ms;
        const char *text;
    } durations[] = {{0, "0s"},        {1, "1ms"},
                     {1500, "1500ms"}, {90000, "90s"},
                     {60000, "1m"},    {UINT64_MAX, "18446744073709551615ms"}};
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        values_format_duration(durations[i].ms, text);
        expect_text(text, durations[i].text);
    }
    values_format_size(65536, text);
    expect_text(text, "64KiB");
    values_format_size(65537, text);
    expect_text(text, "65537B");
    values_format_size(0, text);
    expect_text(text, "0B");
    values_format_size(3ULL << 30, text);
    expect_text(text, "3GiB");
}

Test(values, what_is_formatted_parses_to_the_same)
{
    char text[VALUES_TEXT_MAX];
    uint64_t value = 0;
    for (uint64_t n = 0; n < 200000; n += 37) {
        values_format_duration(n, text);
        cr_assert(values_parse_duration(slice_from(text), &value, NULL) && value == n,
                  "%s", text);
        values_format_size(n * 512, text);
        cr_assert(values_parse_size(slice_from(text), &value, NULL) && value == n * 512,
                  "%s", text);
    }
}

Test(values, a_share_is_a_number_from_0_to_1)
{
    static const struct {
        const char *text;
        uint64_t millionths;
    } good[] = {
        {"0", 0},         {"1", 1000000},  {"0.0", 0},       {"0.5", 500000},
        {"0.25", 250000}, {"0.000001", 1}, {"0.10", 100000}, {"0.999999", 999999},
    };
    static const char *const bad[] = {"",     ".5",   "0.",        "1.0", "1.5",
                                      "2",    "-0.5", "50%",       "0,5", "1e-1",
                                      "00.5", "0.5x", "0.0000001", "+0"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        expect_value(values_parse_ratio, good[i].text, good[i].millionths);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refusal(values_parse_ratio, bad[i], "is not a share");
}
