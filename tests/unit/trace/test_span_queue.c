/* SPDX-License-Identifier: Apache-2.0 */
/* trace/span_queue.h */
#include "trace/span_queue.h"

#include "support/failing_memory.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_text(const char *actual, const char *expected)
{
    cr_assert(actual && strcmp(actual, expected) == 0, "\n  is       %s\n  expected %s",
              actual, expected);
}

static void expect_part(const char *text, const char *part)
{
    cr_assert(text && strstr(text, part), "\n  %s\n  does not hold %s", text, part);
}

static struct span_queue queue;

static void start(size_t bytes_max)
{
    span_queue_init(&queue, slice_from("["), bytes_max);
}

static enum span_added add(size_t len)
{
    struct buffer *out = span_queue_begin(&queue);
    cr_assert(out);
    char *to = buffer_reserve(out, len);
    if (to) {
        memset(to, 'x', len);
        buffer_commit(out, len);
    }
    return span_queue_end(&queue);
}

Test(span_queue, spans_are_put_together_and_taken_as_one_document)
{
    start(1 << 20);
    cr_assert(span_queue_is_empty(&queue));
    cr_assert(span_queue_take(&queue, true) == NULL);
    cr_assert_eq(add(2), SPAN_FIRST);
    cr_assert_eq(add(3), SPAN_ONE_MORE);
    cr_assert(!span_queue_is_empty(&queue) && !span_queue_has_full(&queue));
    cr_assert(span_queue_take(&queue, false) == NULL);
    struct span_pack *pack = span_queue_take(&queue, true);
    expect_text(buffer_text(&pack->text), "[xx,xxx]}]}]}");
    cr_assert_eq(pack->count, 2);
    cr_assert(span_queue_is_empty(&queue));
    span_queue_drop(&queue, pack);
    cr_assert_eq(queue.bytes, 0);
    span_queue_done(&queue);
}

Test(span_queue, a_pack_is_full_by_its_spans)
{
    start(1 << 20);
    for (int i = 1; i < SPAN_PACK_MAX; i++)
        cr_assert_neq(add(1), SPAN_LAST);
    cr_assert_eq(add(1), SPAN_LAST);
    cr_assert(span_queue_has_full(&queue));
    cr_assert_eq(add(1), SPAN_FIRST);
    struct span_pack *pack = span_queue_take(&queue, true);
    cr_assert_eq(pack->count, SPAN_PACK_MAX, "the oldest first");
    span_queue_drop(&queue, pack);
    span_queue_done(&queue);
}

Test(span_queue, a_pack_is_full_by_its_bytes_and_ends_all_the_same)
{
    start(1 << 20);
    enum span_added added = SPAN_ONE_MORE;
    size_t count = 0;
    for (; added != SPAN_LAST; count++)
        added = add(SPAN_BYTES_MAX - 1);
    cr_assert(count < 10);
    struct span_pack *pack = span_queue_take(&queue, false);
    expect_part(buffer_text(&pack->text), "xx]}]}]}");
    span_queue_drop(&queue, pack);
    span_queue_done(&queue);
}

Test(span_queue, what_is_too_large_or_does_not_fit_is_taken_out_again)
{
    start(1 << 20);
    cr_assert_eq(add(SPAN_BYTES_MAX + 1), SPAN_LOST);
    cr_assert_eq(add(16 << 20), SPAN_LOST);
    cr_assert(span_queue_take(&queue, true) == NULL);
    cr_assert(span_queue_is_empty(&queue), "there is nothing to wait for");
    cr_assert_eq(add(1), SPAN_FIRST);
    cr_assert_eq(add(SPAN_BYTES_MAX + 1), SPAN_LOST);
    cr_assert_eq(add(1), SPAN_ONE_MORE);
    struct span_pack *pack = span_queue_take(&queue, true);
    expect_text(buffer_text(&pack->text), "[x,x]}]}]}");
    span_queue_drop(&queue, pack);
    span_queue_done(&queue);
}

/* What is taken counts until it is dropped. */
Test(span_queue, above_its_ceiling_nothing_is_added)
{
    start(SPAN_PACK_BYTES * 3);
    struct span_pack *taken[8] = {NULL};
    size_t count = 0;
    while (span_queue_begin(&queue)) {
        (void)!span_queue_end(&queue); /* an empty span, which is one too */
        if (add(SPAN_BYTES_MAX - 1) == SPAN_LAST)
            taken[count++] = span_queue_take(&queue, false);
        cr_assert(count < 8);
    }
    cr_assert(queue.bytes <= SPAN_PACK_BYTES * 3 + SPAN_BYTES_MAX * 2);
    for (size_t i = 0; i < count; i++)
        span_queue_drop(&queue, taken[i]);
    cr_assert(span_queue_begin(&queue) != NULL);
    (void)!span_queue_end(&queue);
    span_queue_done(&queue);
}

Test(span_queue, without_memory_for_a_pack_a_span_is_left_out_and_the_next_is_not)
{
    start(1 << 20);
    failing_memory_arm(2); /* the first is of the size of a pointer or two: it aborts */
    struct buffer *out = span_queue_begin(&queue);
    cr_expect_eq(failing_memory_disarm(), failing_memory_is_here());
    cr_expect_eq(out == NULL, failing_memory_is_here());
    if (out)
        cr_expect_neq(span_queue_end(&queue), SPAN_LOST);
    cr_assert_neq(add(2), SPAN_LOST);
    span_queue_done(&queue);
}

Test(span_queue, ends_with_packs_full_open_and_spare)
{
    start(16 << 20);
    for (int i = 0; i < 3 * SPAN_PACK_MAX + 1; i++)
        (void)!add(1);
    struct span_pack *one = span_queue_take(&queue, false);
    struct span_pack *other = span_queue_take(&queue, false);
    span_queue_drop(&queue, one);
    span_queue_drop(&queue, other);
    span_queue_done(&queue);
}
