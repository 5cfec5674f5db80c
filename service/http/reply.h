/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler answers, as a response of libmicrohttpd. It sends nothing:
 * exchange_answer.c queues it. */
#pragma once

#include "base/slice.h"
#include "http/exchange.h"

#include <microhttpd.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budgets;
struct gather_piece;

/* Each makes the response and takes the memory over in any case; NULL when there is no
 * memory left for it. */
struct MHD_Response *reply_from_text(char *text, size_t len);
struct MHD_Response *reply_from_static(struct slice text);
struct MHD_Response *reply_from_pieces(const struct gather_piece *pieces, size_t count,
                                       uint64_t reply_bytes, struct budgets *budgets,
                                       bool is_joined);
/* reply_add_head adds the headers every reply has and those of `reply`. */
bool reply_add_head(struct MHD_Response *response, const struct exchange *exchange,
                    const struct reply *reply);
