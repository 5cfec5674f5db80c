/* SPDX-License-Identifier: Apache-2.0 */
/* The console's page. */
#include "http/exchange.h"
#include "http/handlers.h"

void handle_console_page(struct exchange *exchange)
{
    const struct reply reply = {.status = 200,
                                .content_type = "text/html; charset=utf-8"};
    exchange_reply_static(exchange, &reply,
                          slice_from("<!doctype html><title>gatherd console</title>\n"));
}
