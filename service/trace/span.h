/* SPDX-License-Identifier: Apache-2.0 */
/* A span as OTLP's JSON has it (opentelemetry-proto 1.5: ids are hex, 64-bit numbers are
 * strings, enums numbers), written straight into a buffer the moment it ends: no document
 * is built. The parts come in this order:
 *
 *     span_open, then attributes, then, if any, span_events and events, span_links and
 *     links, and last span_close
 *
 * Pure. A buffer that is full has `failed` set, and what was written is to be taken out
 * again by the caller. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "trace/trace_context.h"

#include <stdbool.h>
#include <stdint.h>

/* opentelemetry.proto.trace.v1.Span.SpanKind */
enum span_side { SPAN_SIDE_INTERNAL = 1, SPAN_SIDE_SERVER = 2, SPAN_SIDE_CLIENT = 3 };

struct span {
    const char *trace_id;
    const char *id;
    const char *parent_id; /* NULL: it is a root */
    struct slice name;     /* without what JSON escapes */
    struct slice state;    /* the tracestate it came with (trace_state_join) */
    enum span_side kind;
    uint64_t start_us; /* since 1970 */
    uint64_t end_us;
};

void span_open(struct buffer *out, const struct span *span);

/* Keys are constant texts without what JSON escapes; values are any bytes, of which
 * SPAN_TEXT_MAX are kept. */
enum { SPAN_TEXT_MAX = 2048 };
void span_put(struct buffer *out, struct slice key, struct slice text);
void span_put_number(struct buffer *out, struct slice key, int64_t number);
void span_put_flag(struct buffer *out, struct slice key, bool flag);
/* A key that is a literal, with its length. */
#define SPAN_KEY(text) slice_make((text), sizeof(text) - 1)

/* The same where the key is a literal and the value known to need no escape: an attribute
 * costs three copies, two of them of constant length. */
#define SPAN_PUT_PLAIN(out, key, text)                                                   \
    span_put_piece(                                                                      \
        (out), SPAN_KEY("{\"key\":\"" key "\",\"value\":{\"stringValue\":\""), (text))
#define SPAN_PUT_DIGITS(out, key, digits)                                                \
    span_put_piece((out), SPAN_KEY("{\"key\":\"" key "\",\"value\":{\"intValue\":\""),   \
                   (digits))
/* For these two; `text` must not be NULL. */
ALWAYS_INLINE void span_put_piece(struct buffer *out, struct slice head,
                                  struct slice text)
{
    const struct slice tail = SPAN_KEY("\"}},");
    char *to = buffer_reserve(out, head.len + text.len + tail.len);
    if (!to)
        return;
    memcpy(to, head.data, head.len);
    memcpy(to + head.len, text.data, text.len);
    memcpy(to + head.len + text.len, tail.data, tail.len);
    buffer_commit(out, head.len + text.len + tail.len);
}

void span_events(struct buffer *out);
void span_event(struct buffer *out, struct slice name, uint64_t at_us);

void span_links(struct buffer *out);
void span_link(struct buffer *out, const char *trace_id, const char *span_id);

/* span_close: of one that failed with a sentence why; "" for none. */
void span_close(struct buffer *out, bool has_failed, const char *message);

/* span_resource appends the head of a document of spans: who made them. Behind the last
 * span comes span_document_end. */
struct span_resource {
    const char *service_name;
    const char *service_version;
    const char *instance_id;
};
void span_resource(struct buffer *out, const struct span_resource *resource);
extern const char span_document_end[];
