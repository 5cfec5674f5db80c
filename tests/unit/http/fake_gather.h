/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in for batch/: it takes any array for a batch, and ends when the test says so.
 * The functions here take the place of the library's in the program that includes it. */
#pragma once

#include "batch/gather.h"
#include "batch/parse.h"

#include <stdlib.h>
#include <string.h>

struct gather {
    struct gather_setup setup;
    bool is_paused;
};

static struct gather *running; /* the gather under way */
static int freed_count;        /* gathers freed */
static size_t item_count;      /* of the batches that are read and then refused */
static size_t reply_count;     /* what gather_reply hands out: so many pieces … */
static size_t reply_size;      /* … of so many bytes */

void parse_global_init(void)
{
}

struct batch *parse_batch(struct slice text, const struct parse_setup *setup,
                          struct parse_errors *errors)
{
    (void)setup;
    if (text.len && text.data[0] == '[') {
        struct batch *batch = calloc(1, sizeof *batch);
        batch->count = item_count;
        batch->items = item_count ? calloc(item_count, sizeof *batch->items) : NULL;
        return batch;
    }
    errors->total = errors->count = 1;
    errors->list[0].pointer = strdup("");
    errors->list[0].detail = strdup("not a batch");
    return NULL;
}

struct batch *parse_query(const struct parse_argument *arguments, size_t count,
                          const struct parse_setup *setup, struct parse_errors *errors)
{
    return parse_batch(count ? arguments[0].value : slice_from(""), setup, errors);
}

struct gather *gather_start(const struct gather_setup *setup, struct batch *batch)
{
    free(batch);
    running = calloc(1, sizeof *running);
    running->setup = *setup;
    return running;
}

void gather_end_now(struct gather *gather, enum call_code code)
{
    (void)code;
    gather->setup.on_end(gather, gather->setup.context);
}

void gather_pause(struct gather *gather)
{
    gather->is_paused = true;
}

void gather_resume(struct gather *gather)
{
    gather->is_paused = false;
}

void gather_free(struct gather *gather)
{
    if (gather == running)
        running = NULL;
    freed_count++;
    free(gather);
}

struct gather_summary gather_summary(const struct gather *gather)
{
    (void)gather;
    return (struct gather_summary){.total = 1, .ok = 1, .is_complete = true};
}

const struct trace *gather_trace(const struct gather *gather)
{
    (void)gather;
    return NULL;
}

int gather_status(const struct gather *gather)
{
    (void)gather;
    return 200;
}

size_t gather_reply(struct gather *gather, struct gather_piece pieces[GATHER_PIECES_MAX],
                    uint64_t *ret_bytes)
{
    for (size_t i = 0; i < reply_count; i++) {
        pieces[i] = (struct gather_piece){.data = malloc(reply_size), .len = reply_size};
        memset(pieces[i].data, 'a' + (int)(i % 26), reply_size);
    }
    *ret_bytes = reply_count * reply_size;
    budget_force(&gather->setup.budgets->reply_bytes, *ret_bytes);
    return reply_count;
}
