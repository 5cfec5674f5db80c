/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a request as libmicrohttpd has cut it up, and its trailers: handed to
 * request_head.h and head_layout.h, which judge, and measured against the memory a
 * connection has in MHD. Changes nothing of the exchange. Inside MHD's callbacks of that
 * request only; the slices lie in MHD's memory and live as long as the request. */
#pragma once

#include "http/front_state.h"
#include "http/request_head.h"

#include <stdbool.h>
#include <stddef.h>

struct exchange_head {
    struct request_head fields;
    bool is_sound; /* else fields.fault says why not */
    /* Written so that only one reading of where the request ends exists; else the
     * connection must be closed behind it. */
    bool is_plain;
    size_t size; /* of the connection's memory, that it has taken */
};

/* exchange_head_read fills *ret_head, when MHD asks for the first time. */
void exchange_head_read(const struct exchange *exchange, const char *method,
                        const char *version, struct exchange_head *ret_head);

/* exchange_head_read_trailers: of a chunked body, when all of it came. Only the faults of
 * single lines are looked for. */
void exchange_head_read_trailers(const struct exchange *exchange,
                                 struct request_head *ret_trailers);

/* exchange_head_is_large: more than server.head_max_bytes. exchange_head_is_target_long:
 * the request line alone is larger than a head may be. For the first callback of all: MHD
 * has not cut up the query yet. */
bool exchange_head_is_large(const struct exchange *exchange, size_t size);
bool exchange_head_is_target_long(const struct exchange *exchange);
