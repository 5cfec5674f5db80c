/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings: names and values, escapes, limits. */
#include "http/query.h"
#include "support/failing_memory.h"

#include <criterion/criterion.h>

static struct query parsed(const char *text)
{
    struct query query = {.count = 0};
    struct error err;
    cr_assert(query_parse(slice_from(text), 10, &query, &err), "%s: %s", text, err.text);
    return query;
}

static void expect(const struct query *query, size_t index, const char *name,
                   const char *value)
{
    cr_assert_lt(index, query->count);
    cr_expect(slice_is(query->arguments[index].name, name), "name %zu", index);
    cr_expect(slice_is(query->arguments[index].value, value), "value %zu", index);
}

Test(query, names_and_values_come_in_order)
{
    struct query query = parsed("url=http://a/&url=http://b/?x=1&deadlineMs=5");
    cr_expect_eq(query.count, 3);
    expect(&query, 0, "url", "http://a/");
    expect(&query, 1, "url", "http://b/?x=1");
    expect(&query, 2, "deadlineMs", "5");
    query_done(&query);
}

Test(query, escapes_and_plus_are_decoded_in_both)
{
    struct query query = parsed("u%72l=a%20b+c%2B%26%3d%C3%a9");
    expect(&query, 0, "url", "a b c+&=\xc3\xa9");
    query_done(&query);
}

Test(query, empty_parts_are_skipped_and_missing_values_are_empty)
{
    struct query query = parsed("&&a&=b&c=&");
    cr_expect_eq(query.count, 3);
    expect(&query, 0, "a", "");
    expect(&query, 1, "", "b");
    expect(&query, 2, "c", "");
    query_done(&query);
    query = parsed("");
    cr_expect_eq(query.count, 0);
    query_done(&query);
}

Test(query, broken_escapes_are_refused)
{
    static const char *const wrong[] = {"a=%", "a=%4",    "a=%zz", "a=%4g",
                                        "%",   "a=b&c%1", "a=%00"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct query query = {.count = 0};
        struct error err = {.kind = ERROR_NONE};
        cr_expect_not(query_parse(slice_from(wrong[i]), 10, &query, &err), "%s",
                      wrong[i]);
        cr_expect_eq(err.kind, ERROR_INVALID);
    }
}

Test(query, too_many_arguments_are_a_limit)
{
    struct query query = {.count = 0};
    struct error err = {.kind = ERROR_NONE};
    cr_expect_not(query_parse(slice_from("a&b&c"), 2, &query, &err));
    cr_expect_eq(err.kind, ERROR_LIMIT);
}

Test(query, without_memory_it_fails_as_the_system_not_as_the_query)
{
    if (!failing_memory_is_here())
        cr_skip_test("this build has allocators of its own");
    for (size_t number = 1; number <= 2; number++) {
        struct query query = {.count = 0};
        struct error err;
        failing_memory_arm(number);
        cr_expect_not(query_parse(slice_from("url=x"), 10, &query, &err));
        cr_assert(failing_memory_disarm());
        cr_expect_eq(err.kind, ERROR_SYSTEM);
        cr_expect_eq(query.count, 0);
    }
}
