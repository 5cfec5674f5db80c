/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines to one object: order, repeats, and values of any bytes, for few and for
 * many. */
#include "batch/render_headers.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct call_header line(const char *name, const char *value)
{
    return (struct call_header){.name = slice_from(name), .value = slice_from(value)};
}

static const char *rendered(const struct call_header *headers, size_t count)
{
    static struct buffer out;
    buffer_done(&out);
    buffer_init(&out, 1 << 20);
    render_headers(&out, headers, count);
    return buffer_text(&out);
}

Test(render_headers, names_stand_in_the_order_they_first_came)
{
    struct call_header headers[] = {line("b", "1"), line("set-cookie", "x"),
                                    line("a", "2"), line("set-cookie", "y"),
                                    line("b", "3"), line("set-cookie", "x")};
    cr_expect_str_eq(rendered(headers, 6),
                     ",\"headers\":{\"b\":[\"1\",\"3\"],\"set-cookie\":"
                     "[\"x\",\"y\",\"x\"],\"a\":\"2\"}");
}

Test(render_headers, no_lines_are_an_empty_object)
{
    cr_expect_str_eq(rendered(NULL, 0), ",\"headers\":{}");
}

Test(render_headers, the_first_line_may_repeat)
{
    struct call_header headers[] = {line("a", "1"), line("a", "2")};
    cr_expect_str_eq(rendered(headers, 2), ",\"headers\":{\"a\":[\"1\",\"2\"]}");
}

Test(render_headers, values_are_utf8_or_latin1)
{
    struct call_header headers[] = {line("u", "caf\xc3\xa9"), line("l", "caf\xe9 \xff"),
                                    line("c", "\x1b[31m\"\\"), line("e", "")};
    cr_expect_str_eq(rendered(headers, 4),
                     ",\"headers\":{\"u\":\"caf\xc3\xa9\",\"l\":"
                     "\"caf\xc3\xa9 \xc3\xbf\",\"c\":\"\\u001b[31m\\\"\\\\\","
                     "\"e\":\"\"}");
}

Test(render_headers, an_odd_name_does_not_break_the_object)
{
    struct call_header headers[] = {line("a\"b", "1"), line("\xff", "2"), line("", "3"),
                                    line("", "4")};
    json_t *root =
        json_loads(strchr(rendered(headers, 4), '{'), JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(root);
    cr_expect_eq(json_object_size(root), 3);
    cr_expect_eq(json_array_size(json_object_get(root, "")), 2);
    json_decref(root);
}

/* `count` lines under `names` different names, in turn. */
static void check_many(size_t count, size_t names)
{
    struct call_header *headers = calloc(count, sizeof *headers);
    char(*texts)[24] = calloc(count, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        snprintf(texts[i], sizeof texts[i], "n%zu", i % names);
        headers[i] = line(texts[i], texts[i] + 1);
    }
    json_t *root =
        json_loads(strchr(rendered(headers, count), '{'), JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(root, "%zu of %zu", count, names);
    cr_expect_eq(json_object_size(root), count < names ? count : names);
    size_t index = 0;
    size_t lines = 0;
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value)
    {
        cr_expect_str_eq(name, texts[index++]);
        lines += json_is_array(value) ? json_array_size(value) : 1;
    }
    cr_expect_eq(lines, count);
    json_decref(root);
    free(texts);
    free(headers);
}

Test(render_headers, few_and_many_lines_give_the_same)
{
    static const size_t counts[] = {1, 2, 31, 32, 33, 34, 100, 5000};
    static const size_t names[] = {1, 2, 7, 31, 33, 100, 5000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (size_t j = 0; j < sizeof names / sizeof *names; j++)
            check_many(counts[i], names[j]);
    }
}
