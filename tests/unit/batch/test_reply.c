/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments to pieces: the bytes are the same whatever is joined and whatever is not. */
#include "batch/reply.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct gather_summary summary = {.total = 1, .ok = 1, .elapsed_ms = 2};

/* A fragment that is a string of `size` bytes, as the gatherer would make it. */
static void add_fragment(struct batch *batch, size_t index, size_t size, bool is_own)
{
    struct buffer own;
    buffer_init(&own, SIZE_MAX / 2);
    struct segment *segment = batch_segment_of(batch, &batch->items[index]);
    struct buffer *out = is_own ? &own : &segment->block;
    size_t before = out->len;
    buffer_append_byte(out, index == 0 ? '[' : ',');
    buffer_append_byte(out, '"');
    for (size_t i = 0; i < size; i++)
        buffer_append_byte(out, (char)('a' + index % 26));
    buffer_append_byte(out, '"');
    struct fragment *fragment = &batch->items[index].fragment;
    *fragment = (struct fragment){.offset = before, .len = out->len - before};
    if (is_own) {
        size_t len;
        fragment->own = buffer_take(&own, &len);
    }
    if (--segment->left == 0 && batch->segment_count > 1)
        reply_order(batch, segment);
}

static struct batch *batch_of(const size_t *sizes, size_t count)
{
    struct batch *batch = calloc(1, sizeof *batch);
    batch->items = calloc(count ? count : 1, sizeof *batch->items);
    batch->count = count;
    batch_make_segments(batch);
    for (size_t i = 0; i < batch->segment_count; i++)
        batch->segments[i].block.max = SIZE_MAX / 2;
    /* From the last to the first: the block's order is not the order of the items. */
    for (size_t i = count; i-- > 0;)
        add_fragment(batch, i, sizes[i], sizes[i] > 16384);
    return batch;
}

/* Joins, parses, checks every string; returns the number of pieces. */
static size_t check_joined(const size_t *sizes, size_t count)
{
    struct batch *batch = batch_of(sizes, count);
    struct gather_piece pieces[GATHER_PIECES_MAX];
    size_t piece_count = reply_join(batch, &summary, pieces);
    cr_assert(piece_count > 0 && piece_count <= GATHER_PIECES_MAX, "%zu", piece_count);
    struct buffer whole;
    buffer_init(&whole, SIZE_MAX / 2);
    for (size_t i = 0; i < piece_count; i++) {
        cr_expect(pieces[i].len > 0);
        buffer_append(&whole, pieces[i].data, pieces[i].len);
        free(pieces[i].data);
    }
    cr_expect_eq(whole.data[whole.len - 1], '\n');
    json_t *root = json_loadb(whole.data, whole.len, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(root);
    json_t *responses = json_object_get(root, "responses");
    cr_expect_eq(json_array_size(responses), count);
    for (size_t i = 0; i < count; i++) {
        json_t *text = json_array_get(responses, i);
        cr_expect_eq(json_string_length(text), sizes[i]);
        if (sizes[i])
            cr_expect_eq(json_string_value(text)[sizes[i] - 1], (char)('a' + i % 26));
    }
    cr_expect_eq(
        json_integer_value(json_object_get(json_object_get(root, "summary"), "ok")), 1);
    json_decref(root);
    buffer_done(&whole);
    batch_free(batch);
    return piece_count;
}

Test(reply, a_batch_of_nothing_is_an_empty_array)
{
    cr_expect_eq(check_joined(NULL, 0), 1);
}

Test(reply, small_replies_are_one_piece)
{
    size_t sizes[100];
    for (size_t i = 0; i < 100; i++)
        sizes[i] = i * 20;
    cr_expect_eq(check_joined(sizes, 1), 1);
    cr_expect_eq(check_joined(sizes, 100), 1);
    cr_expect_eq(check_joined((size_t[]){100, 200000, 3}, 3), 1);
}

Test(reply, large_fragments_stay_where_they_are)
{
    static const size_t sizes[] = {300000, 10, 20, 400000, 500000, 20000};
    struct batch *batch = batch_of(sizes, 6);
    char *large[] = {batch->items[0].fragment.own, batch->items[3].fragment.own,
                     batch->items[4].fragment.own};
    struct gather_piece pieces[GATHER_PIECES_MAX];
    size_t count = reply_join(batch, &summary, pieces);
    cr_assert_eq(count, 6); /* head, large, two small, large, large, small and tail */
    cr_expect_eq(pieces[1].data, large[0]);
    cr_expect_eq(pieces[3].data, large[1]);
    cr_expect_eq(pieces[4].data, large[2]);
    for (size_t i = 0; i < count; i++)
        free(pieces[i].data);
    batch_free(batch);
}

Test(reply, every_mixture_joins_to_the_same_document)
{
    cr_expect_eq(check_joined((size_t[]){300000}, 1), 3);
    cr_expect_eq(check_joined((size_t[]){300000, 300000}, 2), 4);
    cr_expect_eq(check_joined((size_t[]){1, 300000, 1}, 3), 3);
    cr_expect_eq(check_joined((size_t[]){300000, 1, 300000}, 3), 5);
    cr_expect_eq(check_joined((size_t[]){65000, 65000, 65000, 65000, 65000}, 5), 1);
}

Test(reply, more_large_fragments_than_pieces_are_joined_at_the_end)
{
    enum { COUNT = 300 };
    size_t sizes[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        sizes[i] = 66000;
    cr_expect_eq(check_joined(sizes, 125), 127);
    cr_expect_eq(check_joined(sizes, 126), 127);
    cr_expect_eq(check_joined(sizes, 127), 127);
    cr_expect_eq(check_joined(sizes, COUNT), 127);
    for (size_t i = 0; i < COUNT; i += 2)
        sizes[i] = 5;
    cr_expect(check_joined(sizes, COUNT) <= GATHER_PIECES_MAX);
}

Test(reply, of_many_items_has_a_piece_for_each_segment)
{
    enum { COUNT = 10000 };
    static size_t sizes[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        sizes[i] = 100;
    cr_expect_eq(check_joined(sizes, 255), 1);
    cr_expect_eq(check_joined(sizes, 256), 1);
    cr_expect_eq(check_joined(sizes, 257), 1, "small enough to be one");
    cr_expect_eq(check_joined(sizes, COUNT), 42); /* head, 40 segments, tail */
    sizes[0] = sizes[5000] = sizes[9999] = 70000;
    cr_expect_eq(check_joined(sizes, COUNT), 46); /* three keep their large ones apart */
    for (size_t i = 0; i < COUNT; i += 100)
        sizes[i] = 70000;
    cr_expect(check_joined(sizes, COUNT) <= GATHER_PIECES_MAX);
    for (size_t i = 0; i < COUNT; i++)
        sizes[i] = i % 512 < 256 ? 100 : 70000 * (i % 20 == 0);
    cr_expect(check_joined(sizes, COUNT) <= GATHER_PIECES_MAX);
}
