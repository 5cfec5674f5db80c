/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a response object:
 *
 *     {"id":…,"status":…,"headers":{…},"body":…,"bodyEncoding":…,"timing":{…}}
 *     {"id":…,"status":…,"error":{"code":…,"message":…,"retryable":…},"timing":{…}}
 *
 * and before "timing" perhaps "fallback" and "attempts".
 *
 * A JSON body is validated and then embedded as it came, so its numbers and key order
 * stay; what is no JSON becomes a string, what is no UTF-8 becomes base64. No printf:
 * this runs for every item. Called by gather. */
#include "batch/render.h"

#include "base/field_text.h"
#include "base/json_text.h"
#include "batch/batch.h"
#include "batch/gather.h"
#include "batch/render_headers.h"
#include "batch/render_shape.h"

#include <assert.h>

/* So that a response without a body has a known largest size. */
enum { MESSAGE_MAX = 400 };

static void append(struct buffer *out, const char *text)
{
    buffer_append_text(out, text);
}

void render_ms(struct buffer *out, double ms)
{
    if (!(ms >= 0 && ms < 1e12)) {
        append(out, "-1");
        return;
    }
    uint64_t us = (uint64_t)(ms * 1000 + 0.5);
    unsigned fraction = (unsigned)(us % 1000);
    char decimals[4] = {'.', (char)('0' + fraction / 100),
                        (char)('0' + fraction / 10 % 10), (char)('0' + fraction % 10)};
    buffer_append_uint(out, us / 1000);
    buffer_append(out, decimals, fraction % 10 ? 4 : fraction % 100 ? 3 : 2);
}

static bool ends_with_json(struct slice type)
{
    return type.len > 5 &&
           slice_is_ignoring_case(slice_make(type.data + type.len - 5, 5), "+json");
}

/* application/json or a +json type (RFC 6839 3.1); parameters say nothing about JSON. */
bool render_is_json(struct slice type)
{
    type = field_media_type(type);
    return slice_is_ignoring_case(type, "application/json") || ends_with_json(type);
}

static void append_body(struct buffer *out, struct slice body, struct slice content_type)
{
    append(out, ",\"body\":");
    if (render_is_json(content_type) && json_text_is_valid(body)) {
        buffer_append(out, body.data, body.len);
        append(out, ",\"bodyEncoding\":\"json\"");
    } else if (utf8_is_valid(body)) {
        json_text_append_string(out, body);
        append(out, ",\"bodyEncoding\":\"text\"");
    } else {
        json_text_append_base64(out, body);
        append(out, ",\"bodyEncoding\":\"base64\"");
    }
}

static void append_timing(struct buffer *out, const struct call_timing *timing,
                          double start_ms)
{
    const struct {
        const char *name;
        double ms;
    } phases[] = {
        {",\"timing\":{\"start\":", start_ms > 0 ? start_ms : 0},
        {",\"blocked\":", timing->blocked},
        {",\"dns\":", timing->dns},
        {",\"connect\":", timing->connect},
        {",\"ssl\":", timing->ssl},
        {",\"send\":", timing->send},
        {",\"wait\":", timing->wait},
        {",\"receive\":", timing->receive},
        {",\"total\":", timing->total > 0 ? timing->total : 0},
    };
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        append(out, phases[i].name);
        render_ms(out, phases[i].ms);
    }
    append(out, timing->is_reused ? ",\"reused\":true" : ",\"reused\":false");
    if (timing->http_version) {
        append(out, ",\"httpVersion\":");
        json_text_append_string(out, slice_from(timing->http_version));
    }
    if (timing->remote_address) {
        append(out, ",\"remoteAddress\":");
        json_text_append_string(out, slice_from(timing->remote_address));
    }
    append(out, ",\"bytes\":");
    buffer_append_uint(out, timing->bytes);
    buffer_append_byte(out, '}');
}

static void append_error(struct buffer *out, const struct outcome *outcome)
{
    const char *name = call_code_row(outcome->code)->name;
    /* Behind a redirect something was sent, whatever the code says. */
    bool is_retryable =
        call_is_retryable(outcome->code, outcome->method) &&
        (outcome->hops == 0 || call_method_is_idempotent(outcome->method));
    append(out, ",\"error\":{\"code\":\"");
    append(out, name);
    append(out, "\",\"message\":");
    struct slice text =
        utf8_cut(slice_from(outcome->message ? outcome->message : name), MESSAGE_MAX);
    json_text_append_any(out, text);
    append(out, is_retryable ? ",\"retryable\":true" : ",\"retryable\":false");
    if (outcome->code == CALL_EXPECT_FAILED) {
        append(out, ",\"upstreamStatus\":");
        buffer_append_uint(out, (unsigned)outcome->status);
    }
    buffer_append_byte(out, '}');
}

static void append_reply(struct buffer *out, const struct outcome *outcome,
                         const struct render_wish *wish)
{
    const struct answer_shape *shape = wish->shape;
    if (wish->include & INCLUDE_HEADERS) {
        if (shape && shape->has_headers)
            render_shaped_headers(out, outcome, shape);
        else
            render_headers(out, outcome->headers, outcome->header_count);
    }
    if (wish->include & INCLUDE_BODY) {
        if (shape && answer_shape_has_body(shape))
            render_shaped_body(out, outcome, shape);
        else if (outcome->has_body && outcome->body.len > 0)
            append_body(out, outcome->body, outcome->content_type);
    }
}

void render_response(struct buffer *out, struct slice id, const struct outcome *outcome,
                     const struct render_wish *wish)
{
    const struct call_code_row *row = call_code_row(outcome->code);
    bool is_ok = outcome->code == CALL_OK;
    bool has_reply = is_ok || outcome->code == CALL_EXPECT_FAILED;
    assert(!has_reply || outcome->status > 0);
    append(out, "{\"id\":");
    json_text_append_string(out, id);
    append(out, ",\"status\":");
    buffer_append_uint(out, (unsigned)(is_ok ? outcome->status : row->status));
    if (!is_ok)
        append_error(out, outcome);
    if (outcome->is_coalesced)
        append(out, ",\"coalesced\":true");
    if (has_reply)
        append_reply(out, outcome, wish);
    if (is_ok && outcome->is_fallback)
        append(out, ",\"fallback\":true");
    if (outcome->attempt_count > 0)
        render_attempts(out, outcome->attempts, outcome->attempt_count);
    buffer_append(out, wish->members.data, wish->members.len);
    if (wish->include & INCLUDE_TIMING)
        append_timing(out, &outcome->timing, wish->start_ms);
    buffer_append_byte(out, '}');
}

void render_summary(struct buffer *out, const struct gather_summary *summary)
{
    append(out, "{\"total\":");
    buffer_append_uint(out, summary->total);
    append(out, ",\"ok\":");
    buffer_append_uint(out, summary->ok);
    append(out, ",\"failed\":");
    buffer_append_uint(out, summary->failed);
    append(out, summary->is_complete ? ",\"complete\":true" : ",\"complete\":false");
    append(out, ",\"elapsedMs\":");
    render_ms(out, summary->elapsed_ms);
    buffer_append_byte(out, '}');
}
