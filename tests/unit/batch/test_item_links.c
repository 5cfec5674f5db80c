/* SPDX-License-Identifier: Apache-2.0 */
/* Items that need others: when they start, with what, and what happens when what they
 * need does not come. */
#include "unit/batch/gather_fixture.h"

TestSuite(item_links, .init = open_world, .fini = close_world);

static void finish_json(size_t n, const char *body)
{
    static const struct call_header headers[] = {{{"etag", 4}, {"v1", 2}},
                                                 {{"x-odd", 5}, {"a\xff", 2}}};
    struct outcome outcome = {
        .code = CALL_OK,
        .status = 200,
        .headers = headers,
        .header_count = 2,
        .content_type = slice_from("application/json"),
        .has_body = true,
        .body = slice_from(body),
    };
    finish(n, &outcome);
}

static void finish_failed(size_t n, enum call_code code)
{
    struct outcome outcome = {.code = code, .message = "it failed"};
    finish(n, &outcome);
}

static const struct call *started(size_t n)
{
    cr_assert_lt(n, world.fetcher.started_count);
    return world.fetcher.started[n];
}

static void check_url(size_t n, const char *url)
{
    cr_expect(fixture_is(started(n)->url, url), "%.*s", (int)started(n)->url.len,
              started(n)->url.data);
    cr_expect_eq(started(n)->url.data[started(n)->url.len], '\0');
}

static void close_batch(json_t *root)
{
    json_decref(root);
    gather_free(world.gather);
    cr_expect_eq(world.loop.timer_count, 0);
}

Test(item_links, an_item_starts_when_all_it_needs_is_done)
{
    start("[{'url': 'http://h/c', 'dependsOn': ['1', '2']}, 'http://h/a', 'http://h/b']");
    cr_assert_eq(world.fetcher.started_count, 2);
    check_url(0, "http://h/a");
    finish_json(1, "{}");
    cr_assert_eq(world.fetcher.started_count, 2);
    finish_json(0, "{}");
    cr_assert_eq(world.fetcher.started_count, 3);
    check_url(2, "http://h/c");
    finish_json(2, "{}");
    cr_expect_eq(world.ends, 1);
    check_summary(3, 3);
    close_batch(take_reply());
}

Test(item_links, values_go_into_url_headers_and_body)
{
    start("['http://h/',"
          " {'url': 'http://h/{{0.body.id}}?s={{0.status}}&t={{0.body.t}}',"
          "  'method': 'POST', 'headers': {'if-match': '{{0.headers.etag}}', 'x': 'y',"
          "  'z': 'a {{0.body.t}}'},"
          "  'body': {'n': '{{0.body.n}}', 'o': '{{0.headers.x-odd}}', 't': 't "
          "{{0.body.t}}',"
          "  'all': ['{{0.body}}']}}]");
    finish_json(0, "{\"id\": \"a/b\", \"n\": 1.00, \"t\": \"x&\\\"\"}");
    check_url(1, "http://h/a%2Fb?s=200&t=x%26%22");
    const struct call *call = started(1);
    cr_assert_eq(call->header_count, 4);
    cr_expect(fixture_is(call->headers[0].value, "v1"));
    cr_expect(fixture_is(call->headers[1].value, "y"));
    cr_expect(fixture_is(call->headers[2].value, "a x&\""));
    cr_expect(fixture_is(call->headers[3].value, "application/json"));
    static const char body[] =
        "{\"n\": 1.00, \"o\": \"a\xc3\xbf\", \"t\": \"t x&\\\"\",\n"
        "  \"all\": [{\"id\": \"a/b\", \"n\": 1.00, \"t\": \"x&\\\"\"}]}";
    char flat[300];
    snprintf(flat, sizeof flat, "%.*s", (int)call->body.len, call->body.data);
    const char *at = body;
    for (const char *c = flat; *c; c++) { /* but for the line break of the test's text */
        while (*at == '\n')
            at++;
        cr_assert_eq(*c, *at, "%s", flat);
        at++;
    }
    finish_json(1, "{}");
    check_summary(2, 2);
    close_batch(take_reply());
}

Test(item_links, a_body_that_is_one_reference_is_sent_as_what_it_is)
{
    start("['http://h/',"
          " {'url': 'http://h/1', 'method': 'POST', 'body': '{{0.body.o}}'},"
          " {'url': 'http://h/2', 'method': 'POST', 'body': '{{0.body.s}}'},"
          " {'url': 'http://h/3', 'method': 'POST', 'body': '{{0.body.o}}',"
          "  'headers': {'content-type': 'text/x', 'a': '{{0.status}}'}},"
          " {'url': 'http://h/4', 'method': 'POST', 'body': '{{0.body.o}}',"
          "  'headers': {'a': '{{0.status}}'}}]");
    finish_json(0, "{\"o\": {\"a\": 1}, \"s\": \"x\\ny\"}");
    cr_assert_eq(world.fetcher.started_count, 5);
    cr_expect(fixture_is(started(1)->body, "{\"a\": 1}"));
    cr_expect_eq(started(1)->header_count, 1);
    cr_expect(fixture_is(started(1)->headers[0].value, "application/json"));
    cr_expect(fixture_is(started(2)->body, "x\ny"));
    cr_expect_eq(started(2)->header_count, 0);
    cr_expect_eq(started(3)->header_count, 2);
    cr_expect_eq(started(4)->header_count, 2);
    cr_expect(fixture_is(started(4)->headers[0].value, "200"));
    cr_expect(fixture_is(started(4)->headers[1].value, "application/json"));
    for (size_t i = 1; i < 5; i++)
        finish_json(i, "{}");
    close_batch(take_reply());
}

struct unsent_case {
    const char *item;
    const char *message;
};

Test(item_links, what_cannot_be_put_in_fails_its_item_alone)
{
    static const struct unsent_case cases[] = {
        {"'url': 'http://h/{{0.body.none}}'",
         "{{0.body.none}} is not in the reply's body"},
        {"'url': 'http://h/{{0.body.dots}}'",
         "{{0.body.dots}} would make . or .. of a step of the URL's path"},
        {"'url': 'http://h/{{0.body.o}}'",
         "{{0.body.o}} is an object or an array, which a text cannot hold"},
        {"'url': '{{0.body.n}}'", "{{0.body.n}} is no string, as a URL is"},
        {"'url': 'http://h/', 'headers': {'a': '{{0.body.crlf}}'}",
         "{{0.body.crlf}} holds a control character or a line break, which a header "
         "cannot"},
        {"'url': 'http://h/', 'headers': {'a': '{{0.body.empty}} b'}",
         "headers: the header would begin or end with white space"},
        {"'url': 'http://h/', 'headers': {'a': '{{0.headers.none}}'}",
         "{{0.headers.none}} is a header that the reply does not have"},
        {"'url': 'http://h/', 'method': 'PUT', 'body': ['a {{0.body.o}}']",
         "{{0.body.o}} is an object or an array, which a text cannot hold"},
    };
    enum { COUNT = sizeof cases / sizeof *cases };
    struct buffer text;
    buffer_init(&text, 8000);
    buffer_append_text(&text, "['http://h/'");
    for (size_t i = 0; i < COUNT; i++)
        buffer_append_format(&text, ", {%s}", cases[i].item);
    buffer_append_text(&text, ", 'http://h/{{0.status}}']");
    start(buffer_text(&text));
    buffer_done(&text);
    finish_json(0, "{\"dots\": \"..\", \"o\": [], \"n\": 1, \"crlf\": \"a\\r\\nb: c\","
                   " \"empty\": \"\"}");
    cr_assert_eq(world.fetcher.started_count, 2, "only the last one is sent");
    finish_json(1, "{}");
    cr_assert_eq(world.ends, 1);
    check_summary(COUNT + 2, 2);
    json_t *root = take_reply();
    for (size_t i = 0; i < COUNT; i++) {
        cr_expect_str_eq(code_of(root, i + 1), "dependency_failed");
        cr_expect_str_eq(message_of(root, i + 1), cases[i].message);
        cr_expect_eq(json_integer_value(json_object_get(response(root, i + 1), "status")),
                     424);
    }
    run_timers_at(world.loop.now_ms);
    close_batch(root);
}

Test(item_links, when_all_that_is_left_cannot_be_sent_the_batch_ends_in_the_next_turn)
{
    start("['http://h/', 'http://h/{{0.body.x}}', 'http://h/{{1.status}}']");
    finish_json(0, "{}");
    cr_expect_eq(world.ends, 0);
    run_timers_at(world.loop.now_ms);
    cr_assert_eq(world.ends, 1);
    check_summary(3, 1);
    json_t *root = take_reply();
    cr_expect_str_eq(message_of(root, 2),
                     "{{1.status}}: request \"1\" failed (dependency_failed)");
    close_batch(root);
}

Test(item_links, a_failure_dooms_those_that_wait_at_once_and_those_that_wait_for_them)
{
    start(
        "{'requests': [{'id': 'a', 'url': 'http://h/'}, {'id': 'b', 'url': 'http://h/'},"
        " {'id': 'c', 'url': 'http://h/', 'dependsOn': ['a', 'b']},"
        " {'id': 'd', 'url': 'http://h/{{c.status}}'},"
        " {'id': 'e', 'url': 'http://h/'}]}");
    cr_assert_eq(world.fetcher.started_count, 3);
    finish_failed(0, CALL_CONNECT);
    cr_expect(world.batch->items[2].is_done && world.batch->items[3].is_done);
    finish_json(1, "{}");
    cr_expect_eq(world.fetcher.started_count, 3);
    finish_json(2, "{}");
    cr_assert_eq(world.ends, 1);
    json_t *root = take_reply();
    cr_expect_str_eq(message_of(root, 2), "request \"a\" failed (connect)");
    cr_expect_str_eq(code_of(root, 3), "dependency_failed");
    cr_expect_str_eq(message_of(root, 3),
                     "{{c.status}}: request \"c\" failed (dependency_failed)");
    close_batch(root);
}

Test(item_links, an_optional_item_that_failed_lets_those_go_on_that_want_no_value_of_it)
{
    start("{'requests': [{'id': 'a', 'url': 'http://h/', 'optional': true},"
          " {'id': 'b', 'url': 'http://h/b', 'dependsOn': ['a']},"
          " {'id': 'c', 'url': 'http://h/{{a.status}}'}]}");
    finish_failed(0, CALL_CONNECT);
    cr_assert_eq(world.fetcher.started_count, 2);
    check_url(1, "http://h/b");
    finish_json(1, "{}");
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 2), "dependency_failed");
    close_batch(root);
}

Test(item_links, an_upstreams_error_is_a_reply_like_any_other)
{
    start("['http://h/', 'http://h/{{0.status}}']");
    struct outcome outcome = {.code = CALL_OK, .status = 503};
    finish(0, &outcome);
    check_url(1, "http://h/503");
    finish_json(1, "{}");
    close_batch(take_reply());
}

Test(item_links, concurrency_holds_for_items_that_waited)
{
    start("{'concurrency': 1, 'urls': ['http://h/{{3.status}}', 'http://h/{{3.status}}',"
          " 'http://h/2', 'http://h/3', 'http://h/4']}");
    check_url(0, "http://h/2");
    finish_json(0, "{}");
    check_url(1, "http://h/3");
    finish_json(1, "{}");
    cr_assert_eq(world.fetcher.started_count, 3);
    check_url(2, "http://h/200");
    finish_json(2, "{}");
    cr_assert_eq(world.fetcher.started_count, 4);
    finish_json(3, "{}");
    check_url(4, "http://h/4");
    finish_json(4, "{}");
    cr_assert_eq(world.ends, 1);
    close_batch(take_reply());
}

Test(item_links, the_deadline_ends_items_that_wait)
{
    start("{'deadlineMs': 100, 'urls': ['http://h/', 'http://h/{{0.body.x}}', "
          "'http://h/{{1.status}}']}");
    run_timers_at(world.loop.now_ms + 1000000);
    cr_assert_eq(world.ends, 1);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 0), "deadline");
    cr_expect_str_eq(code_of(root, 1), "deadline");
    cr_expect_str_eq(code_of(root, 2), "deadline");
    cr_expect(strstr(message_of(root, 1), "waiting for other requests") != NULL, "%s",
              message_of(root, 1));
    close_batch(root);
}

Test(item_links, a_gather_may_be_freed_at_any_time)
{
    start("['http://h/', 'http://h/', 'http://h/{{0.body.x}}', 'http://h/{{2.status}}',"
          " 'http://h/{{1.status}}/{{0.body.x}}']");
    finish_json(0, "{\"x\": \"a\"}");
    cr_expect_eq(world.fetcher.started_count, 3);
    cr_expect_gt(budget_held(&world.budgets.reply_bytes), 0);
    gather_free(world.gather);
    cr_expect_eq(world.fetcher.cancelled_count, 2);
}

Test(item_links, values_are_let_go_with_the_last_item_that_wants_them)
{
    start("['http://h/', 'http://h/{{0.body}}', 'http://h/', 'http://h/']");
    static char body[20000];
    memset(body, 'x', sizeof body - 1);
    finish_ok(0, body);
    uint64_t held = budget_held(&world.budgets.reply_bytes);
    finish_json(3, "{}");
    cr_expect_lt(budget_held(&world.budgets.reply_bytes), held - 15000);
    gather_free(world.gather);
}

/* A large value sent to many, a few at once, takes memory for a few. */
Test(item_links, what_was_made_for_a_request_is_let_go_when_it_is_done)
{
    start("['http://h/', {'url': 'http://h/', 'method': 'PUT', 'body': ['{{0.body}}'],"
          " 'headers': {'a': '{{0.status}}'}}, 'http://h/']");
    uint64_t before = budget_held(&world.budgets.request_bytes);
    static char body[20000];
    memset(body, 'x', sizeof body - 1);
    finish_ok(0, body);
    cr_expect_gt(budget_held(&world.budgets.request_bytes), before + 15000);
    finish_json(2, "{}");
    cr_expect_eq(budget_held(&world.budgets.request_bytes), before);
    gather_free(world.gather);
}

Test(item_links, where_no_memory_is_left_an_item_fails)
{
    start("['http://h/', 'http://h/{{0.body.x}}', 'http://h/']");
    world.budgets.reply_bytes.max = 10;
    finish_json(0, "{\"x\": \"aaaaaaaaaaaaaaaa\"}");
    finish_json(1, "{}");
    json_t *root = take_reply();
    cr_expect_str_eq(message_of(root, 1),
                     "{{0.body.x}} does not fit into the memory there is for it");
    close_batch(root);
}

Test(item_links, where_no_memory_is_left_for_requests_an_item_fails)
{
    start("['http://h/', 'http://h/{{0.body.x}}', 'http://h/']");
    world.budgets.request_bytes.max = 10;
    finish_json(0, "{\"x\": \"a\"}");
    finish_json(1, "{}");
    json_t *root = take_reply();
    cr_expect_str_eq(message_of(root, 1), "values: there is no memory for them now");
    close_batch(root);
}

Test(item_links, a_long_chain_that_fails_ends_in_slices)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "['http://h/'");
    for (int i = 1; i < 1000; i++)
        buffer_append_format(&text, ",'http://h/{{%d.status}}'", i - 1);
    buffer_append_byte(&text, ']');
    start(buffer_text(&text));
    buffer_done(&text);
    finish_failed(0, CALL_CONNECT);
    cr_expect_eq(world.ends, 0);
    run_timers_at(world.loop.now_ms);
    cr_assert_eq(world.ends, 1);
    check_summary(1000, 0);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 999), "dependency_failed");
    close_batch(root);
}
