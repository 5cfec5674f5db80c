/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for a client: in order, counted, freed as it is taken. */
#include "http/stream_queue.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/failing_memory.h"

static struct budget budget = {.max = 1 << 20};

static void add(struct stream_queue *queue, const char *text)
{
    char *to = stream_queue_add(queue, strlen(text));
    cr_assert_not_null(to);
    memcpy(to, text, strlen(text));
}

Test(stream_queue, bytes_leave_in_the_order_they_came_however_they_are_cut)
{
    for (size_t step = 1; step < 12; step++) {
        struct stream_queue queue;
        char out[32] = "";
        size_t len = 0;
        stream_queue_init(&queue, &budget);
        add(&queue, "one,");
        add(&queue, "two,");
        add(&queue, "three");
        cr_expect_eq(queue.len, 13);
        for (size_t got; (got = stream_queue_take(&queue, out + len, step)) > 0;)
            len += got;
        cr_expect_str_eq(out, "one,two,three");
        cr_expect_eq(queue.len, 0);
        stream_queue_done(&queue);
    }
}

Test(stream_queue, small_parts_share_a_block_and_a_large_one_has_its_own)
{
    struct stream_queue queue;
    stream_queue_init(&queue, &budget);
    for (int i = 0; i < 100; i++)
        add(&queue, "0123456789");
    size_t small = queue.held;
    cr_expect_eq(small, 16 * 1024);
    cr_assert_not_null(stream_queue_add(&queue, 100000));
    cr_expect_eq(queue.held, small + 100000);
    cr_expect_eq(budget_held(&budget), queue.held);
    stream_queue_done(&queue);
    cr_expect_eq(budget_held(&budget), 0);
    cr_expect_eq(queue.len, 0);
}

Test(stream_queue, memory_is_given_back_as_it_is_taken_and_the_queue_goes_on)
{
    struct stream_queue queue;
    static char out[200000];
    stream_queue_init(&queue, &budget);
    memset(stream_queue_add(&queue, 100000), 'a', 100000);
    memset(stream_queue_add(&queue, 60000), 'b', 60000);
    cr_expect_eq(stream_queue_take(&queue, out, 100001), 100001);
    cr_expect_eq(out[99999], 'a');
    cr_expect_eq(out[100000], 'b');
    cr_expect_eq(budget_held(&budget), 60000);
    cr_expect_eq(queue.len, 59999);
    cr_expect_eq(stream_queue_take(&queue, out, sizeof out), 59999);
    cr_expect_eq(budget_held(&budget), 0);
    cr_expect_eq(stream_queue_take(&queue, out, sizeof out), 0);
    add(&queue, "x");
    cr_expect_eq(stream_queue_take(&queue, out, sizeof out), 1);
    cr_expect_eq(out[0], 'x');
    stream_queue_done(&queue);
}

Test(stream_queue, without_memory_nothing_is_added_and_the_rest_stays)
{
    struct stream_queue queue;
    char out[8] = "";
    stream_queue_init(&queue, &budget);
    add(&queue, "kept");
    failing_memory_arm(1);
    char *to = stream_queue_add(&queue, 1 << 20);
    cr_expect_eq(failing_memory_disarm(), failing_memory_is_here());
    cr_expect_eq(to == NULL, failing_memory_is_here());
    cr_expect_eq(stream_queue_take(&queue, out, 4), 4);
    cr_expect_str_eq(out, "kept");
    stream_queue_done(&queue);
    cr_expect_eq(budget_held(&budget), 0);
}
