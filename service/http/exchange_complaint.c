/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that libmicrohttpd complains about before its first call to us. 0.9.75 answers
 * some of them by sending its status line twice, so its message is the only chance to
 * answer them here; but the message does not say which request it is about. Called by
 * front.c when there is such a message, and by exchange.c when a request line comes. */
#include "http/exchange_complaint.h"

#include "http/front_state.h"

/* The head is complete, as MHD tells its size only then, and our first call has not been.
 * That is so for a moment of one connection's turn, and of those MHD refuses itself. */
static bool is_before_first_call(const struct client *client)
{
    return client->exchange && client->exchange->phase == EXCHANGE_HEAD &&
           !client->exchange->is_librarys &&
           MHD_get_connection_info(client->connection,
                                   MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
}

/* The request MHD complains about. Two come into question when it has just refused
 * another one itself and goes on with bytes of a head that began in an earlier run: then
 * it is the older one, as a new head would have told of the former (exchange_on_target).
 */
static struct exchange *find_complained(const struct front *front)
{
    struct exchange *found = NULL;
    /* Not over all clients: with 8000 idle ones a malformed request cost 0.5 ms. */
    for (struct list *node = front->heads.next; node != &front->heads;
         node = node->next) {
        struct exchange *exchange = container_of(node, struct exchange, node);
        if (is_before_first_call(exchange->client) &&
            (!found || exchange->run != front->run))
            found = exchange;
    }
    return found;
}

void exchange_leave_to_library(struct front *front)
{
    struct exchange *exchange;
    while ((exchange = find_complained(front)))
        exchange->is_librarys = true;
}

void exchange_refuse_length(struct front *front)
{
    struct exchange *exchange = find_complained(front);
    if (exchange)
        exchange_refuse_by_hand(exchange, PROBLEM_INVALID_REQUEST,
                                "Content-Length is not a number, or too large a one");
}

void exchange_refuse_cookies(struct front *front)
{
    struct exchange *exchange = find_complained(front);
    if (exchange)
        exchange_refuse_by_hand(exchange, PROBLEM_HEAD_TOO_LARGE,
                                "the cookies are too large; nothing here needs any");
}
