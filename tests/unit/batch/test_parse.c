/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that are right and what they become; documents that are no batch. */
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct batch *parse(const char *text)
{
    struct parse_errors errors;
    struct batch *batch = fixture_parse_quoted(text, &errors);
    fixture_print_errors(&errors);
    cr_assert_not_null(batch, "%s", text);
    cr_assert_eq(errors.total, 0);
    return batch;
}

Test(parse, an_array_of_urls_is_a_batch)
{
    struct batch *batch = parse("['http://a/', \n 'http://b/']");
    cr_assert_eq(batch->count, 2);
    cr_expect(fixture_is(batch->items[0].url, "http://a/"));
    cr_expect(fixture_is(batch->items[1].url, "http://b/"));
    cr_expect_eq(batch->items[1].url.data[batch->items[1].url.len], '\0');
    cr_expect(fixture_is(batch->items[0].id, "0"));
    cr_expect(fixture_is(batch->items[1].id, "1"));
    cr_expect_eq(batch->items[0].method, METHOD_GET);
    cr_expect_eq(batch->items[0].header_count, 0);
    cr_expect_not(batch->items[0].has_body);
    cr_expect_eq(batch->items[0].redirects, -1);
    cr_expect_eq(batch->items[0].timeout_ms, 0);
    cr_expect_eq(batch->include, INCLUDE_DEFAULT);
    cr_expect_eq(batch->deadline_ms, 0);
    cr_expect_eq(batch->concurrency, 0);
    batch_free(batch);
}

Test(parse, an_object_with_urls_is_the_same)
{
    struct batch *batch =
        parse("{'urls': ['http://a/'], 'deadlineMs': 600000, 'concurrency': 3,"
              " 'include': ['timing', 'body']}");
    cr_assert_eq(batch->count, 1);
    cr_expect_eq(batch->deadline_ms, 600000);
    cr_expect_eq(batch->concurrency, 3);
    cr_expect_eq(batch->include, INCLUDE_TIMING | INCLUDE_BODY);
    batch_free(batch);
}

Test(parse, requests_are_strings_or_objects_in_any_mixture)
{
    struct batch *batch =
        parse("{'requests': ['http://a/', {'url': 'http://b/', 'id': 'b'},"
              " 'http://c/']}");
    cr_assert_eq(batch->count, 3);
    cr_expect(fixture_is(batch->items[1].id, "b"));
    cr_expect(fixture_is(batch->items[2].id, "2"));
    cr_expect(fixture_is(batch->items[2].url, "http://c/"));
    batch_free(batch);
}

Test(parse, objects_may_stand_in_the_bare_array_too)
{
    struct batch *batch =
        parse("[{'url': 'http://a/', 'method': 'POST', 'body': {'q': 1}}]");
    cr_expect(fixture_is(batch->items[0].body, "{\"q\": 1}"));
    batch_free(batch);
}

Test(parse, an_empty_include_asks_for_nothing)
{
    struct batch *batch = parse("{'urls': ['u'], 'include': []}");
    cr_expect_eq(batch->include, 0);
    batch_free(batch);
}

Test(parse, a_wrong_url_is_its_own_items_affair)
{
    struct batch *batch = parse("['', 'not a url', 'ftp://x/', 'http://\xc3\xbc/']");
    cr_assert_eq(batch->count, 4);
    cr_expect_eq(batch->items[0].url.len, 0);
    cr_expect_not_null(batch->items[0].url.data);
    batch_free(batch);
}

Test(parse, every_options_order_is_right)
{
    struct batch *batch = parse("{'include': ['headers'], 'defaults': {'timeoutMs': 5},"
                                " 'deadlineMs': 7, 'requests': ['u']}");
    cr_expect_eq(batch->items[0].timeout_ms, 5);
    batch_free(batch);
    batch = parse("{'requests': ['u'], 'defaults': {'timeoutMs': 5}}");
    cr_expect_eq(batch->items[0].timeout_ms, 5);
    batch_free(batch);
}

static void check_refused(const char *text, const char *pointer, const char *part)
{
    struct parse_errors errors;
    struct batch *batch = fixture_parse_quoted(text, &errors);
    cr_expect_null(batch, "taken: %s", text);
    cr_expect(errors.total >= 1, "no error: %s", text);
    if (!fixture_has_error(&errors, pointer, part)) {
        fixture_print_errors(&errors);
        cr_expect_fail("%s: no \"%s\" at \"%s\"", text, part, pointer);
    }
    parse_errors_done(&errors);
    batch_free(batch);
}

struct shape_case {
    const char *text;
    const char *pointer;
    const char *part;
};

static const struct shape_case shapes[] = {
    {"[]", "", "at least one"},
    {"{'urls': []}", "/urls", "at least one"},
    {"{'requests': []}", "/requests", "at least one"},
    {"{}", "", "\"urls\" or \"requests\" is missing"},
    {"{'deadlineMs': 5}", "", "is missing"},
    {"{'urls': ['u'], 'requests': ['u']}", "/urls", "not both"},
    {"{'urls': 'u'}", "/urls", "must be an array of URLs"},
    {"{'urls': null}", "/urls", "must be an array"},
    {"{'requests': {}}", "/requests", "must be an array"},
    {"{'urls': [{'url': 'u'}]}", "/urls/0", "\"requests\""},
    {"{'urls': ['u', 5]}", "/urls/1", "must be a URL"},
    {"['u', 5]", "/1", "must be a URL or an object"},
    {"{'requests': [[]]}", "/requests/0", "must be a URL or an object"},
    {"{'requests': [null]}", "/requests/0", "must be a URL or an object"},
    {"{'urls': ['u'], 'deadlineMs': 0}", "/deadlineMs", "from 1 to 600000"},
    {"{'urls': ['u'], 'deadlineMs': 600001}", "/deadlineMs", "from 1 to 600000"},
    {"{'urls': ['u'], 'deadlineMs': '1s'}", "/deadlineMs", "must be an integer"},
    {"{'urls': ['u'], 'deadlineMs': 100.0}", "/deadlineMs", "must be an integer"},
    {"{'urls': ['u'], 'deadlineMs': 1e3}", "/deadlineMs", "must be an integer"},
    {"{'urls': ['u'], 'deadlineMs': 1e400}", "/deadlineMs", "must be an integer"},
    {"{'urls': ['u'], 'deadlineMs': 9223372036854775808}", "/deadlineMs", "from 1 to"},
    {"{'urls': ['u'], 'deadlineMs': 123456789012345678901234567890}", "/deadlineMs",
     "from 1 to"},
    {"{'urls': ['u'], 'deadlineMs': -123456789012345678901234567890}", "/deadlineMs",
     "from 1"},
    {"{'urls': ['u'], 'deadlineMs': null}", "/deadlineMs", "must be an integer"},
    {"{'urls': ['u'], 'deadlineMs': true}", "/deadlineMs", "must be an integer"},
    {"{'urls': ['u'], 'concurrency': 0}", "/concurrency", "from 1 to"},
    {"{'urls': ['u'], 'concurrency': -1}", "/concurrency", "from 1 to"},
    {"{'urls': ['u'], 'concurrency': 'x'}", "/concurrency", "from 1 to"},
    {"{'urls': ['u'], 'include': 'body'}", "/include", "must be an array"},
    {"{'urls': ['u'], 'include': ['bodies']}", "/include/0", "must be \"headers\""},
    {"{'urls': ['u'], 'include': ['body', 1]}", "/include/1", "must be \"headers\""},
    {"{'urls': ['u'], 'include': ['body', 'body']}", "/include/1", "twice"},
    {"{'urls': ['u'], 'defaults': []}", "/defaults", "must be an object"},
    {"{'urls': ['u'], 'defaults': {'id': 'x'}}", "/defaults/id", "cannot be a default"},
    {"{'urls': ['u'], 'defaults': {'url': 'x'}}", "/defaults/url", "cannot be a default"},
    {"{'urls': ['u'], 'defaults': {'timeoutMs': 'x'}}", "/defaults/timeoutMs", "integer"},
    {"{'urls': ['u'], 'defaults': {'uri': 'x'}}", "/defaults/uri", "unknown field"},
    {"{'urls': ['u'], 'deadline': 5}", "/deadline", "did you mean \"deadlineMs\""},
    {"{'url': ['u']}", "/url", "did you mean \"urls\""},
    {"{'urls': ['u'], 'zzzzzzzz': 5}", "/zzzzzzzz", "unknown field"},
    {"{'urls': ['u'], '': 5}", "/", "unknown field"},
    {"{'urls': ['u'], 'a/b~c': 5}", "/a~1b~0c", "unknown field"},
};

Test(parse, what_is_no_batch_is_refused_at_its_pointer)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check_refused(shapes[i].text, shapes[i].pointer, shapes[i].part);
}

Test(parse, a_far_name_gets_no_hint)
{
    struct parse_errors errors;
    cr_assert_null(fixture_parse_quoted("{'urls': ['u'], 'zzzzzzzz': 5}", &errors));
    cr_expect_str_eq(errors.list[0].detail, "unknown field");
    parse_errors_done(&errors);
}

Test(parse, all_errors_are_found_at_once)
{
    struct parse_errors errors;
    cr_assert_null(
        fixture_parse_quoted("{'requests': [{'url': 'u', 'timeoutMs': 0}, {'uri': 'u'},"
                             " 3], 'deadlineMs': 'x'}",
                             &errors));
    cr_expect(fixture_has_error(&errors, "/requests/0/timeoutMs", "integer"));
    cr_expect(fixture_has_error(&errors, "/requests/1/uri", "did you mean \"url\""));
    cr_expect(fixture_has_error(&errors, "/requests/1", "missing"));
    cr_expect(fixture_has_error(&errors, "/requests/2", "must be a URL"));
    cr_expect(fixture_has_error(&errors, "/deadlineMs", "integer"));
    cr_expect_eq(errors.total, 5);
    parse_errors_done(&errors);
}

Test(parse, more_errors_than_fit_are_counted)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    for (int i = 0; i < 900; i++)
        buffer_append_text(&text, i ? ",5" : "[5");
    buffer_append_byte(&text, ']');
    struct parse_errors errors;
    cr_assert_null(fixture_parse_bytes(text.data, text.len, &errors));
    cr_expect_eq(errors.count, PARSE_ERRORS_MAX);
    cr_expect_eq(errors.total, 900);
    parse_errors_done(&errors);
    buffer_done(&text);
}

static void append_items(struct buffer *text, const char *before, int count,
                         const char *after)
{
    buffer_append_text(text, before);
    for (int i = 0; i < count; i++)
        buffer_append_text(text, i ? ",\"u\"" : "[\"u\"");
    buffer_append_text(text, after);
}

Test(parse, the_number_of_items_has_a_limit_in_each_spelling)
{
    static const char *const spellings[][2] = {
        {"", "]"},
        {"{\"urls\": ", "]}"},
        {"{\"requests\": ", "]}"},
        {"{\"re\\u0071uests\":", "]}"},
    };
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        for (int count = 1000; count <= 1001; count++) {
            struct buffer text;
            buffer_init(&text, 1 << 20);
            append_items(&text, spellings[i][0], count, spellings[i][1]);
            struct parse_errors errors;
            struct batch *batch = fixture_parse_bytes(text.data, text.len, &errors);
            cr_expect_eq(batch != NULL, count == 1000);
            if (!batch) {
                cr_expect_eq(errors.refusal, PARSE_TOO_MANY);
                cr_expect(fixture_has_error(&errors, "", "at most 1000 items"));
            }
            parse_errors_done(&errors);
            batch_free(batch);
            buffer_done(&text);
        }
    }
}

Test(parse, long_and_hostile_names_are_cut_at_a_character)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "{\"urls\": [\"u\"], \"x");
    for (int i = 0; i < 20000; i++)
        buffer_append_text(&text, "\xe2\x82\xac");
    buffer_append_text(&text, "\": 1}");
    struct parse_errors errors;
    cr_assert_null(fixture_parse_bytes(text.data, text.len, &errors));
    cr_assert_eq(errors.count, 1);
    cr_expect(strlen(errors.list[0].pointer) < 300);
    cr_expect(utf8_is_valid(slice_from(errors.list[0].pointer)));
    parse_errors_done(&errors);
    buffer_done(&text);
}

Test(parse, a_callers_own_number_of_items_holds_unless_the_servers_is_smaller)
{
    struct config config = fixture_config();
    config.batch.max_items = 3;
    static const char text[] = "[\"a\", \"b\", \"c\"]";
    for (uint64_t most = 0; most <= 4; most++) {
        const struct parse_setup setup = {.config = &config, .max_items = most};
        struct parse_errors errors;
        struct batch *batch = parse_batch(slice_from(text), &setup, &errors);
        bool is_taken = most == 0 || most >= 3;
        cr_expect_eq(batch != NULL, is_taken, "at most %d", (int)most);
        if (!batch)
            cr_expect_eq(errors.refusal, PARSE_TOO_MANY);
        parse_errors_done(&errors);
        batch_free(batch);
    }
}
