/* SPDX-License-Identifier: Apache-2.0 */
/* What handlers see of a request: its id, target, body and client. It changes nothing but
 * the counter of ids. */
#include "base/hex.h"
#include "http/front_state.h"

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <stdio.h>

const char *exchange_request_id(const struct exchange *exchange)
{
    return exchange->request_id;
}

struct slice exchange_path(const struct exchange *exchange)
{
    return slice_make(exchange->target, exchange->path_len);
}

struct slice exchange_query(const struct exchange *exchange)
{
    size_t skip = exchange->path_len + (exchange->path_len < exchange->target_len);
    return slice_make(exchange->target + skip, exchange->target_len - skip);
}

struct slice exchange_body(const struct exchange *exchange)
{
    return buffer_slice(&exchange->body);
}

const struct front_setup *exchange_setup(const struct exchange *exchange)
{
    return &exchange->front->setup;
}

uint64_t exchange_arrived_us(const struct exchange *exchange)
{
    return exchange->arrived_us;
}

const struct config *exchange_config(const struct exchange *exchange)
{
    return exchange->snapshot->config;
}

struct caller *exchange_caller(const struct exchange *exchange)
{
    return exchange->terms->caller;
}

const struct terms *exchange_terms(const struct exchange *exchange)
{
    return exchange->terms;
}

static enum MHD_Result note_accept(void *cls, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len)
{
    (void)kind;
    if (slice_is_ignoring_case(slice_make(name, name_len), "Accept"))
        accept_add(cls, slice_make(value, value_len));
    return MHD_YES;
}

struct accept_choice exchange_accept(const struct exchange *exchange)
{
    struct accept accept = {.is_there = false};
    MHD_get_connection_values_n(exchange->client->connection, MHD_HEADER_KIND,
                                note_accept, &accept);
    return accept_choose(&accept);
}

bool exchange_has_header(const struct exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->client->connection, MHD_HEADER_KIND,
                                       name) != NULL;
}

struct header_search {
    const char *name;
    size_t count;
    struct slice *lines;
    size_t cap;
};

static enum MHD_Result note_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len)
{
    struct header_search *search = cls;
    (void)kind;
    if (slice_is_ignoring_case(slice_make(name, name_len), search->name)) {
        if (search->count < search->cap)
            search->lines[search->count] = slice_make(value, value_len);
        search->count++;
    }
    return MHD_YES;
}

size_t exchange_header_lines(const struct exchange *exchange, const char *name,
                             struct slice *lines, size_t cap)
{
    struct header_search search = {.name = name, .lines = lines, .cap = cap};
    MHD_get_connection_values_n(exchange->client->connection, MHD_HEADER_KIND,
                                note_header, &search);
    return search.count;
}

size_t exchange_headers(const struct exchange *exchange, const char *name,
                        struct slice *ret_value)
{
    return exchange_header_lines(exchange, name, ret_value, 1);
}

bool exchange_has_trace(const struct exchange *exchange)
{
    return exchange->has_trace;
}

const char *exchange_method(const struct exchange *exchange)
{
    return exchange->is_head ? "HEAD" : exchange->route->method;
}

bool exchange_is_tls(const struct exchange *exchange)
{
    return exchange->front->is_tls;
}

bool exchange_is_head(const struct exchange *exchange)
{
    return exchange->is_head;
}

bool exchange_is_local(const struct exchange *exchange)
{
    return fd_marks_has(&exchange->front->local_fds, exchange->client->fd);
}

static const struct sockaddr *client_address(const struct exchange *exchange)
{
    return MHD_get_connection_info(exchange->client->connection,
                                   MHD_CONNECTION_INFO_CLIENT_ADDRESS)
        ->client_addr;
}

bool exchange_client_key(const struct exchange *exchange, struct address_key *ret_key)
{
    return address_key_of(client_address(exchange), ret_key);
}

/* As inet_ntop, which takes ten times as long: one is written for each batch. */
static void write_ipv4(const struct in_addr *number, char *text)
{
    const unsigned char *bytes = (const unsigned char *)number;
    for (int i = 0; i < 4; i++) {
        if (bytes[i] >= 100)
            *text++ = (char)('0' + bytes[i] / 100);
        if (bytes[i] >= 10)
            *text++ = (char)('0' + bytes[i] / 10 % 10);
        *text++ = (char)('0' + bytes[i] % 10);
        *text++ = i < 3 ? '.' : '\0';
    }
}

void exchange_client_address(const struct exchange *exchange,
                             char text[EXCHANGE_ADDRESS_SIZE])
{
    const struct sockaddr *address = client_address(exchange);
    const void *v6 = NULL;
    if (address && address->sa_family == AF_INET) {
        write_ipv4(&((const struct sockaddr_in *)(const void *)address)->sin_addr, text);
        return;
    }
    if (address && address->sa_family == AF_INET6)
        v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (!v6 || !inet_ntop(AF_INET6, v6, text, EXCHANGE_ADDRESS_SIZE))
        snprintf(text, EXCHANGE_ADDRESS_SIZE, "unix");
}

void exchange_make_id(struct front *front, char id[REQUEST_ID_MAX + 1])
{
    uint64_t number = htobe64(front->id_next++);
    size_t len = sizeof front->id_prefix - 1;
    memcpy(id, front->id_prefix, len);
    hex_write(id + len, (const unsigned char *)&number, sizeof number);
}
