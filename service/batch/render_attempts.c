/* SPDX-License-Identifier: Apache-2.0 */
/* The tries of one item:
 *
 *     "attempts":[{"status":503,"startMs":0.0,"totalMs":2.1,"remoteAddress":"…"},
 *                 {"error":"connect","startMs":9.5,"totalMs":0.2,"url":"…"}]
 *
 * Called by render_response. */
#include "batch/render.h"

#include "base/json_text.h"

static void append_attempt(struct buffer *out, const struct attempt_record *attempt)
{
    if (attempt->status > 0) {
        buffer_append_text(out, "\"status\":");
        buffer_append_uint(out, (unsigned)attempt->status);
        buffer_append_byte(out, ',');
    }
    if (attempt->code != CALL_OK) {
        buffer_append_text(out, "\"error\":\"");
        buffer_append_text(out, call_code_row(attempt->code)->name);
        buffer_append_text(out, "\",");
    }
    buffer_append_text(out, "\"startMs\":");
    render_ms(out, attempt->start_ms);
    buffer_append_text(out, ",\"totalMs\":");
    render_ms(out, attempt->total_ms);
    if (attempt->remote_address[0]) {
        buffer_append_text(out, ",\"remoteAddress\":");
        json_text_append_string(out, slice_from(attempt->remote_address));
    }
    if (attempt->url.data) {
        buffer_append_text(out, ",\"url\":");
        json_text_append_string(out, attempt->url);
    }
}

void render_attempts(struct buffer *out, const struct attempt_record *attempts,
                     size_t count)
{
    buffer_append_text(out, ",\"attempts\":[");
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(out, i ? ",{" : "{");
        append_attempt(out, &attempts[i]);
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, ']');
}
