/* SPDX-License-Identifier: Apache-2.0 */
/* References when an allocation fails, each in turn: a value comes out or a failure is
 * told, and nothing is wrong or half there. Memory comes in chunks, so that what is taken
 * first is varied too. */
#include "batch/dependencies.h"
#include "support/failing_memory.h"
#include "unit/batch/gather_fixture.h"

#include "batch/body_template.h"

enum { CHUNK = 4096, STEP = 16, ALLOCATIONS_MAX = 2000 };

Test(references_memory, reading_templates_may_find_none)
{
    size_t failed = 0;
    for (size_t most = CHUNK / 2; most <= CHUNK - STEP; most += STEP) {
        struct arena arena = {0};
        struct template_reader reader = {.setup = {.arena = &arena}};
        struct template template;
        struct body_template body;
        bool is_needed;
        const char *fault = "";
        for (size_t taken = 0; taken < most; taken += STEP)
            cr_assert_not_null(arena_take(&arena, STEP));
        failing_memory_arm(1);
        bool is_read = template_read(&reader, slice_from("{{x[\"body\"][\"a\"][0].b}}"),
                                     &template, &fault) &&
                       body_template_read_json(&reader, slice_from("[\"{{y.body.x}}\"]"),
                                               &body, &is_needed, &fault);
        failing_memory_disarm();
        cr_expect(is_read || fault == NULL);
        failed += !is_read;
        arena_done(&arena);
    }
    cr_expect(failed > 10 || !failing_memory_is_here());
}

Test(references_memory, the_graph_is_whole_or_is_not)
{
    static const struct dependency edges[] = {{0, 1}, {1, 2}, {2, 0}};
    bool has_failed = true;
    for (size_t number = 1; has_failed; number++) {
        struct dependencies made = {.item_count = 0};
        size_t *cycle = NULL;
        size_t count = 7;
        failing_memory_arm(number);
        bool is_made = dependencies_make(&made, 3, edges, 3);
        bool is_found = is_made && dependencies_find_cycle(&made, &cycle, &count);
        has_failed = failing_memory_disarm();
        cr_expect_eq(is_found, !has_failed);
        cr_expect_eq(count, is_found ? 3 : 7);
        free(cycle);
        dependencies_done(&made);
    }
}

#define REFERRING                                                                        \
    "{\"id\": \"a\", \"url\": \"http://h/{{0.body.x}}?{{0.status}}\","                   \
    " \"method\": \"POST\", \"headers\": {\"x\": \"{{0.headers.y}}\"},"                  \
    " \"body\": {\"a\": \"{{0.body}}\"}, \"dependsOn\": [\"0\"]},"                       \
    "{\"url\": \"http://h/{{[\\\"a\\\"].body[\\\"b\\\"].c}}\"},"                         \
    "{\"url\": \"http://h/{{e.x}}{{index}}\", \"forEach\": \"{{0.body.l}}\","            \
    " \"as\": \"e\"}"

Test(references_memory, a_batch_is_whole_or_refused)
{
    const struct config config = fixture_config();
    const struct parse_setup setup = {.config = &config};
    char text[2 * CHUNK];
    char padding[CHUNK / 4];
    size_t failures = 0;
    parse_global_init();
    memset(padding, 'x', sizeof padding);
    for (size_t taken = 0; taken < CHUNK / 4 - STEP; taken += STEP) {
        bool has_failed = true;
        snprintf(
            text, sizeof text,
            "[{\"url\": \"http://h/\", \"method\": \"POST\", \"body\": \"%.*s\"},%s]",
            (int)taken, padding, REFERRING);
        for (size_t number = 1; has_failed; number++) {
            struct parse_errors errors = {.count = 0};
            failing_memory_arm(number);
            struct batch *batch = parse_batch(slice_from(text), &setup, &errors);
            has_failed = failing_memory_disarm();
            if (batch)
                cr_assert_eq(batch->count, 4);
            else
                cr_assert(has_failed && errors.refusal == PARSE_NO_MEMORY, "%zu: %s",
                          number, errors.list[0].detail);
            failures += !batch;
            batch_free(batch);
            parse_errors_done(&errors);
            cr_assert_lt(number, ALLOCATIONS_MAX);
        }
    }
    cr_expect(failures > 1000 || !failing_memory_is_here());
}

/* Runs the batch with the `number`-th allocation failing; true: there was such a one. */
static bool run_batch(size_t number)
{
    static const struct call_header headers[] = {{{"y", 1}, {"v", 1}}};
    struct outcome outcome = {
        .code = CALL_OK,
        .status = 200,
        .headers = headers,
        .header_count = 1,
        .content_type = slice_from("application/json"),
        .has_body = true,
        .body =
            slice_from("{\"x\": \"s\", \"b\": {\"c\": 1}, \"l\": [{\"x\": 1}, {\"x\": "
                       "\"\\u00fc\"}]}"),
    };
    struct parse_errors errors;
    open_world();
    struct batch *batch = fixture_parse("[\"http://h/\"," REFERRING "]", &errors);
    cr_assert_not_null(batch);
    start_batch(batch);
    failing_memory_arm(number);
    for (size_t i = 0; world.ends == 0; i++) {
        if (i == world.fetcher.started_count)
            run_timers_at(world.loop.now_ms); /* some could not be sent */
        if (i < world.fetcher.started_count)
            finish(i, &outcome);
        else
            cr_assert_eq(world.ends, 1, "allocation %zu", number);
    }
    bool has_failed = failing_memory_disarm();
    json_t *root = take_reply();
    cr_expect_eq(json_array_size(json_object_get(root, "responses")), 4);
    if (!has_failed)
        check_summary(4, 4);
    json_decref(root);
    gather_free(world.gather);
    close_world();
    return has_failed;
}

Test(references_memory, every_item_is_answered_whatever_fails)
{
    size_t number = 1;
    while (run_batch(number))
        cr_assert_lt(number++, ALLOCATIONS_MAX);
    cr_expect(number > 20 || !failing_memory_is_here());
}
