/* SPDX-License-Identifier: Apache-2.0 */
/* run_text.h */
#include "run/run_text.h"

#include "unit/run/run_fixture.h"

TestSuite(run_text, .init = open_drawing, .fini = close_drawing);

static const char *count(uint64_t number)
{
    static char text[RUN_TEXT_MAX];
    run_text_count(number, text);
    return text;
}

static const char *span(double ms)
{
    static char text[RUN_TEXT_MAX];
    run_text_span(ms, text);
    return text;
}

static const char *bytes(uint64_t number)
{
    static char text[RUN_TEXT_MAX];
    run_text_bytes(number, text);
    return text;
}

static const char *milliseconds(double ms)
{
    static char text[RUN_TEXT_MAX];
    run_text_ms(ms, text);
    return text;
}

Test(run_text, counts_have_commas)
{
    cr_expect_str_eq(count(0), "0");
    cr_expect_str_eq(count(999), "999");
    cr_expect_str_eq(count(1000), "1,000");
    cr_expect_str_eq(count(1234567), "1,234,567");
    cr_expect_str_eq(count(UINT64_MAX), "18,446,744,073,709,551,615");
}

Test(run_text, spans_are_seconds_then_clocks)
{
    cr_expect_str_eq(span(-1), "0.0s");
    cr_expect_str_eq(span(0), "0.0s");
    cr_expect_str_eq(span(449), "0.4s");
    cr_expect_str_eq(span(9940), "9.9s");
    cr_expect_str_eq(span(9960), "10s");
    cr_expect_str_eq(span(59499), "59s");
    cr_expect_str_eq(span(59500), "1:00");
    cr_expect_str_eq(span(185000), "3:05");
    cr_expect_str_eq(span(3599499), "59:59");
    cr_expect_str_eq(span(3723000), "1:02:03");
}

Test(run_text, sizes_have_a_unit)
{
    cr_expect_str_eq(bytes(0), "0 B");
    cr_expect_str_eq(bytes(1023), "1023 B");
    cr_expect_str_eq(bytes(1024), "1.0 KiB");
    cr_expect_str_eq(bytes(1536), "1.5 KiB");
    cr_expect_str_eq(bytes(1048570), "1.0 MiB");
    cr_expect_str_eq(bytes(3ULL << 30), "3.0 GiB");
    cr_expect_str_eq(bytes(5ULL << 50), "5120.0 TiB");
}

Test(run_text, times_have_a_unit)
{
    cr_expect_str_eq(milliseconds(-1), "-");
    cr_expect_str_eq(milliseconds(0), "0.0 ms");
    cr_expect_str_eq(milliseconds(99.94), "99.9 ms");
    cr_expect_str_eq(milliseconds(99.96), "100 ms");
    cr_expect_str_eq(milliseconds(9999), "9999 ms");
    cr_expect_str_eq(milliseconds(10000), "10.0 s");
}

Test(run_text, colours_tell_good_from_bad_and_are_closed)
{
    cr_expect(eq(int, run_text_colour(CALL_OK, 200), COLOUR_GOOD));
    cr_expect(eq(int, run_text_colour(CALL_OK, 301), COLOUR_NOTE));
    cr_expect(eq(int, run_text_colour(CALL_OK, 404), COLOUR_NOTE));
    cr_expect(eq(int, run_text_colour(CALL_OK, 500), COLOUR_BAD));
    cr_expect(eq(int, run_text_colour(CALL_DNS, 0), COLOUR_BAD));
    run_text_begin(&drawn, COLOUR_GOOD, true);
    run_text_end(&drawn, COLOUR_GOOD, true);
    run_text_begin(&drawn, COLOUR_NONE, true);
    run_text_end(&drawn, COLOUR_NONE, true);
    run_text_begin(&drawn, COLOUR_BAD, false);
    run_text_end(&drawn, COLOUR_BAD, false);
    cr_expect_str_eq(shown(), "\033[32m\033[0m");
}
