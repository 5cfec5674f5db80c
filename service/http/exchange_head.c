/* SPDX-License-Identifier: Apache-2.0 */
/* MHD before 1.0 is lax about how heads and chunks are written, and what it takes for the
 * next request may be none; of heads the places of the parts tell (head_layout.h), of
 * chunks nothing does. */
#include "http/exchange_head.h"

#include "http/head_layout.h"

#include <microhttpd.h>

#include <string.h>

enum {
    IS_LAX_LIBRARY = MHD_VERSION < 0x01000000,
    RECORD_SIZE = 64, /* what MHD keeps per header line, argument and cookie */
};

struct reading {
    struct request_head *fields;
    struct head_layout layout;
};

static enum MHD_Result add_line(void *cls, enum MHD_ValueKind kind, const char *name,
                                size_t name_len, const char *value, size_t value_len)
{
    struct reading *reading = cls;
    struct slice name_text = slice_make(name, name_len);
    struct slice value_text = slice_make(value, value_len);
    request_head_add(reading->fields, name_text, value_text);
    if (IS_LAX_LIBRARY && kind == MHD_HEADER_KIND)
        head_layout_add(&reading->layout, name_text, value_text);
    return MHD_YES;
}

/* How much of the connection's memory the head has taken. */
static size_t size_of(const struct exchange *exchange, const struct request_head *fields)
{
    const enum MHD_ValueKind all =
        (enum MHD_ValueKind)(MHD_HEADER_KIND | MHD_GET_ARGUMENT_KIND | MHD_COOKIE_KIND);
    int records =
        MHD_get_connection_values(exchange->client->connection, all, NULL, NULL);
    return exchange->target_len + fields->bytes + (size_t)records * RECORD_SIZE;
}

void exchange_head_read(const struct exchange *exchange, const char *method,
                        const char *version, struct exchange_head *ret_head)
{
    struct MHD_Connection *connection = exchange->client->connection;
    struct request_head *fields = &ret_head->fields;
    struct reading reading = {.fields = fields};
    *fields = (struct request_head){.seen = 0};
    if (IS_LAX_LIBRARY)
        head_layout_start(
            &reading.layout, slice_from(method),
            slice_make(exchange->raw_target, exchange->target_len), slice_from(version),
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
                ->header_size);
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, add_line, &reading);
    ret_head->is_plain =
        !IS_LAX_LIBRARY || (head_layout_is_plain(&reading.layout) && !fields->is_chunked);
    ret_head->is_sound = request_head_judge(
        fields, method, slice_make(exchange->target, exchange->target_len), version);
    ret_head->size = size_of(exchange, fields);
}

void exchange_head_read_trailers(const struct exchange *exchange,
                                 struct request_head *ret_trailers)
{
    struct reading reading = {.fields = ret_trailers};
    *ret_trailers = (struct request_head){.seen = 0};
    MHD_get_connection_values_n(exchange->client->connection, MHD_FOOTER_KIND, add_line,
                                &reading);
}

bool exchange_head_is_large(const struct exchange *exchange, size_t size)
{
    return size > exchange->front->setup.snapshot->config->server.head_max_bytes;
}

bool exchange_head_is_target_long(const struct exchange *exchange)
{
    size_t size = exchange->target_len;
    for (const char *at = exchange->target; (at = strchr(at, '&')); at++)
        size += RECORD_SIZE;
    return exchange_head_is_large(exchange, size);
}
