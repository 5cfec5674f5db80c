/* SPDX-License-Identifier: Apache-2.0 */
/* The batches that most are, read without a tree: only URLs, of plain ASCII.
 *
 *     [ "URL", {"url": "URL"}, … ]
 *     {"requests": [ the same ]}
 *     {"urls": [ "URL", … ]}
 *
 * A tree of them is a tenth of all instructions of an item, and holds a loop up for 10 ms
 * at 10,000 items. Takes nothing that the JSON library would refuse: at the first byte
 * that is anything else, right or wrong, the whole text is left to it. Called by
 * parse_batch. */
#include "batch/parse_plain.h"

#include "base/json_text.h"
#include "batch/parse_internal.h"

#include <assert.h>
#include <string.h>

struct plain {
    const char *at;
    const char *end;
    const char *list; /* where the items stand */
    bool is_member;   /* of an object, which has no other */
    bool takes_objects;
};

static char peek(struct plain *plain)
{
    while (plain->at < plain->end && (*plain->at == ' ' || *plain->at == '\n' ||
                                      *plain->at == '\r' || *plain->at == '\t'))
        plain->at++;
    return plain->at < plain->end ? *plain->at : '\0';
}

static bool take_byte(struct plain *plain, char byte)
{
    if (peek(plain) != byte)
        return false;
    plain->at++;
    return true;
}

/* A string that is what stands between its quotes. */
static bool take_text(struct plain *plain, struct slice *ret_text)
{
    if (!take_byte(plain, '"'))
        return false;
    const char *start = plain->at;
    plain->at = json_text_plain_run(start, plain->end);
    *ret_text = slice_make(start, (size_t)(plain->at - start));
    return plain->at < plain->end && *plain->at++ == '"';
}

static bool take_element(struct plain *plain, struct slice *ret_url)
{
    struct slice name;
    if (peek(plain) != '{')
        return take_text(plain, ret_url);
    plain->at++;
    return plain->takes_objects && take_text(plain, &name) && slice_is(name, "url") &&
           take_byte(plain, ':') && take_text(plain, ret_url) && take_byte(plain, '}');
}

/* Up to the first element. */
static bool begin(struct plain *plain, struct slice text)
{
    struct slice name;
    *plain = (struct plain){
        .at = text.data, .end = text.data + text.len, .list = "", .takes_objects = true};
    if (take_byte(plain, '{')) {
        plain->is_member = true;
        if (!take_text(plain, &name) || !take_byte(plain, ':'))
            return false;
        plain->takes_objects = slice_is(name, "requests");
        plain->list = plain->takes_objects ? "/requests" : "/urls";
        if (!plain->takes_objects && !slice_is(name, "urls"))
            return false;
    }
    return take_byte(plain, '[');
}

/* How many items there are; 0: it is no plain batch, or too large a one. */
static size_t count_items(struct slice text, uint64_t most)
{
    struct plain plain;
    struct slice url;
    size_t count = 0;
    if (!begin(&plain, text))
        return 0;
    do {
        if (count == most || !take_element(&plain, &url))
            return 0;
        count++;
    } while (take_byte(&plain, ','));
    if (!take_byte(&plain, ']') || (plain.is_member && !take_byte(&plain, '}')))
        return 0;
    peek(&plain);
    return plain.at == plain.end ? count : 0;
}

bool parse_plain_batch(struct parser *parser, struct slice text, struct batch **ret_batch)
{
    struct plain plain;
    struct slice url;
    size_t count = text.len ? count_items(text, parser->max_items) : 0;
    *ret_batch = NULL;
    if (count == 0)
        return false;
    char *copy = arena_take(&parser->document->arena, text.len);
    if (!copy) {
        parser->is_out_of_memory = true;
        return true;
    }
    memcpy(copy, text.data, text.len);
    struct batch *batch = parse_batch_new(parser, count);
    if (!batch)
        return true;
    if (parser->document->defaults)
        parse_defaults(parser, parser->document->defaults);
    bool is_plain = begin(&plain, slice_make(copy, text.len));
    for (size_t i = 0; i < count; i++) {
        is_plain = is_plain && take_element(&plain, &url);
        assert(is_plain);
        copy[url.data + url.len - copy] = '\0';
        struct place place = {.list = plain.list, .index = &i};
        parse_plain_item(parser, &batch->items[i], url, place);
        take_byte(&plain, ',');
    }
    parse_finish(parser, batch, (struct place){.list = plain.list});
    *ret_batch = batch;
    return true;
}
