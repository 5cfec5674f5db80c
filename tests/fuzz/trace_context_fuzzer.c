/* SPDX-License-Identifier: Apache-2.0 */
/* traceparent and tracestate: what is read is written so that it is read the same again,
 * and within its ceiling. The first line is the one, the others are the other. */
#include "fuzzer.h"

#include "trace/trace_context.h"

enum { LINES_MAX = 8 };

static void check_parent(struct slice text)
{
    struct trace_context context, again;
    char written[TRACEPARENT_LEN];
    if (!trace_context_parse(text, &context))
        return;
    trace_context_write(&context, written);
    MUST_HOLD(trace_context_parse(slice_make(written, sizeof written), &again));
    MUST_HOLD(memcmp(context.trace_id, again.trace_id, TRACE_ID_LEN) == 0 &&
              memcmp(context.span_id, again.span_id, SPAN_ID_LEN) == 0 &&
              context.is_sampled == again.is_sampled);
}

static void check_state(const struct slice *lines, size_t count)
{
    char text[TRACESTATE_MAX], again[TRACESTATE_MAX];
    size_t len = trace_state_join(lines, count, text);
    struct slice joined = slice_make(text, len);
    MUST_HOLD(len <= TRACESTATE_MAX);
    MUST_HOLD(trace_state_join(&joined, 1, again) == len &&
              memcmp(text, again, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice lines[LINES_MAX + 1] = {{0}};
    const char *at = (const char *)data;
    size_t count = 0;
    while (count <= LINES_MAX) {
        const char *end = size > 0 ? memchr(at, '\n', size) : NULL;
        size_t len = end ? (size_t)(end - at) : size;
        lines[count++] = slice_make(at, len);
        if (!end)
            break;
        at = end + 1;
        size -= len + 1;
    }
    check_parent(lines[0]);
    check_state(lines + 1, count - 1);
    return 0;
}
