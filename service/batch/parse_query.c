/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/batch?url=…&url=…&deadlineMs=…&until=ok:2: a batch of plain GETs, for a
 * browser, curl or a load tester. Pointers name the members a document would have. Called
 * by the handler of batches. */
#include "batch/parse_internal.h"

#include <string.h>

/* Digits alone: no sign, no fraction, no white space. -1: not so. */
static int64_t whole_number(struct slice text)
{
    if (text.len < 1 || text.len > 15)
        return -1;
    int64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        number = number * 10 + (text.data[i] - '0');
    }
    return number;
}

static void take_number(struct parser *parser, const char *name, struct slice value,
                        int64_t max, uint32_t *ret_number)
{
    int64_t number = whole_number(value);
    if (number < 1 || number > max)
        report_error(parser->errors, (struct place){.field = name},
                     "must be an integer from 1 to %lld", (long long)max);
    else
        *ret_number = (uint32_t)number;
}

static void take_include(struct parser *parser, struct batch *batch, struct slice words)
{
    batch->include = 0;
    while (words.len > 0) {
        const char *comma = memchr(words.data, ',', words.len);
        size_t len = comma ? (size_t)(comma - words.data) : words.len;
        parse_include_word(parser, slice_make(words.data, len),
                           (struct place){.field = "include"}, &batch->include);
        size_t used = comma ? len + 1 : len;
        words = slice_make(words.data + used, words.len - used);
    }
}

static void take_url(struct parser *parser, struct item *item, size_t index,
                     struct slice value)
{
    struct slice url = arena_copy(&parser->document->arena, value);
    if (!url.data)
        parser->is_out_of_memory = true;
    parse_plain_item(parser, item, url, (struct place){.list = "/urls", .index = &index});
}

static void take_deadline(struct parser *parser, struct batch *batch, struct slice value)
{
    take_number(parser, "deadlineMs", value, TIMEOUT_MS_MAX, &batch->deadline_ms);
}

static void take_concurrency(struct parser *parser, struct batch *batch,
                             struct slice value)
{
    take_number(parser, "concurrency", value, CONCURRENCY_MAX, &batch->concurrency);
}

static void take_coalesce(struct parser *parser, struct batch *batch, struct slice value)
{
    batch->coalesces = slice_is(value, "true");
    if (!batch->coalesces && !slice_is(value, "false"))
        report_error(parser->errors, (struct place){.field = "coalesce"},
                     "must be true or false");
}

/* What may stand once. */
static const struct {
    const char *name;
    void (*take)(struct parser *parser, struct batch *batch, struct slice value);
} options[] = {
    {"deadlineMs", take_deadline},
    {"concurrency", take_concurrency},
    {"include", take_include},
    {"coalesce", take_coalesce},
    {"until", parse_wait_until_argument},
    {"failFast", parse_wait_fail_fast_argument},
    {"onFailure", parse_wait_on_failure_argument},
};
enum { OPTION_COUNT = sizeof options / sizeof *options };

static void report_unknown_argument(struct parser *parser, struct slice name)
{
    const char *names[OPTION_COUNT + 1] = {"url"};
    struct slice text = arena_copy(&parser->document->arena, name);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        names[i + 1] = options[i].name;
    if (text.data)
        report_unknown(parser->errors, (struct place){.list = NULL}, text.data, names,
                       OPTION_COUNT + 1);
    else
        parser->is_out_of_memory = true;
}

static void take_option(struct parser *parser, struct batch *batch,
                        const struct parse_argument *argument, unsigned *seen)
{
    size_t i = 0;
    while (i < OPTION_COUNT && !slice_is(argument->name, options[i].name))
        i++;
    if (i == OPTION_COUNT)
        report_unknown_argument(parser, argument->name);
    else if (*seen & 1u << i)
        report_error(parser->errors, (struct place){.field = options[i].name},
                     "is given twice");
    else
        options[i].take(parser, batch, argument->value);
    *seen |= 1u << i;
}

static void take_arguments(struct parser *parser, struct batch *batch,
                           const struct parse_argument *arguments, size_t count)
{
    unsigned seen = 0;
    size_t index = 0;
    for (size_t i = 0; i < count; i++) {
        if (!slice_is(arguments[i].name, "url")) {
            take_option(parser, batch, &arguments[i], &seen);
            continue;
        }
        take_url(parser, &batch->items[index], index, arguments[i].value);
        index++;
    }
}

struct batch *parse_query(const struct parse_argument *arguments, size_t count,
                          const struct parse_setup *setup, struct parse_errors *errors)
{
    *errors = (struct parse_errors){.refusal = PARSE_INVALID};
    struct parser parser = parser_of(setup, errors);
    item_fields_init(&parser.defaults);
    size_t urls = 0;
    for (size_t i = 0; i < count; i++)
        urls += slice_is(arguments[i].name, "url");
    if (urls > parser.max_items) {
        errors->refusal = PARSE_TOO_MANY;
        report_error(errors, (struct place){.list = NULL}, "at most %llu items are taken",
                     (unsigned long long)parser.max_items);
        return NULL;
    }
    parse_document_new(&parser, setup->memory);
    struct batch *batch = parse_batch_new(&parser, urls);
    if (!batch)
        return parse_conclude(&parser, NULL);
    take_arguments(&parser, batch, arguments, count);
    struct place list = {.list = "/urls"};
    if (urls == 0)
        report_error(errors, list, "at least one url is needed: ?url=https://…");
    parse_finish(&parser, batch, list);
    return parse_conclude(&parser, batch);
}
