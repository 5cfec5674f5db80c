/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/retry_after.h: every form, every way to be none of them, and all days of four
 * hundred years against libc's calendar. */
#include "fetch/retry_after.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOW 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT, RFC 9110's example */
#define NOT_READ UINT64_MAX

static uint64_t wait_at(const char *text, int64_t now_s, uint64_t max_ms)
{
    /* From memory of exactly its size, so that a sanitizer sees a byte read too much. */
    size_t len = strlen(text);
    char *exact = malloc(len ? len : 1);
    if (len)
        memcpy(exact, text, len);
    uint64_t wait_ms = NOT_READ;
    if (!retry_after_parse(slice_make(exact, len), now_s, max_ms, &wait_ms))
        cr_assert(eq(u64, wait_ms, NOT_READ), "untouched when it is ignored");
    free(exact);
    return wait_ms;
}

static uint64_t wait_for(const char *text)
{
    return wait_at(text, NOW, UINT64_MAX);
}

Test(retry_after, seconds_are_read_with_and_without_a_fraction)
{
    static const struct {
        const char *text;
        uint64_t wait_ms;
    } cases[] = {
        {"0", 0},
        {"1", 1000},
        {"120", 120000},
        {"007", 7000},
        {"1.5", 1500},
        {"0.001", 1},
        {"0.0009", 0},
        {"2.123456789", 2123},
        {" 5\t ", 5000},
        {"31622400", 31622400000},
        {"0000000000000000000000000001", 1000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(eq(u64, wait_for(cases[i].text), cases[i].wait_ms), "%s",
                  cases[i].text);
}

Test(retry_after, what_is_no_number_and_no_date_is_ignored)
{
    static const char *const cases[] = {
        "",     " ",    "-1",    "+1",    "1,5",      "1.",
        ".5",   ".",    "1.2.3", "1e3",   "0x10",     "1 2",
        "soon", "1s",   "NaN",   "inf",   "31622401", "99999999999999999999999999999999",
        "1\n",  "\xff", "Sun",   "Sun, ",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(eq(u64, wait_for(cases[i]), NOT_READ), "%s", cases[i]);
}

Test(retry_after, the_three_forms_of_a_date_are_the_same)
{
    cr_expect(eq(u64, wait_for("Sun, 06 Nov 1994 08:50:37 GMT"), 60000));
    cr_expect(eq(u64, wait_for("Sunday, 06-Nov-94 08:50:37 GMT"), 60000));
    cr_expect(eq(u64, wait_for("Sun Nov  6 08:50:37 1994"), 60000));
    cr_expect(eq(u64, wait_for("Wed Nov 16 08:49:37 1994"), 10 * 86400 * 1000ull));
    cr_expect(eq(u64, wait_for("  Sun, 06 Nov 1994 08:50:37 GMT "), 60000));
    cr_expect(eq(u64, wait_for("Sat, 31 Dec 1994 23:59:60 GMT"), 4806623000));
}

Test(retry_after, a_date_that_is_over_means_now)
{
    cr_expect(eq(u64, wait_for("Sun, 06 Nov 1994 08:49:37 GMT"), 0));
    cr_expect(eq(u64, wait_for("Thu, 01 Jan 1970 00:00:00 GMT"), 0));
    cr_expect(eq(u64, wait_for("Sat, 01 Jan 0000 00:00:00 GMT"), 0));
}

Test(retry_after, dates_that_are_none_are_ignored)
{
    static const char *const cases[] = {
        "Sun, 06 Nov 1994 08:50:37 UTC",  "Sun, 06 Nov 1994 08:50:37 GMT+1",
        "Sun, 06 Nov 1994 08:50:37",      "Sun, 6 Nov 1994 08:50:37 GMT",
        "Sun, 00 Nov 1994 08:50:37 GMT",  "Sun, 31 Nov 1994 08:50:37 GMT",
        "Wed, 29 Feb 1995 08:50:37 GMT",  "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",  "Sun, 06 Nov 1994 08:50:61 GMT",
        "Sun, 06 nov 1994 08:50:37 GMT",  "sun, 06 Nov 1994 08:50:37 GMT",
        "Sun,06 Nov 1994 08:50:37 GMT",   "Sun, 06 Nov 94 08:50:37 GMT",
        "Sun, 06 Nov 1994 8:50:37 GMT",   "Sun, 06 Nov 1994 08.50.37 GMT",
        "Sun, 06 Nov 1994 08:50 GMT",     "Sun, 06-Nov-1994 08:50:37 GMT",
        "Sunday, 06 Nov 94 08:50:37 GMT", "Sunday, 06-Nov-1994 08:50:37 GMT",
        "Sunday, 06-Foo-94 08:50:37 GMT", "Sunday, 06-Nov-94 08:50:37 EST",
        "Sunday 06-Nov-94 08:50:37 GMT",  "Sunday, 06-Nov-94T08:50:37 GMT",
        "Sun Nov  6 08:50:37 1994 GMT",   "Sun Nov 6 08:50:37 1994",
        "Sun Nov  6 08:50:37 94",         "Sun Foo  6 08:50:37 1994",
        "Sun Nov   08:50:37 1994",        "Sun Nov  6 085037 1994",
        "Mon, 01 Jan 1996 00:00:00 GMT", /* more than a year away */
        "Fri, 31 Dec 9999 23:59:59 GMT",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(eq(u64, wait_for(cases[i]), NOT_READ), "%s", cases[i]);
}

Test(retry_after, a_wait_is_capped)
{
    cr_expect(eq(u64, wait_at("120", NOW, 5000), 5000));
    cr_expect(eq(u64, wait_at("5", NOW, 5000), 5000));
    cr_expect(eq(u64, wait_at("4.999", NOW, 5000), 4999));
    cr_expect(eq(u64, wait_at("Sun, 06 Nov 1994 08:50:37 GMT", NOW, 5000), 5000));
    cr_expect(eq(u64, wait_at("99", NOW, 0), 0));
}

Test(retry_after, two_digits_of_a_year_mean_the_near_one)
{
    /* 2026-11-25 00:00:00: a year of 25 or 27 is of this century, of 80 of the last. */
    const int64_t now_s = 1795564800;
    cr_expect(
        eq(u64, wait_at("Wednesday, 25-Nov-26 00:00:10 GMT", now_s, UINT64_MAX), 10000));
    cr_expect(eq(u64, wait_at("Tuesday, 25-Nov-25 00:00:10 GMT", now_s, UINT64_MAX), 0));
    cr_expect(eq(u64, wait_at("Tuesday, 25-Nov-80 00:00:10 GMT", now_s, UINT64_MAX), 0));
    cr_expect(
        eq(u64, wait_at("Thursday, 25-Nov-76 00:00:10 GMT", now_s, UINT64_MAX), NOT_READ),
        "2076, fifty years ahead");
    /* 1999-12-31 23:59:50 */
    cr_expect(eq(u64, wait_at("Saturday, 01-Jan-00 00:00:00 GMT", 946684790, UINT64_MAX),
                 10000));
}

Test(retry_after, every_day_of_four_centuries_is_where_libc_has_it)
{
    for (int64_t day = -62000; day < 84098; day++) { /* 1800 to 2200 */
        time_t at = (time_t)(day * 86400 + 3661);
        struct tm parts;
        char text[64];
        gmtime_r(&at, &parts);
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        cr_assert(eq(u64, wait_at(text, at - 17, UINT64_MAX), 17000), "%s", text);
    }
}
