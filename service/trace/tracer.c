/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes come from the kernel for a few hundred ids at once: asked for each, they
 * would cost an item a system call. Called by http/ and fetch/. */
#include "trace/tracer.h"

#include "base/hex.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

enum { RANDOM_BYTES = 4096, SPAN_ID_BYTES = SPAN_ID_LEN / 2, MILLION = 1000000 };

struct tracer {
    struct span_queue queue;
    struct metrics_shard *metrics;
    tracer_wake_fn *wake;
    void *context;
    size_t random_left;
    unsigned char random[RANDOM_BYTES];
};

struct tracer *tracer_new(const struct span_resource *resource, size_t bytes_max,
                          struct metrics_shard *metrics)
{
    struct tracer *tracer = memory_new(sizeof *tracer);
    struct buffer head;
    buffer_init(&head, SPAN_BYTES_MAX);
    span_resource(&head, resource);
    span_queue_init(&tracer->queue, buffer_slice(&head), bytes_max);
    buffer_done(&head);
    tracer->metrics = metrics;
    return tracer;
}

void tracer_free(struct tracer *tracer)
{
    if (!tracer)
        return;
    span_queue_done(&tracer->queue);
    free(tracer);
}

void tracer_on_spans(struct tracer *tracer, tracer_wake_fn *wake, void *context)
{
    tracer->wake = wake;
    tracer->context = context;
}

/* --------------------------------------------------------------------------- ids */

static const unsigned char *take_random(struct tracer *tracer)
{
    if (tracer->random_left < SPAN_ID_BYTES) {
        random_fill(tracer->random, RANDOM_BYTES);
        tracer->random_left = RANDOM_BYTES;
    }
    tracer->random_left -= SPAN_ID_BYTES;
    return tracer->random + tracer->random_left;
}

void tracer_make_span_id(struct tracer *tracer, char id[SPAN_ID_LEN])
{
    static const unsigned char zero[SPAN_ID_BYTES];
    const unsigned char *bytes;
    do {
        bytes = take_random(tracer);
    } while (memcmp(bytes, zero, sizeof zero) == 0);
    const uint64_t digits[] = {hex_of_four(bytes), hex_of_four(bytes + 4)};
    memcpy(id, digits, SPAN_ID_LEN);
}

void tracer_make_trace_id(struct tracer *tracer, char id[TRACE_ID_LEN])
{
    tracer_make_span_id(tracer, id);
    tracer_make_span_id(tracer, id + SPAN_ID_LEN);
}

/* -------------------------------------------------------------------------- spans */

struct buffer *tracer_begin(struct tracer *tracer)
{
    struct buffer *out = span_queue_begin(&tracer->queue);
    if (!out)
        tracer_count_lost(tracer, SPANS_LOST_QUEUE_FULL, 1);
    return out;
}

void tracer_end(struct tracer *tracer)
{
    enum span_added added = span_queue_end(&tracer->queue);
    if (added == SPAN_LOST)
        tracer_count_lost(tracer, SPANS_LOST_TOO_LARGE, 1);
    else if (added != SPAN_ONE_MORE && tracer->wake)
        tracer->wake(tracer->context, added == SPAN_LAST);
}

struct span_queue *tracer_queue(struct tracer *tracer)
{
    return &tracer->queue;
}

void tracer_count_lost(struct tracer *tracer, enum span_loss why, size_t count)
{
    metrics_add(tracer->metrics, METRIC_SPANS_DROPPED, why, count);
}

bool trace_is_sampled(const char trace_id[TRACE_ID_LEN], uint64_t millionths)
{
    uint64_t number = 0;
    for (size_t i = TRACE_ID_LEN / 2; i < TRACE_ID_LEN; i++)
        number = number << 4 | (unsigned)hex_digit(trace_id[i]);
    if (millionths >= MILLION)
        return true;
    /* 2^63 × share, without its fraction going astray: both factors are below 2^44. */
    uint64_t bound = ((UINT64_C(1) << 63) / MILLION) * millionths;
    return number >> 1 < bound;
}
