/* SPDX-License-Identifier: Apache-2.0 */
/* Some twenty pieces a span, most of them constant. Room for most spans is made first:
 * then each piece is a comparison and a copy. Called by http/ for batches and by fetch/
 * for attempts. */
#include "trace/span.h"

#include "base/json_text.h"

enum { ROOM = 2048, TIME_DIGITS = 16 };

const char span_document_end[] = "]}]}]}";

#define PUT(out, text) ((void)buffer_append((out), (text), sizeof(text) - 1))

/* Microseconds, of any time from 2001 to 2286, as the string of nanoseconds. */
static void put_time(struct buffer *out, uint64_t us)
{
    char text[TIME_DIGITS + 5] = "\"0000000000000000000"; /* the last three stay */
    for (size_t i = TIME_DIGITS; i > 0; i--, us /= 10)
        text[i] = (char)('0' + us % 10);
    text[TIME_DIGITS + 4] = '"';
    (void)buffer_append(out, text, sizeof text);
}

/* Between two elements of a list. */
static void put_comma(struct buffer *out)
{
    if (out->len > 0 && out->data[out->len - 1] != '[')
        (void)buffer_append_byte(out, ',');
}

static void put_id(struct buffer *out, const char *id, size_t len)
{
    (void)buffer_append(out, id, len);
}

void span_open(struct buffer *out, const struct span *span)
{
    if (!buffer_reserve(out, ROOM))
        return;
    PUT(out, "{\"traceId\":\"");
    put_id(out, span->trace_id, TRACE_ID_LEN);
    PUT(out, "\",\"spanId\":\"");
    put_id(out, span->id, SPAN_ID_LEN);
    if (span->parent_id) {
        PUT(out, "\",\"parentSpanId\":\"");
        put_id(out, span->parent_id, SPAN_ID_LEN);
    }
    PUT(out, "\",\"name\":\"");
    (void)buffer_append(out, span->name.data, span->name.len);
    PUT(out, "\",\"kind\":");
    (void)buffer_append_byte(out, (char)('0' + span->kind));
    PUT(out, ",\"startTimeUnixNano\":");
    put_time(out, span->start_us);
    PUT(out, ",\"endTimeUnixNano\":");
    put_time(out, span->end_us);
    PUT(out, ",\"attributes\":[");
}

static void put_key(struct buffer *out, struct slice key)
{
    put_comma(out);
    PUT(out, "{\"key\":\"");
    (void)buffer_append(out, key.data, key.len);
    PUT(out, "\",\"value\":{");
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
    put_comma(out);
    PUT(out, "{\"timeUnixNano\":");
    put_time(out, at_us);
    PUT(out, ",\"name\":\"");
    (void)buffer_append(out, name.data, name.len);
    PUT(out, "\"}");
}

void span_links(struct buffer *out)
{
    PUT(out, "],\"links\":[");
}

void span_link(struct buffer *out, const char *trace_id, const char *span_id)
{
    put_comma(out);
    PUT(out, "{\"traceId\":\"");
    put_id(out, trace_id, TRACE_ID_LEN);
    PUT(out, "\",\"spanId\":\"");
    put_id(out, span_id, SPAN_ID_LEN);
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
