/* SPDX-License-Identifier: Apache-2.0 */
/* How the responses of a batch are written as they come. Pure.
 *
 *     application/x-ndjson       text/event-stream
 *     {"id":"b",…}⏎              event: response⏎id: 1⏎data: {"id":"b",…}⏎⏎
 *     {"id":"a",…}⏎              event: response⏎id: 2⏎data: {"id":"a",…}⏎⏎
 *     {"summary":{…}}⏎           event: summary⏎id: 3⏎data: {…}⏎⏎
 *
 * The id of an event is its number: an item's own id may hold what no such line can, a
 * line break. An event stream also says something when nothing happened for a while, so
 * that nobody between takes it for dead; a line of NDJSON would have to be a value. */
#pragma once

#include "base/slice.h"
#include "http/accept.h"

#include <stddef.h>
#include <stdint.h>

enum stream_part { STREAM_RESPONSE, STREAM_SUMMARY };

enum {
    STREAM_HEAD_MAX = 64,
    STREAM_SILENCE_MS = 15000, /* the HTML standard's advice on server-sent events */
};

/* What stands around the JSON text of a part. */
struct stream_frame {
    char head[STREAM_HEAD_MAX];
    size_t head_len;
    struct slice tail; /* lives for ever */
};

/* `number` counts the parts of a stream, from 1. */
struct stream_frame stream_frame_make(enum reply_form form, enum stream_part part,
                                      uint64_t number);

/* stream_flatten makes JSON text one line. Its line breaks can only be white space
 * between tokens, since strings hold none: a space there says the same. */
void stream_flatten(char *json, size_t len);

/* A comment of an event stream. It also opens the stream: a head without a body may be
 * held back on its way. */
struct slice stream_comment(void);

/* stream_silence_due_ms: when a comment is due on a stream on which something was last
 * written at `written_ms`; UINT64_MAX: never. */
uint64_t stream_silence_due_ms(enum reply_form form, uint64_t written_ms);
