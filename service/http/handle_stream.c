/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a streamed batch: each response is framed into the exchange's stream as its
 * item ends, in the order they end, and the summary comes last. While the reader is
 * behind no further items are started; what runs goes on, up to batch.reply_max_bytes.
 * Without the summary a stream is not complete, and then its body is not either.
 * handle_batch.c calls it. */
#include "http/handle_stream.h"

#include "base/memory.h"
#include "batch/render.h"
#include "http/batch_log.h"
#include "http/batch_trace.h"
#include "http/exchange_stream.h"
#include "http/item_log.h"
#include "http/stream_format.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SUMMARY_MAX = 512 };

struct stream_work {
    struct exchange *exchange;
    struct gather *gather;
    struct loop *loop;
    bool is_waiting; /* for the reader to catch up */
    struct accept_choice choice;
    uint64_t number;     /* of the part written last */
    uint64_t bytes;      /* written */
    uint64_t written_ms; /* when that was */
    struct timer silence;
};

/* False: there is no memory; the stream is cut, and while it runs on_gone follows. */
static bool write_part(struct stream_work *work, enum stream_part part, struct slice json)
{
    struct stream_frame frame =
        stream_frame_make(work->choice.form, part, ++work->number);
    size_t size = frame.head_len + json.len + frame.tail.len;
    char *to = exchange_stream_add(work->exchange, size);
    if (!to)
        return false;
    memcpy(to, frame.head, frame.head_len);
    memcpy(to + frame.head_len, json.data, json.len);
    stream_flatten(to + frame.head_len, json.len);
    memcpy(to + size - frame.tail.len, frame.tail.data, frame.tail.len);
    work->bytes += size;
    work->written_ms = work->loop->now_ms;
    return true;
}

/* -------------------------------------------------------------------------- silence */

static void write_comment(struct stream_work *work)
{
    struct slice comment = stream_comment();
    char *to = exchange_stream_add(work->exchange, comment.len);
    if (!to)
        return;
    memcpy(to, comment.data, comment.len);
    work->bytes += comment.len;
    work->written_ms = work->loop->now_ms;
}

static void on_silence(struct timer *timer)
{
    struct stream_work *work = container_of(timer, struct stream_work, silence);
    uint64_t due_ms = stream_silence_due_ms(work->choice.form, work->written_ms);
    if (due_ms <= work->loop->now_ms) {
        /* A reader that is behind has enough to read. */
        if (exchange_stream_held(work->exchange) == 0)
            write_comment(work);
        due_ms = stream_silence_due_ms(work->choice.form, work->loop->now_ms);
    }
    loop_timer_set(work->loop, timer, due_ms);
}

/* ------------------------------------------------------------------------- the batch */

static void on_response(struct gather *gather, const struct item *item, struct slice json,
                        void *context)
{
    (void)item;
    struct stream_work *work = context;
    write_part(work, STREAM_RESPONSE, json);
    if (work->is_waiting || !exchange_stream_is_behind(work->exchange))
        return;
    work->is_waiting = true;
    gather_pause(gather);
    metrics_add(exchange_setup(work->exchange)->metrics, METRIC_STREAM_WAITS, 0, 1);
}

static void on_item(const struct item *item, const struct outcome *outcome,
                    double start_ms, void *context)
{
    const struct stream_work *work = context;
    item_log(work->exchange, item, outcome, start_ms);
}

static uint64_t held(void *context)
{
    const struct stream_work *work = context;
    return exchange_stream_held(work->exchange);
}

static void free_work(struct stream_work *work)
{
    loop_timer_clear(work->loop, &work->silence);
    gather_free(work->gather);
    free(work);
}

static void write_log(const struct stream_work *work, bool is_cut)
{
    struct gather_summary summary = gather_summary(work->gather);
    const struct batch_log_entry entry = {
        .summary = &summary,
        .trace = gather_trace(work->gather),
        .bytes = work->bytes,
        .status = 200,
        .form = work->choice.content_type,
        .is_cut = is_cut,
    };
    batch_log(work->exchange, &entry);
    batch_trace_end(work->exchange, entry.trace, &entry);
}

static void on_end(struct gather *gather, void *context)
{
    struct stream_work *work = context;
    struct gather_summary summary = gather_summary(gather);
    char text[SUMMARY_MAX];
    struct buffer out = {.data = text, .cap = sizeof text, .max = sizeof text};
    render_summary(&out, &summary);
    assert(!out.failed);
    bool is_whole = write_part(work, STREAM_SUMMARY, buffer_slice(&out));
    write_log(work, !is_whole);
    exchange_stream_end(work->exchange);
    free_work(work);
}

static void on_gone(void *context)
{
    struct stream_work *work = context;
    write_log(work, true);
    free_work(work);
}

static void on_drain(void *context)
{
    struct stream_work *work = context;
    gather_end_now(work->gather, CALL_CANCELLED);
}

static void on_room(void *context)
{
    struct stream_work *work = context;
    work->is_waiting = false;
    gather_resume(work->gather);
}

static bool open_stream(struct stream_work *work)
{
    const struct exchange_stream_setup setup = {
        .head = {.status = 200,
                 .content_type = work->choice.content_type,
                 /* nginx and those who took it over collect a reply otherwise */
                 .extra_names = {"X-Accel-Buffering"},
                 .extra_values = {"no"}},
        .waiter = {.on_gone = on_gone, .on_drain = on_drain, .work = work},
        .on_room = on_room,
    };
    return exchange_stream_start(work->exchange, &setup);
}

void handle_stream_start(struct exchange *exchange, struct batch *batch,
                         const struct gather_setup *setup,
                         const struct accept_choice *choice)
{
    struct stream_work *work = memory_new(sizeof *work);
    work->exchange = exchange;
    work->loop = setup->loop;
    work->choice = *choice;
    work->silence.on_due = on_silence;
    bool is_open = open_stream(work);
    /* For the head alone nothing need be fetched: it is the same whatever the items do.
     */
    if (!is_open || exchange_is_head(exchange)) {
        if (is_open)
            exchange_stream_end(exchange);
        batch_free(batch);
        free(setup->trace);
        free(work);
        return;
    }
    metrics_add(setup->metrics, METRIC_STREAMS,
                choice->form == REPLY_EVENTS ? STREAM_FORM_EVENTS : STREAM_FORM_NDJSON,
                1);
    struct gather_setup own = *setup;
    own.on_end = on_end;
    if (item_log_is_wanted(setup->config))
        own.on_item = on_item;
    own.on_response = on_response;
    own.held = held;
    own.context = work;
    work->gather = gather_start(&own, batch);
    if (choice->form == REPLY_EVENTS) {
        write_comment(work);
        on_silence(&work->silence);
    }
}

bool handle_stream_is_again(struct exchange *exchange, const struct accept_choice *choice)
{
    if (choice->form != REPLY_EVENTS || !exchange_has_header(exchange, "Last-Event-ID"))
        return false;
    /* HTML Living Standard 9.2.3: 204 ends an EventSource's tries. */
    const struct reply head = {.status = 204};
    exchange_reply_static(exchange, &head, slice_from(""));
    return true;
}
