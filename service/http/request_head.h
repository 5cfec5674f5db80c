/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a request, vetted: what the HTTP library lets through and we do not. Pure.
 *
 * A head is refused for what makes two parsers disagree about where a request ends or
 * whom it is for (RFC 9112 6.3, 11.2): two lengths, a length with chunks, an encoding
 * other than chunked, no Host or two, names and values with bytes that are no token or
 * text. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"
#include "http/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_HEADERS_MAX = 100 };

struct request_head {
    struct slice host;
    struct slice content_type;
    struct slice content_encoding;
    struct slice authorization;
    struct slice api_key;
    struct slice request_id;
    bool has_trace; /* a traceparent, sound or not */
    size_t header_count;
    size_t bytes; /* of all names and values, as the library holds them */
    bool has_length;
    uint64_t length; /* of the body, when has_length */
    bool is_chunked;

    /* The first fault; NULL: none so far. */
    const char *fault;
    enum problem_type fault_type;
    unsigned seen; /* bit per header that may come only once */
};

/* request_head_add takes one header line; `head` was zeroed before the first. The slices
 * stay the caller's. */
void request_head_add(struct request_head *head, struct slice name, struct slice value);

/* request_head_judge looks at the whole: the request line and what must be there. Returns
 * false with fault and fault_type set. */
bool request_head_judge(struct request_head *head, const char *method,
                        struct slice target, const char *version) MUST_CHECK;

/* request_head_id_is_sound: 1 to 128 of A-Z a-z 0-9 . _ : - */
bool request_head_id_is_sound(struct slice id);

/* request_head_is_json: a Content-Type of application/json, in UTF-8 if it names a
 * charset. */
bool request_head_is_json(struct slice content_type);
