/* SPDX-License-Identifier: Apache-2.0 */
/* The batch document as a whole: its three spellings, its options, and ids that must be
 * unique. Every error is found before any is answered, nothing is repaired. Called by the
 * handler of batches.
 *
 *     text ─► parse_text (bodies taken out, jansson) ─► parse_item … ─► batch
 *        └──► parse_plain (nothing but URLs) ────────────────────────────────┘ */
#include "batch/parse_internal.h"
#include "batch/parse_plain.h"
#include "batch/parse_shared.h"
#include "batch/parse_text.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct place whole = {.list = NULL};

static void document_free(void *context)
{
    struct document *document = context;
    json_decref(document->root);
    json_decref(document->defaults);
    arena_done(&document->arena);
    document_memory_done(&document->memory);
    free(document);
}

void parse_global_init(void)
{
    document_memory_hook();
}

void parse_document_new(struct parser *parser, struct budget *memory)
{
    parser->document = memory_new(sizeof *parser->document);
    document_memory_init(&parser->document->memory, memory);
    parser->document->arena.memory = &parser->document->memory;
}

struct batch *parse_batch_new(struct parser *parser, size_t count)
{
    size_t room = count ? count : 1;
    struct item *items = NULL;
    if (document_memory_take(&parser->document->memory, room * sizeof *items))
        items = memory_try_array(room, sizeof *items);
    if (!items) {
        parser->is_out_of_memory = true;
        return NULL;
    }
    struct batch *batch = memory_new(sizeof *batch);
    batch->items = items;
    batch->count = count;
    batch->include = INCLUDE_DEFAULT;
    batch->document = parser->document;
    batch->document_free = document_free;
    return batch;
}

static void report_memory(struct parser *parser)
{
    bool is_large =
        parser->document && parser->document->memory.state == DOCUMENT_TOO_LARGE;
    parser->errors->refusal = is_large ? PARSE_TOO_LARGE : PARSE_NO_MEMORY;
    report_error(parser->errors, whole,
                 is_large ? "read as JSON it takes more than a quarter of "
                            "memory.request_budget: send less at once"
                          : "there is no memory for it now");
}

struct batch *parse_conclude(struct parser *parser, struct batch *batch)
{
    if (parser->is_out_of_memory)
        report_memory(parser);
    if (!batch && parser->document)
        document_free(parser->document);
    if (parser->errors->total == 0)
        return batch;
    batch_free(batch);
    return NULL;
}

void parse_include_word(struct parser *parser, struct slice word, struct place place,
                        unsigned *include)
{
    static const struct {
        const char *word;
        unsigned bit;
    } words[] = {
        {"headers", INCLUDE_HEADERS}, {"body", INCLUDE_BODY}, {"timing", INCLUDE_TIMING}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!slice_is(word, words[i].word))
            continue;
        if (*include & words[i].bit)
            report_error(parser->errors, place, "\"%s\" is given twice", words[i].word);
        *include |= words[i].bit;
        return;
    }
    report_error(parser->errors, place, "must be \"headers\", \"body\" or \"timing\"");
}

static void take_number(struct parser *parser, const char *name, json_t *value,
                        int64_t max, uint32_t *ret_number)
{
    if (!value)
        return;
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : 0;
    if (number < 1 || number > max)
        report_error(parser->errors, place_field(whole, name),
                     "must be an integer from 1 to %lld", (long long)max);
    else
        *ret_number = (uint32_t)number;
}

static void take_flag(struct parser *parser, const char *name, json_t *value,
                      bool *ret_flag)
{
    if (!value)
        return;
    if (!json_is_boolean(value))
        report_error(parser->errors, place_field(whole, name), "must be true or false");
    *ret_flag = json_is_true(value);
}

static void take_include(struct parser *parser, json_t *value, unsigned *ret_include)
{
    if (!value)
        return;
    if (!json_is_array(value)) {
        report_error(parser->errors, place_field(whole, "include"),
                     "must be an array of \"headers\", \"body\", \"timing\"");
        return;
    }
    *ret_include = 0;
    for (size_t i = 0; i < json_array_size(value) && parser->errors->total < 100; i++) {
        char index[24];
        snprintf(index, sizeof index, "%zu", i);
        json_t *word = json_array_get(value, i);
        struct slice text = slice_make(json_string_value(word), json_string_length(word));
        parse_include_word(parser, text, place_name(whole, "include", slice_from(index)),
                           ret_include);
    }
}

static void take_items(struct parser *parser, struct batch *batch, json_t *array,
                       struct place list, bool is_urls_only)
{
    if (batch->count == 0)
        report_error(parser->errors, list, "at least one request is needed");
    for (size_t i = 0; i < batch->count; i++) {
        struct place place = {.list = list.list, .index = &i};
        json_t *value = json_array_get(array, i);
        if (is_urls_only && !json_is_string(value))
            report_error(
                parser->errors, place,
                "must be a URL; requests with more fields belong in \"requests\"");
        else
            parse_item(parser, &batch->items[i], value, place);
    }
}

static const char *const option_names[] = {
    "urls",     "requests", "defaults", "deadlineMs", "concurrency", "include",
    "coalesce", "until",    "failFast", "onFailure",  "sharedBody",  "sharedBodyEncoding",
};
enum { OPTION_COUNT = sizeof option_names / sizeof *option_names };

static void report_unknown_options(struct parser *parser, json_t *root)
{
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value)
    {
        size_t i = 0;
        while (i < OPTION_COUNT && strcmp(option_names[i], name) != 0)
            i++;
        if (i == OPTION_COUNT)
            report_unknown(parser->errors, whole, name, option_names, OPTION_COUNT);
    }
}

/* Which of the two lists there is; NULL: neither can be read, and reported. */
static json_t *choose_list(struct parser *parser, json_t *root, struct place *ret_list,
                           bool *ret_is_urls)
{
    json_t *urls = json_object_get(root, "urls");
    json_t *requests = json_object_get(root, "requests");
    json_t *list = requests ? requests : urls;
    *ret_is_urls = !requests;
    ret_list->list = requests ? "/requests" : "/urls";
    if (!list) {
        report_error(parser->errors, whole, "\"urls\" or \"requests\" is missing");
        return NULL;
    }
    if (urls && requests)
        report_error(parser->errors, place_field(whole, "urls"),
                     "give either \"urls\" or \"requests\", not both");
    if (!json_is_array(list)) {
        report_error(parser->errors, *ret_list,
                     requests ? "must be an array of requests"
                              : "must be an array of URLs");
        return NULL;
    }
    return list;
}

static struct batch *read_document(struct parser *parser)
{
    json_t *root = parser->document->root;
    struct place place = {.list = ""};
    json_t *list = root;
    bool is_urls = false;
    if (json_is_object(root)) {
        report_unknown_options(parser, root);
        list = choose_list(parser, root, &place, &is_urls);
    }
    struct batch *batch = parse_batch_new(parser, json_array_size(list));
    if (!batch)
        return NULL;
    json_t *defaults = json_object_get(root, "defaults");
    parse_shared_begin(parser, root);
    if (defaults)
        parse_defaults(parser, defaults);
    if (parser->document->defaults)
        parse_defaults(parser, parser->document->defaults);
    take_number(parser, "deadlineMs", json_object_get(root, "deadlineMs"), TIMEOUT_MS_MAX,
                &batch->deadline_ms);
    take_number(parser, "concurrency", json_object_get(root, "concurrency"),
                CONCURRENCY_MAX, &batch->concurrency);
    take_include(parser, json_object_get(root, "include"), &batch->include);
    take_flag(parser, "coalesce", json_object_get(root, "coalesce"), &batch->coalesces);
    parse_wait(parser, batch, root);
    if (list) {
        take_items(parser, batch, list, place, is_urls);
        parse_shared_end(parser);
        parse_finish(parser, batch, place);
    }
    return batch;
}

struct batch *parse_batch(struct slice text, const struct parse_setup *setup,
                          struct parse_errors *errors)
{
    *errors = (struct parse_errors){.refusal = PARSE_INVALID};
    struct parser parser = parser_of(setup, errors);
    item_fields_init(&parser.defaults);
    parse_document_new(&parser, setup->memory);
    struct batch *batch;
    if (setup->defaults.data)
        parser.document->defaults =
            json_loadb(setup->defaults.data, setup->defaults.len, 0, NULL);
    if (!parse_plain_batch(&parser, text, &batch)) {
        parser.document->root = parse_text(&parser, text);
        if (parser.document->root)
            batch = read_document(&parser);
    }
    batch = parse_conclude(&parser, batch);
    body_spans_done(&parser.spans);
    return batch;
}
