/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of stream_format.h. What a response says is batch/render.c's. Called by the
 * handler of streamed batches, for every item. */
#include "http/stream_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct stream_frame stream_frame_make(enum reply_form form, enum stream_part part,
                                      uint64_t number)
{
    struct stream_frame frame = {.head = ""};
    if (form == REPLY_EVENTS) {
        frame.head_len = (size_t)snprintf(
            frame.head, sizeof frame.head, "event: %s\nid: %" PRIu64 "\ndata: ",
            part == STREAM_SUMMARY ? "summary" : "response", number);
        frame.tail = slice_from("\n\n");
    } else if (part == STREAM_SUMMARY) {
        frame.head_len = (size_t)snprintf(frame.head, sizeof frame.head, "{\"summary\":");
        frame.tail = slice_from("}\n");
    } else {
        frame.tail = slice_from("\n");
    }
    return frame;
}

static void replace(char *text, size_t len, char unwanted)
{
    char *end = text + len;
    while (text < end && (text = memchr(text, unwanted, (size_t)(end - text))))
        *text++ = ' ';
}

void stream_flatten(char *json, size_t len)
{
    replace(json, len, '\n');
    replace(json, len, '\r');
}

struct slice stream_comment(void)
{
    return slice_from(":\n\n");
}

uint64_t stream_silence_due_ms(enum reply_form form, uint64_t written_ms)
{
    return form == REPLY_EVENTS ? written_ms + STREAM_SILENCE_MS : UINT64_MAX;
}
