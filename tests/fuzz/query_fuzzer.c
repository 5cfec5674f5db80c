/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings of GET /v1/batch: within the limits or a sentence; what is decoded holds
 * no NUL and is never longer than the text; written anew it decodes to the same. */
#include "fuzzer.h"

#include "base/json_text.h"
#include "batch/parse.h"
#include "config/config.h"
#include "http/query.h"

#include <string.h>

enum { ARGUMENTS_MAX = 50 };

static void append_escaped(struct buffer *out, struct slice text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        const char escape[] = {'%', digits[byte >> 4], digits[byte & 15]};
        buffer_append(out, escape, 3);
    }
}

static void check_round_trip(const struct query *query)
{
    struct buffer text;
    struct query again;
    struct error err;
    buffer_init(&text, 1 << 20);
    for (size_t i = 0; i < query->count; i++) {
        append_escaped(&text, query->arguments[i].name);
        buffer_append_byte(&text, '=');
        append_escaped(&text, query->arguments[i].value);
        buffer_append_byte(&text, '&');
    }
    MUST_HOLD(query_parse(buffer_slice(&text), ARGUMENTS_MAX + 1, &again, &err));
    MUST_HOLD(again.count == query->count);
    for (size_t i = 0; i < query->count; i++) {
        MUST_HOLD(slice_equal(again.arguments[i].name, query->arguments[i].name));
        MUST_HOLD(slice_equal(again.arguments[i].value, query->arguments[i].value));
    }
    query_done(&again);
    buffer_done(&text);
}

static void check_arguments(const struct query *query, size_t size)
{
    size_t total = 0;
    MUST_HOLD(query->count <= ARGUMENTS_MAX);
    for (size_t i = 0; i < query->count; i++) {
        const struct parse_argument *argument = &query->arguments[i];
        total += argument->name.len + argument->value.len;
        if (argument->name.len)
            MUST_HOLD(!memchr(argument->name.data, 0, argument->name.len));
        if (argument->value.len)
            MUST_HOLD(!memchr(argument->value.data, 0, argument->value.len));
    }
    MUST_HOLD(total <= size);
}

static void check_batch(const struct query *query, const struct config *config)
{
    struct parse_errors errors = {.count = 0};
    const struct parse_setup setup = {.config = config};
    struct batch *batch = parse_query(query->arguments, query->count, &setup, &errors);
    MUST_HOLD((batch != NULL) == (errors.total == 0));
    for (size_t i = 0; i < errors.count; i++)
        MUST_HOLD(utf8_is_valid(slice_from(errors.list[i].detail)));
    for (size_t i = 0; batch && i < batch->count; i++)
        MUST_HOLD(batch->items[i].url.data[batch->items[i].url.len] == '\0');
    if (batch)
        batch_free(batch);
    parse_errors_done(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config *config;
    if (!config)
        config = config_defaults();
    struct query query;
    struct error err = {0};
    if (size && memchr(data, 0, size))
        return 0; /* request_head.h has refused it */
    if (!query_parse(slice_make((const char *)data, size), ARGUMENTS_MAX, &query, &err)) {
        MUST_HOLD(err.text[0] != '\0');
        return 0;
    }
    check_arguments(&query, size);
    check_round_trip(&query);
    check_batch(&query, config);
    query_done(&query);
    return 0;
}
