/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an upstream's reply, line by line, held to RFC 9112 more strictly than
 * libcurl holds it: whatever two parsers could read differently is refused. Pure.
 *
 * Lines come as libcurl hands them over: the status line, each field, the empty line;
 * heads of 1xx replies before the final one; trailers after the body. All of them count
 * against the ceilings; of the fields only those of the final head are kept. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"
#include "fetch/call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPLY_HEAD_LINES_MAX = 200 };

enum head_verdict { HEAD_FINE, HEAD_BAD, HEAD_TOO_LARGE };

enum head_state { HEAD_STATUS_LINE, HEAD_FIELDS, HEAD_TRAILERS };

enum field_kind {
    FIELD_PLAIN,
    FIELD_CONNECTION,
    FIELD_CONTENT_ENCODING,
    FIELD_CONTENT_LENGTH,
    FIELD_CONTENT_TYPE,
    FIELD_HOP_BY_HOP, /* dropped at once */
    FIELD_LOCATION,
    FIELD_TRANSFER_ENCODING,
};

struct head_field {
    uint32_t at; /* of the name in `text`; the value follows it */
    uint32_t name_len;
    uint32_t value_len;
    enum field_kind kind;
};

struct reply_head {
    struct buffer text;
    struct head_field *fields;
    size_t count;
    size_t fields_cap;
    size_t bytes; /* of all lines so far */
    size_t bytes_max;
    size_t lines;
    enum head_state state;
    int status;          /* of the head being read or, at last, the final one */
    const char *version; /* "1.0", "1.1", "2", "3" */
    bool has_length;
    uint64_t length;
    bool has_transfer_encoding;
    bool has_connection;
    bool has_content_encoding;
    unsigned locations;
    bool is_ambiguous;  /* refused because two parsers could find two ends of it */
    const char *reason; /* after HEAD_BAD, HEAD_TOO_LARGE: a constant sentence */
};

void reply_head_init(struct reply_head *head, size_t bytes_max);
void reply_head_done(struct reply_head *head);
/* reply_head_clear makes it ready for the next reply and keeps modest memory. */
void reply_head_clear(struct reply_head *head);

/* reply_head_line takes one line with its line end. */
enum head_verdict reply_head_line(struct reply_head *head, const char *line,
                                  size_t len) MUST_CHECK;

/* reply_head_is_whole: the final head has ended (its empty line came). */
static inline bool reply_head_is_whole(const struct reply_head *head)
{
    return head->state == HEAD_TRAILERS;
}

/* reply_head_keeps: this whole head keeps its connection open (RFC 9112 9.3) and tells
 * where the reply ends; `is_to_head`: it answers a HEAD. */
bool reply_head_keeps(const struct reply_head *head, bool is_to_head);

/* reply_head_find returns the last value of the fields of `kind`; empty when there is
 * none. */
struct slice reply_head_find(const struct reply_head *head, enum field_kind kind);

/* reply_head_fields writes the fields a client may see, in order of arrival, into `out`
 * (room for REPLY_HEAD_LINES_MAX) and returns how many: without hop-by-hop fields and
 * those Connection names (RFC 9110 7.6.1); `is_decoded` also drops content-encoding and
 * content-length, which describe the body as it was sent and not as it is handed on.
 * Valid until the head changes. */
size_t reply_head_fields(const struct reply_head *head, bool is_decoded,
                         struct call_header *out);
