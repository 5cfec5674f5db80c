/* SPDX-License-Identifier: Apache-2.0 */
/* Ids: the index for who has none, and no two alike. Explicit ids are compared by
 * sorting: no table that a client could fill with colliding keys, and nothing to do for
 * the usual batch without ids. Called at the end of parsing. */
#include "batch/parse_internal.h"
#include "batch/parse_references.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct named {
    struct slice id;
    size_t index;
};

static int compare(const void *left, const void *right)
{
    const struct named *a = left;
    const struct named *b = right;
    if (a->id.len != b->id.len)
        return a->id.len < b->id.len ? -1 : 1;
    int order = memcmp(a->id.data, b->id.data, a->id.len);
    if (order != 0)
        return order;
    return a->index < b->index ? -1 : 1;
}

static void report_duplicate(struct parser *parser, struct place list, size_t index,
                             size_t other)
{
    struct place place = {.list = list.list, .index = &index, .field = "id"};
    report_error(parser->errors, place,
                 "is the id of item %zu already; ids must be unique", other);
}

/* The index that `id` spells as a default id would; `count` when it spells none. */
static size_t index_spelt(struct slice id, size_t count)
{
    if (id.len < 1 || id.len > 9 || (id.data[0] == '0' && id.len > 1))
        return count;
    size_t index = 0;
    for (size_t i = 0; i < id.len; i++) {
        if (id.data[i] < '0' || id.data[i] > '9')
            return count;
        index = index * 10 + (size_t)(id.data[i] - '0');
    }
    return index < count ? index : count;
}

static void check_unique(struct parser *parser, const struct batch *batch,
                         struct place list, size_t named_count)
{
    struct named *named = memory_try_array(named_count, sizeof *named);
    if (!named) {
        parser->is_out_of_memory = true;
        return;
    }
    size_t filled = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct slice id = batch->items[i].id;
        if (!id.data)
            continue;
        named[filled++] = (struct named){.id = id, .index = i};
        size_t spelt = index_spelt(id, batch->count);
        if (spelt < batch->count && !batch->items[spelt].id.data)
            report_duplicate(parser, list, i, spelt);
    }
    qsort(named, filled, sizeof *named, compare);
    for (size_t i = 1; i < filled; i++) {
        if (slice_equal(named[i - 1].id, named[i].id))
            report_duplicate(parser, list, named[i].index, named[i - 1].index);
    }
    free(named);
}

static struct slice spell(struct parser *parser, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    struct slice id =
        arena_copy(&parser->document->arena, slice_make(digits + at, sizeof digits - at));
    if (!id.data)
        parser->is_out_of_memory = true;
    return id;
}

void parse_finish(struct parser *parser, struct batch *batch, struct place list)
{
    size_t named_count = 0;
    for (size_t i = 0; i < batch->count; i++)
        named_count += batch->items[i].id.data != NULL;
    if (named_count > 0)
        check_unique(parser, batch, list, named_count);
    for (size_t i = 0; i < batch->count && !parser->is_out_of_memory; i++) {
        if (!batch->items[i].id.data)
            batch->items[i].id = spell(parser, parser->numbers ? parser->numbers[i] : i);
    }
    if (parser->referrers && !parser->is_out_of_memory)
        parse_references(parser, batch, list);
}
