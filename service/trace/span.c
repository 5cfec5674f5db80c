/* SPDX-License-Identifier: Apache-2.0 */
/* Some twenty pieces a span, most of them constant: each is written by a copy whose
 * length the compiler knows. An element of a list has its comma behind it, taken back
 * where the list ends: so none asks whether it is the first. Called by http/ for batches
 * and by fetch/ for attempts. */
#include "trace/span.h"

#include "base/json_text.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

enum {
    OPEN_ROOM = 256, /* of span_open, without the name */
    EVENT_ROOM = 64, /* of span_event, without the name */
    HALF = 100000000,
    HALF_DIGITS = 8,
    TIME_DIGITS = 2 * HALF_DIGITS,
    TIME_LEN = TIME_DIGITS + 3,
};

const char span_document_end[] = "]}]}]}";

#define PUT(out, text) ((void)buffer_append((out), (text), sizeof(text) - 1))

/* The same where there is room. */
#define ADD(to, text) add((to), (text), sizeof(text) - 1)
ALWAYS_INLINE char *add(char *to, const char *text, size_t len)
{
    memcpy(to, text, len);
    return to + len;
}

/* Eight digits at once: the number is cut in two by 10,000, the halves by 100, the
 * quarters by 10, each time all parts in one multiplication by the reciprocal, which is
 * exact for parts of that size. */
ALWAYS_INLINE void write_half(char text[HALF_DIGITS], uint32_t number)
{
    uint64_t parts = number / 10000 | (uint64_t)(number % 10000) << 32;
    uint64_t heads = parts * 10486 >> 20 & 0x0000007f0000007f;
    parts = heads | (parts - heads * 100) << 16;
    heads = parts * 103 >> 10 & 0x000f000f000f000f;
    parts = heads | (parts - heads * 10) << 8;
    uint64_t digits = htole64(parts | 0x3030303030303030);
    memcpy(text, &digits, HALF_DIGITS);
}

/* Microseconds, of any time from 2001 to 2286, as nanoseconds. */
ALWAYS_INLINE char *add_time(char *to, uint64_t us)
{
    write_half(to, (uint32_t)(us / HALF % HALF));
    write_half(to + HALF_DIGITS, (uint32_t)(us % HALF));
    memcpy(to + TIME_DIGITS, "000", 3);
    return to + TIME_LEN;
}

/* What was written from the end of `out` up to `to`, into `room` bytes. */
static void commit(struct buffer *out, const char *to, size_t room)
{
    size_t len = (size_t)(to - (out->data + out->len));
    assert(len <= room);
    buffer_commit(out, len);
}

static void end_list(struct buffer *out)
{
    if (out->len > 0 && out->data[out->len - 1] == ',')
        out->len--;
}

void span_open(struct buffer *out, const struct span *span)
{
    const size_t room = OPEN_ROOM + span->name.len;
    char *to = buffer_reserve(out, room);
    if (!to)
        return;
    to = ADD(to, "{\"traceId\":\"");
    to = add(to, span->trace_id, TRACE_ID_LEN);
    to = ADD(to, "\",\"spanId\":\"");
    to = add(to, span->id, SPAN_ID_LEN);
    if (span->parent_id) {
        to = ADD(to, "\",\"parentSpanId\":\"");
        to = add(to, span->parent_id, SPAN_ID_LEN);
    }
    to = ADD(to, "\",\"name\":\"");
    to = add(to, span->name.data, span->name.len);
    to = ADD(to, "\",\"kind\":");
    *to++ = (char)('0' + span->kind);
    to = ADD(to, ",\"startTimeUnixNano\":\"");
    to = add_time(to, span->start_us);
    to = ADD(to, "\",\"endTimeUnixNano\":\"");
    to = add_time(to, span->end_us);
    *to++ = '"';
    commit(out, to, room);
    if (span->state.len > 0) {
        PUT(out, ",\"traceState\":");
        json_text_append_any(out, span->state);
    }
    PUT(out, ",\"attributes\":[");
}

static void put_key(struct buffer *out, struct slice key)
{
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
    PUT(out, "}},");
}

void span_put_number(struct buffer *out, struct slice key, int64_t number)
{
    put_key(out, key);
    PUT(out, "\"intValue\":\"");
    if (number < 0)
        (void)buffer_append_byte(out, '-');
    (void)buffer_append_uint(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
    PUT(out, "\"}},");
}

void span_put_flag(struct buffer *out, struct slice key, bool flag)
{
    put_key(out, key);
    PUT(out, "\"boolValue\":");
    (void)buffer_append_text(out, flag ? "true}}," : "false}},");
}

void span_events(struct buffer *out)
{
    end_list(out);
    PUT(out, "],\"events\":[");
}

void span_event(struct buffer *out, struct slice name, uint64_t at_us)
{
    const size_t room = EVENT_ROOM + name.len;
    char *to = buffer_reserve(out, room);
    if (!to)
        return;
    to = ADD(to, "{\"timeUnixNano\":\"");
    to = add_time(to, at_us);
    to = ADD(to, "\",\"name\":\"");
    to = add(to, name.data, name.len);
    to = ADD(to, "\"},");
    commit(out, to, room);
}

void span_links(struct buffer *out)
{
    end_list(out);
    PUT(out, "],\"links\":[");
}

void span_link(struct buffer *out, const char *trace_id, const char *span_id)
{
    PUT(out, "{\"traceId\":\"");
    (void)buffer_append(out, trace_id, TRACE_ID_LEN);
    PUT(out, "\",\"spanId\":\"");
    (void)buffer_append(out, span_id, SPAN_ID_LEN);
    PUT(out, "\"},");
}

void span_close(struct buffer *out, bool has_failed, const char *message)
{
    end_list(out);
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
    end_list(out);
    PUT(out, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"gatherd\",\"version\":");
    json_text_append_any(out, slice_from(resource->service_version));
    PUT(out, "},\"spans\":[");
}
