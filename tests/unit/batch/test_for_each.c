/* SPDX-License-Identifier: Apache-2.0 */
/* One item, sent once for each element of an array. */
#include "unit/batch/gather_fixture.h"

TestSuite(for_each, .init = open_world, .fini = close_world);

static void finish_json(size_t n, const char *body)
{
    struct outcome outcome = {
        .code = CALL_OK,
        .status = 200,
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

static void check_url(size_t n, const char *url)
{
    cr_assert_lt(n, world.fetcher.started_count);
    cr_expect(fixture_is(world.fetcher.started[n]->url, url), "%.*s",
              (int)world.fetcher.started[n]->url.len, world.fetcher.started[n]->url.data);
}

static void close_batch(json_t *root)
{
    json_decref(root);
    gather_free(world.gather);
    cr_expect_eq(world.loop.timer_count, 0);
}

static json_t *child(const json_t *root, size_t parent, size_t index)
{
    return response(response(root, parent), index);
}

static int64_t number_at(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static int64_t summary_of(const json_t *root, size_t parent, const char *name)
{
    return number_at(json_object_get(response(root, parent), "summary"), name);
}

#define LIST "'http://h/', "
#define EACH                                                                             \
    "{'url': 'http://h/{{item.id}}?i={{index}}&s={{0.status}}', "                        \
    "'forEach': '{{0.body.items}}'}"

Test(for_each, element_a_child_is_sent_and_its_response_stands_in_the_parents)
{
    start("[" LIST EACH "]");
    cr_assert_eq(world.fetcher.started_count, 1);
    finish_json(0, "{\"items\": [{\"id\": \"a\"}, {\"id\": 7}]}");
    cr_assert_eq(world.fetcher.started_count, 3);
    check_url(1, "http://h/a?i=0&s=200");
    check_url(2, "http://h/7?i=1&s=200");
    finish_json(2, "[2]");
    finish_json(1, "[1]");
    cr_assert_eq(world.ends, 1);
    check_summary(2, 2);
    json_t *root = take_reply();
    cr_expect_eq(number_at(response(root, 1), "status"), 200);
    cr_expect_null(json_object_get(response(root, 1), "headers"));
    cr_expect_null(json_object_get(response(root, 1), "body"));
    cr_expect_str_eq(text_at(child(root, 1, 0), "id"), "0");
    cr_expect_eq(
        json_integer_value(json_array_get(json_object_get(child(root, 1, 0), "body"), 0)),
        1);
    cr_expect_str_eq(text_at(child(root, 1, 1), "id"), "1");
    cr_expect_eq(summary_of(root, 1, "total"), 2);
    cr_expect_eq(summary_of(root, 1, "ok"), 2);
    close_batch(root);
}

Test(for_each, what_failed_is_told_by_the_parent_and_the_rest_is_still_there)
{
    start("[" LIST EACH ", {'url': 'http://h/', 'dependsOn': ['1']}]");
    finish_json(0, "{\"items\": [{\"id\": 1}, {\"x\": 2}, {\"id\": 3}]}");
    cr_assert_eq(world.fetcher.started_count, 3);
    finish_failed(2, CALL_CONNECT);
    finish_json(1, "{}");
    cr_assert_eq(world.ends, 1);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 1), "dependency_failed");
    cr_expect_str_eq(message_of(root, 1),
                     "2 of 3 failed, the first of them \"1\" (dependency_failed)");
    cr_expect_eq(number_at(child(root, 1, 0), "status"), 200);
    cr_expect_str_eq(text_at(json_object_get(child(root, 1, 1), "error"), "message"),
                     "{{item.id}} is not in the element");
    cr_expect_eq(number_at(child(root, 1, 2), "status"), 502);
    cr_expect_str_eq(message_of(root, 2), "request \"1\" failed (dependency_failed)");
    close_batch(root);
}

Test(for_each, an_array_without_elements_is_done_at_once)
{
    start("[" LIST EACH ", {'url': 'http://h/2', 'dependsOn': ['1']}]");
    finish_json(0, "{\"items\": []}");
    run_timers_at(world.loop.now_ms);
    check_url(1, "http://h/2");
    finish_json(1, "{}");
    check_summary(3, 3);
    json_t *root = take_reply();
    cr_expect_eq(json_array_size(json_object_get(response(root, 1), "responses")), 0);
    close_batch(root);
}

struct refused_case {
    const char *body;
    const char *message;
};

Test(for_each, what_is_no_array_or_too_long_sends_nothing)
{
    static const struct refused_case cases[] = {
        {"{\"items\": {}}", "{{0.body.items}} is no array"},
        {"{\"items\": \"[1]\"}", "{{0.body.items}} is no array"},
        {"{}", "{{0.body.items}} is not in the reply's body"},
        {"{\"items\": [1,2,3,4]}",
         "{{0.body.items}} has more than 3 elements: nothing was "
         "sent; \"max\" allows up to 1000"},
        {"{\"items\": [1,2,3]}", "{{0.body.items}} has 3 elements, with which the batch "
                                 "would be of more than the 4 items it may have"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        close_world();
        open_world();
        world.config.batch.max_items = 4;
        start("[" LIST "{'url': 'http://h/', 'forEach': '{{0.body.items}}', 'max': 3}]");
        finish_json(0, cases[i].body);
        run_timers_at(world.loop.now_ms);
        cr_assert_eq(world.ends, 1);
        cr_expect_eq(world.fetcher.started_count, 1);
        json_t *root = take_reply();
        cr_expect_str_eq(message_of(root, 1), cases[i].message);
        cr_expect_null(json_object_get(response(root, 1), "responses"));
        close_batch(root);
    }
}

Test(for_each, children_keep_to_the_concurrency)
{
    start("{'concurrency': 2, 'requests': [" LIST EACH ", 'http://h/last']}");
    check_url(1, "http://h/last");
    finish_json(0, "{\"items\": [{\"id\": 1}, {\"id\": 2}, {\"id\": 3}]}");
    cr_assert_eq(world.fetcher.started_count, 3);
    finish_json(1, "{}");
    cr_assert_eq(world.fetcher.started_count, 4);
    finish_json(2, "{}");
    cr_assert_eq(world.fetcher.started_count, 5);
    finish_json(3, "{}");
    finish_json(4, "{}");
    check_summary(3, 3);
    close_batch(take_reply());
}

Test(for_each, at_the_deadline_there_is_what_came)
{
    start("{'deadlineMs': 1000, 'concurrency': 2, 'requests': [" LIST EACH "]}");
    finish_json(0, "{\"items\": [{\"id\": 1}, {\"id\": 2}, {\"id\": 3}, {\"id\": 4}]}");
    finish_json(1, "{}");
    run_timers_at(world.loop.now_ms + 1000000);
    cr_assert_eq(world.ends, 1);
    cr_expect_eq(world.fetcher.cancelled_count, 2);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 1), "deadline");
    cr_expect_str_eq(message_of(root, 1),
                     "3 of 4 failed, the first of them \"1\" (deadline)");
    cr_expect_eq(number_at(child(root, 1, 0), "status"), 200);
    cr_expect_eq(number_at(child(root, 1, 3), "status"), 504);
    close_batch(root);
}

Test(for_each, a_gather_may_be_freed_while_children_run)
{
    start("{'concurrency': 2, 'requests': [" LIST EACH "]}");
    finish_json(0, "{\"items\": [{\"id\": 1}, {\"id\": 2}, {\"id\": 3}, {\"id\": 4}]}");
    finish_json(1, "{}");
    cr_expect_gt(budget_held(&world.budgets.request_bytes), 0);
    gather_free(world.gather);
    cr_expect_eq(world.fetcher.cancelled_count, 2);
}

Test(for_each, replies_too_large_together_fail_by_that)
{
    world.config.batch.reply_max_bytes = 100000;
    start("[" LIST EACH "]");
    finish_json(0, "{\"items\": [{\"id\": 1}, {\"id\": 2}, {\"id\": 3}]}");
    finish_large(1, 60000, 'a');
    finish_large(2, 60000, 'b');
    finish_json(3, "{}");
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 1), "dependency_failed");
    cr_expect_eq(json_string_length(json_object_get(child(root, 1, 0), "body")), 60000);
    cr_expect_str_eq(text_at(json_object_get(child(root, 1, 1), "error"), "code"),
                     "too_large");
    cr_expect_eq(number_at(child(root, 1, 2), "status"), 200);
    close_batch(root);
}

Test(for_each, where_there_is_no_memory_the_parent_fails)
{
    start("[" LIST EACH "]");
    world.budgets.request_bytes.max = 100;
    finish_json(0, "{\"items\": [{\"id\": 1}]}");
    run_timers_at(world.loop.now_ms);
    json_t *root = take_reply();
    cr_expect_str_eq(message_of(root, 1),
                     "{{0.body.items}} is an array for which there is no memory now");
    close_batch(root);
}

Test(for_each, wrong_ones_are_refused_before_anything_is_sent)
{
    static const struct {
        const char *document;
        const char *pointer;
        const char *part;
    } cases[] = {
        {"[" LIST "{'url': 'http://h/', 'forEach': 1}]", "/1/forEach",
         "a reference to an"},
        {"[" LIST "{'url': 'http://h/', 'forEach': 'x'}]", "/1/forEach", "one reference"},
        {"[" LIST "{'url': 'http://h/', 'forEach': '{{0.status}}'}]", "/1/forEach",
         "one reference"},
        {"[" LIST "{'url': 'http://h/', 'forEach': '{{item.x}}'}]", "/1/forEach",
         "must go on behind the id"},
        {"[" LIST "{'url': 'http://h/', 'forEach': '{{0.body}}', 'max': 1001}]", "/1/max",
         "from 1 to 1000"},
        {"[" LIST "{'url': 'http://h/', 'max': 10}]", "/1/max", "is missing"},
        {"[" LIST "{'url': 'http://h/', 'as': 'x'}]", "/1/as", "is missing"},
        {"[" LIST "{'url': 'http://h/', 'forEach': '{{0.body}}', 'as': 1}]", "/1/as",
         "must be a string"},
        {"[" LIST "{'url': 'http://h/', 'forEach': '{{0.body}}', 'as': 'index'}]",
         "/1/as", "must be a name"},
        {"[" LIST "{'url': 'http://h/', 'forEach': '{{0.body}}', 'as': '0'}]", "/1/as",
         "is the id of a request"},
        {"[" LIST "{'url': 'http://h/', 'id': 'item', 'forEach': '{{0.body}}'}]",
         "/1/forEach", "is the id of a request"},
        {"[" LIST "{'url': 'http://h/', 'forEach': '{{0.body}}', 'references': false}]",
         "/1/forEach", "switched off"},
        {"[" LIST "{'url': 'http://h/', 'method': 'POST', 'forEach': '{{0.body}}',"
         " 'idempotencyKey': 'k'}]",
         "/1/idempotencyKey", "of all that forEach sends"},
        {"[" LIST EACH ", 'http://h/{{1.body.x}}']", "/2", "is of a forEach"},
        {"[" LIST EACH ", {'url': 'http://h/', 'forEach': '{{1.body.x}}'}]", "/2",
         "is of a forEach"},
        {"{'defaults': {'forEach': '{{0.body}}'}, 'urls': ['http://h/']}",
         "/defaults/forEach", "cannot be a default"},
        {"['http://h/{{item.x}}']", "/0/url", "must go on behind the id"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parse_errors errors;
        cr_expect_null(fixture_parse_quoted(cases[i].document, &errors), "%s",
                       cases[i].document);
        cr_expect(fixture_has_error(&errors, cases[i].pointer, cases[i].part), "%s",
                  cases[i].document);
        if (!fixture_has_error(&errors, cases[i].pointer, cases[i].part))
            fixture_print_errors(&errors);
        parse_errors_done(&errors);
    }
}
