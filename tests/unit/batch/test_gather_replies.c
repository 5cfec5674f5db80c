/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch holds and hands out: ceilings, large bodies, bytes counted. */
#include "unit/batch/gather_fixture.h"

#include <malloc.h>

TestSuite(gather_replies, .init = open_world, .fini = close_world);

Test(gather_replies, bodies_beyond_the_batchs_ceiling_fail_alone)
{
    world.config.batch.reply_max_bytes = 100000;
    start("{'urls': ['a', 'b', 'c', 'd', 'e'], 'include': ['body', 'timing']}");
    finish_large(0, 60000, 'x');
    finish_large(1, 60000, 'y'); /* does not fit */
    cr_expect_lt(malloc_usable_size(world.batch->items[1].fragment.own), 1000);
    finish_large(2, 1000, 'z');
    finish_large(3, 15000, '\x01'); /* escaped six times as long */
    finish_ok(4, "last");
    check_summary(5, 3);
    json_t *root = take_reply();
    cr_expect_eq(json_string_length(json_object_get(response(root, 0), "body")), 60000);
    cr_expect_str_eq(code_of(root, 1), "too_large");
    cr_expect_not_null(json_object_get(response(root, 1), "timing"));
    cr_expect_eq(json_string_length(json_object_get(response(root, 2), "body")), 1000);
    cr_expect_str_eq(code_of(root, 3), "too_large");
    cr_expect_str_eq(text_at(response(root, 4), "body"), "last");
    json_decref(root);
    gather_free(world.gather);
}

Test(gather_replies, failures_are_answered_even_when_nothing_fits)
{
    world.config.batch.reply_max_bytes = 1;
    start("['a', 'b', 'c']");
    struct outcome outcome = {.code = CALL_DNS, .message = "no such name"};
    finish(0, &outcome);
    finish_large(1, 10000, 'x');
    finish(2, &outcome);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 0), "dns");
    cr_expect_str_eq(code_of(root, 1), "too_large");
    cr_expect_str_eq(code_of(root, 2), "dns");
    json_decref(root);
    gather_free(world.gather);
}

Test(gather_replies, the_largest_failure_fits_where_nothing_else_does)
{
    char id[129];
    memset(id, '\x7f', 128);
    id[128] = '\0';
    char document[300];
    snprintf(document, sizeof document, "[{'url': 'u', 'id': '%s'}]", id);
    world.config.batch.reply_max_bytes = 1;
    start(document);
    char message[1000];
    memset(message, 1, sizeof message);
    message[999] = '\0';
    struct outcome outcome = {.code = CALL_DNS, .message = message};
    finish(0, &outcome);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 0), "dns");
    json_decref(root);
    gather_free(world.gather);
}

Test(gather_replies, large_bodies_become_pieces_in_order)
{
    start("['a', 'b', 'c', 'd']");
    finish_large(3, 300000, 'd');
    finish_large(1, 200000, 'b');
    finish_ok(0, "a");
    finish_large(2, 20000, 'c');
    json_t *root = take_reply();
    static const size_t sizes[] = {1, 200000, 20000, 300000};
    for (size_t i = 0; i < 4; i++) {
        json_t *body = json_object_get(response(root, i), "body");
        cr_expect_eq(json_string_length(body), sizes[i]);
        cr_expect_eq(json_string_value(body)[sizes[i] - 1], (char)('a' + i));
    }
    json_decref(root);
    gather_free(world.gather);
}

Test(gather_replies, bytes_held_are_counted_while_it_runs)
{
    start("['a', 'b']");
    finish_large(0, 50000, 'x');
    cr_expect(budget_held(&world.budgets.reply_bytes) > 50000);
    gather_free(world.gather);
    cr_expect_eq(budget_held(&world.budgets.reply_bytes), 0);
}
