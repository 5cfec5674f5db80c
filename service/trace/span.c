/* SPDX-License-Identifier: Apache-2.0 */
/* Some twenty pieces a span, most of them constant. Room for most spans is made first:
 * then each piece is a comparison and a copy. Called by http/ for batches and by fetch/
 * for attempts. */
#include "trace/span.h"

#include "base/json_text.h"

#include <string.h>

enum {
    ROOM = 2048,
    HALF_DIGITS = 8,
    HALF = 100000000,
    TIME_DIGITS = 2 * HALF_DIGITS,
    TIME_LEN = TIME_DIGITS + 3,
    KIND_AT = sizeof "\",\"kind\":" - 1,
    START_AT = KIND_AT + sizeof "0,\"startTimeUnixNano\":\"" - 1,
    END_AT = START_AT + TIME_LEN + sizeof "\",\"endTimeUnixNano\":\"" - 1,
};

const char span_document_end[] = "]}]}]}";

#define PUT(out, text) ((void)buffer_append((out), (text), sizeof(text) - 1))

/* Two digits at a time. */
static const char pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

/* Eight digits; in 32 bits it is half the work. */
static void write_half(char text[HALF_DIGITS], uint32_t number)
{
    uint32_t high = number / 10000, low = number % 10000;
    memcpy(text, pairs + high / 100 * 2, 2);
    memcpy(text + 2, pairs + high % 100 * 2, 2);
    memcpy(text + 4, pairs + low / 100 * 2, 2);
    memcpy(text + 6, pairs + low % 100 * 2, 2);
}

/* Microseconds, of any time from 2001 to 2286, as nanoseconds. */
static void write_time(char text[TIME_LEN], uint64_t us)
{
    write_half(text, (uint32_t)(us / HALF % HALF));
    write_half(text + HALF_DIGITS, (uint32_t)(us % HALF));
    memcpy(text + TIME_DIGITS, "000", 3);
}

/* Between two elements of a list. */
static void put_comma(struct buffer *out)
{
    if (out->len > 0 && out->data[out->len - 1] != '[')
        (void)buffer_append_byte(out, ',');
}

void span_open(struct buffer *out, const struct span *span)
{
    if (!buffer_reserve(out, ROOM))
        return;
    PUT(out, "{\"traceId\":\"");
    (void)buffer_append(out, span->trace_id, TRACE_ID_LEN);
    PUT(out, "\",\"spanId\":\"");
    (void)buffer_append(out, span->id, SPAN_ID_LEN);
    if (span->parent_id) {
        PUT(out, "\",\"parentSpanId\":\"");
        (void)buffer_append(out, span->parent_id, SPAN_ID_LEN);
    }
    PUT(out, "\",\"name\":\"");
    (void)buffer_append(out, span->name.data, span->name.len);
    char times[] = "\",\"kind\":0,\"startTimeUnixNano\":\"0000000000000000000\","
                   "\"endTimeUnixNano\":\"0000000000000000000\",\"attributes\":[";
    times[KIND_AT] = (char)('0' + span->kind);
    write_time(times + START_AT, span->start_us);
    write_time(times + END_AT, span->end_us);
    PUT(out, times);
}

static void put_key(struct buffer *out, struct slice key)
{
    put_comma(out);
    PUT(out, "{\"key\":\"");
    (void)buffer_append(out, key.data, key.len);
    PUT(out, "\",\"value\":{");
}

void span_put_piece(struct buffer *out, struct slice head, struct slice text,
                    struct slice tail)
{
    bool is_first = out->len > 0 && out->data[out->len - 1] == '[';
    head = slice_make(head.data + is_first, head.len - is_first); /* without its comma */
    char *to = buffer_reserve(out, head.len + text.len + tail.len);
    if (!to)
        return;
    memcpy(to, head.data, head.len);
    memcpy(to + head.len, text.data, text.len);
    memcpy(to + head.len + text.len, tail.data, tail.len);
    buffer_commit(out, head.len + text.len + tail.len);
}

void span_put(struct buffer *out, struct slice key, struct slice text)
{
    if (text.len > SPAN_TEXT_MAX)
        text.len = SPAN_TEXT_MAX;
    put_key(out, key);
    PUT(out, "\"stringValue\":");
    /* Cut inside a character, it is shown byte by byte: that is rare enough. */
    json_text_append_any(out, text);
    PUT(out, "}}");
}

void span_put_number(struct buffer *out, struct slice key, int64_t number)
{
    put_key(out, key);
    PUT(out, "\"intValue\":\"");
    if (number < 0)
        (void)buffer_append_byte(out, '-');
    (void)buffer_append_uint(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
    PUT(out, "\"}}");
}

void span_put_flag(struct buffer *out, struct slice key, bool flag)
{
    put_key(out, key);
    PUT(out, "\"boolValue\":");
    (void)buffer_append_text(out, flag ? "true}}" : "false}}");
}

void span_events(struct buffer *out)
{
    PUT(out, "],\"events\":[");
}

void span_event(struct buffer *out, struct slice name, uint64_t at_us)
{
    char head[] = ",{\"timeUnixNano\":\"0000000000000000000\",\"name\":\"";
    write_time(head + sizeof ",{\"timeUnixNano\":\"" - 1, at_us);
    span_put_piece(out, slice_make(head, sizeof head - 1), name, SPAN_KEY("\"}"));
}

void span_links(struct buffer *out)
{
    PUT(out, "],\"links\":[");
}

void span_link(struct buffer *out, const char *trace_id, const char *span_id)
{
    put_comma(out);
    PUT(out, "{\"traceId\":\"");
    (void)buffer_append(out, trace_id, TRACE_ID_LEN);
    PUT(out, "\",\"spanId\":\"");
    (void)buffer_append(out, span_id, SPAN_ID_LEN);
    PUT(out, "\"}");
}

void span_close(struct buffer *out, bool has_failed, const char *message)
{
    if (!has_failed) {
        PUT(out, "]}");
        return;
    }
    PUT(out, "],\"status\":{\"code\":2");
    if (*message) {
        PUT(out, ",\"message\":");
        json_text_append_any(out, slice_from(message));
    }
    PUT(out, "}}");
}

static void put_resource_text(struct buffer *out, struct slice key, const char *text)
{
    span_put(out, key, slice_from(text));
}

void span_resource(struct buffer *out, const struct span_resource *resource)
{
    PUT(out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
    put_resource_text(out, SPAN_KEY("service.name"), resource->service_name);
    put_resource_text(out, SPAN_KEY("service.version"), resource->service_version);
    put_resource_text(out, SPAN_KEY("service.instance.id"), resource->instance_id);
    PUT(out, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"gatherd\",\"version\":");
    json_text_append_any(out, slice_from(resource->service_version));
    PUT(out, "},\"spans\":[");
}
