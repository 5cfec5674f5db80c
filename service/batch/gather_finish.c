/* SPDX-License-Identifier: Apache-2.0 */
/* An outcome becomes a response: rendered, kept as a fragment or handed on, counted. Each
 * item is rendered when it ends, so at the end of the batch there is only joining left.
 * Decides nothing about the batch; gather.c does. */
#include "batch/gather_state.h"

#include "base/clock.h"
#include "base/memory.h"
#include "batch/fallback.h"
#include "batch/answer_shape.h"
#include "batch/for_each.h"
#include "batch/item_run.h"
#include "batch/render.h"
#include "batch/reply.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

enum {
    LARGE_BODY = 16 << 10, /* from here on a fragment has memory of its own */
    FAILURE_MAX = 4096,    /* a response without body and headers fits */
    DOOMED_SLICE = 512,    /* as for those ended early */
    MESSAGE_SIZE = 1024,
    RESPONSE_KEPT = 128 << 10, /* memory for one that is handed on, kept for the next */
};

/* Gives back what was taken too much: only what is used is counted. */
static char *fit(struct buffer *own)
{
    if (own->cap - own->len > own->len / 8) {
        char *smaller = realloc(own->data, own->len);
        if (smaller)
            own->data = smaller;
    }
    return own->data;
}

static struct render_wish wish_of(const struct gather *gather, const struct item *item,
                                  double start_ms)
{
    struct render_wish wish = {
        .include = gather->batch->include,
        .start_ms = start_ms,
        .shape = item->options ? item->options->shape : NULL,
    };
    if (item->extra && item->extra->children) {
        wish.include &= INCLUDE_TIMING; /* the rest is its children's */
        wish.members = for_each_members(item);
    }
    return wish;
}

/* There is more to write than FAILURE_MAX bytes are known to hold. */
static bool has_size(const struct item *item, const struct outcome *outcome)
{
    return outcome->status > 0 || outcome->attempt_count > 0 ||
           (item->extra && item->extra->children);
}

/* There was no room for the item's body: a response without one, which always fits. */
static void render_too_large(struct gather *gather, struct item *item,
                             const struct outcome *outcome, double start_ms)
{
    struct outcome failure = *outcome;
    failure.code = CALL_TOO_LARGE;
    failure.message = "the replies of this batch are too large together";
    failure.attempt_count = 0;
    struct buffer out = {
        .data = memory_new(FAILURE_MAX), .cap = FAILURE_MAX, .max = FAILURE_MAX};
    struct render_wish wish = wish_of(gather, item, start_ms);
    wish.members = slice_make(NULL, 0);
    buffer_append_byte(&out, item == gather->batch->items ? '[' : ',');
    render_response(&out, item->id, &failure, &wish);
    assert(!out.failed);
    item->fragment = (struct fragment){.own = fit(&out), .len = out.len};
}

/* Takes room for one failure by buffer's own steps. A ceiling so near that growing stops
 * at it would move the whole block every few items: quadratic over a batch. */
static void grow_ahead(struct buffer *out)
{
    out->max = SIZE_MAX / 4;
    if (!buffer_reserve(out, FAILURE_MAX))
        out->failed = false; /* tried again for what the item needs */
}

/* Renders into its segment's block, or large bodies into memory of their own.
 * Returns the code the item ends with: there may be no room for its body. */
static enum call_code render_item(struct gather *gather, struct item *item,
                                  const struct outcome *outcome, double start_ms)
{
    struct batch *batch = gather->batch;
    uint64_t most = gather->setup.config->batch.reply_max_bytes;
    uint64_t room = gather->reply_bytes < most ? most - gather->reply_bytes : 0;
    const struct answer_shape *shape = item->options ? item->options->shape : NULL;
    size_t body_bytes =
        shape ? answer_shape_body_bytes(shape, outcome->body.len) : outcome->body.len;
    const struct render_wish wish = wish_of(gather, item, start_ms);
    bool is_large =
        (batch->include & INCLUDE_BODY) && outcome->has_body && body_bytes > LARGE_BODY;
    is_large |= wish.members.len > LARGE_BODY;
    struct buffer own;
    buffer_init(&own, 0);
    struct buffer *out = is_large ? &own : &batch_segment_of(batch, item)->block;
    size_t before = out->len;
    if (!is_large)
        grow_ahead(out);
    out->max = before + (has_size(item, outcome) ? room : 0) + FAILURE_MAX;
    buffer_append_byte(out, item == batch->items ? '[' : ',');
    render_response(out, item->id, outcome, &wish);
    if (out->failed) {
        out->len = before;
        out->failed = false;
        buffer_done(&own);
        render_too_large(gather, item, outcome, start_ms);
        return CALL_TOO_LARGE;
    }
    item->fragment = (struct fragment){.offset = before, .len = out->len - before};
    if (is_large)
        item->fragment.own = fit(&own);
    return outcome->code;
}

static enum call_code keep(struct gather *gather, struct item *item,
                           const struct outcome *outcome, double start_ms)
{
    enum call_code code = render_item(gather, item, outcome, start_ms);
    gather->reply_bytes += item->fragment.len;
    budget_force(&gather->setup.budgets->reply_bytes, item->fragment.len);
    struct segment *segment = batch_segment_of(gather->batch, item);
    if (--segment->left == 0 && gather->batch->segment_count > 1)
        reply_order(gather->batch, segment);
    return code;
}

enum call_code gather_render(const struct gather *gather, const struct item *item,
                             const struct outcome *outcome, double start_ms,
                             uint64_t room, struct buffer *out)
{
    struct render_wish wish = wish_of(gather, item, start_ms);
    buffer_clear(out);
    out->max = (has_size(item, outcome) ? room : 0) + FAILURE_MAX;
    render_response(out, item->id, outcome, &wish);
    if (!out->failed)
        return outcome->code;
    struct outcome failure = *outcome;
    failure.code = CALL_TOO_LARGE;
    failure.attempt_count = 0;
    failure.message = gather->setup.on_response
                          ? "the replies held for the reader of this batch are too large "
                            "together"
                          : "the replies of this batch are too large together";
    wish.members = slice_make(NULL, 0);
    buffer_done(out);
    out->max = FAILURE_MAX;
    render_response(out, item->id, &failure, &wish);
    assert(!out->failed);
    return CALL_TOO_LARGE;
}

/* A stream takes responses as they end; nothing of them is kept here. */
static enum call_code hand_on(struct gather *gather, struct item *item,
                              const struct outcome *outcome, double start_ms)
{
    struct buffer *out = &gather->response;
    uint64_t most = gather->setup.config->batch.reply_max_bytes;
    uint64_t held = gather->setup.held(gather->setup.context);
    enum call_code code = gather_render(gather, item, outcome, start_ms,
                                        held < most ? most - held : 0, out);
    gather->setup.on_response(gather, item, buffer_slice(out), gather->setup.context);
    if (out->cap > RESPONSE_KEPT)
        buffer_done(out);
    return code;
}

void gather_finish_item(struct gather *gather, struct item *item,
                        const struct outcome *outcome, double start_ms)
{
    struct outcome instead;
    struct attempt_record one;
    bool has_children = item->extra && item->extra->children;
    assert(!item->is_done);
    if (!has_children && fallback_applies(item->options, outcome)) {
        instead = fallback_outcome(item->options->fallback, outcome, &one);
        outcome = &instead;
        metrics_add(gather->setup.metrics, METRIC_FALLBACKS, 0, 1);
    }
    if (item->parent) {
        for_each_child_done(gather, item, outcome, start_ms);
        return;
    }
    if (gather->setup.on_response)
        item->code = hand_on(gather, item, outcome, start_ms);
    else
        item->code = keep(gather, item, outcome, start_ms);
    item->is_done = true;
    gather->done++;
    gather->ok += item->code == CALL_OK;
    gather->required_failed += item->code != CALL_OK && !item_is_optional(item);
    if (gather->done == 1)
        gather->first_is_ok = item->code == CALL_OK;
    metrics_add(gather->setup.metrics, METRIC_ITEMS, item->code, 1);
    gather_tell(gather, item, outcome, start_ms);
    if (item->extra && item->extra->links) {
        item_links_release(gather, item);
        item_links_note(gather, item, outcome);
    }
}

void gather_finish_unsent(struct gather *gather, struct item *item, const char *message)
{
    struct outcome outcome = {
        .code = CALL_DEPENDENCY_FAILED,
        .method = item->call.method,
        .message = message,
        .timing = item_run_timing(item, 0),
    };
    gather_finish_item(gather, item, &outcome, gather_ms(gather, clock_now_us()));
}

bool gather_finish_doomed(struct gather *gather)
{
    struct list *node = NULL;
    size_t left = DOOMED_SLICE;
    while (!gather->is_ending && left-- > 0 && (node = list_pop_front(&gather->doomed))) {
        struct item *item = container_of(node, struct item_extra, node)->item;
        char text[MESSAGE_SIZE];
        struct buffer message = {
            .data = text, .cap = sizeof text, .max = sizeof text - 1};
        item_links_explain(item, &message);
        gather_finish_unsent(gather, item, buffer_text(&message));
    }
    return gather->is_ending || list_is_empty(&gather->doomed);
}
