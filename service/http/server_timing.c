/* SPDX-License-Identifier: Apache-2.0 */
/* Called by the handler of batches. */
#include "http/server_timing.h"

#include "batch/render.h"

void server_timing_note(struct server_timing *timing, struct slice id,
                        const struct outcome *outcome, double start_ms)
{
    if (!timing->has_items || start_ms < timing->first_ms)
        timing->first_ms = start_ms;
    timing->has_items = true;
    if (outcome->timing.blocked > timing->queue_ms)
        timing->queue_ms = outcome->timing.blocked;
    if (outcome->timing.total > timing->slowest_ms) {
        timing->slowest_ms = outcome->timing.total;
        timing->slowest_id = id;
    }
}

/* Of a quoted-string (RFC 9110 5.6.4) what needs no escaping; other bytes than these not
 * every reader takes. */
static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i];
        if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\')
            return false;
    }
    return text.len <= SERVER_TIMING_ID_MAX;
}

static void put(struct buffer *out, const char *name, double ms)
{
    buffer_append_text(out, name);
    buffer_append_text(out, ";dur=");
    render_ms(out, ms);
}

void server_timing_write(const struct server_timing *timing, double total_ms,
                         struct buffer *out)
{
    double parse_ms =
        timing->has_items && timing->first_ms < total_ms ? timing->first_ms : total_ms;
    put(out, "parse", parse_ms);
    put(out, ", queue", timing->queue_ms);
    put(out, ", fetch", total_ms - parse_ms);
    if (timing->slowest_ms > 0) {
        put(out, ", slowest", timing->slowest_ms);
        if (is_plain(timing->slowest_id)) {
            buffer_append_text(out, ";desc=\"");
            buffer_append(out, timing->slowest_id.data, timing->slowest_id.len);
            buffer_append_byte(out, '"');
        }
    }
    put(out, ", total", total_ms);
}
