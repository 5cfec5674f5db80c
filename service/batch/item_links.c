/* SPDX-License-Identifier: Apache-2.0 */
/* See item_links.h. An item that others wait for tells them when it is done; an item that
 * failed dooms those that wait for it, unless it is optional and they want no value of
 * it. */
#include "batch/item_links.h"

#include "base/memory.h"
#include "batch/extract.h"
#include "batch/gather_state.h"
#include "batch/references.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    URL_BYTES_MAX = 64 << 10,
    HEADER_BYTES_MAX = 32 << 10, /* values of one item, as those given */
    SHOWN_MAX = 100,             /* bytes of a client's text in a sentence */
    BODY_BYTES_LEAST = 1 << 20,
};

struct kept_value {
    struct template_value value; /* its bytes are for free() */
    const char *fault;           /* why there is none */
};

struct item_links {
    const struct references *references;
    /* What it gives: */
    struct kept_value *values; /* by number of what is wanted; NULL: not (any more) */
    size_t users_left;
    /* What it needs: */
    const struct item *culprit; /* the item whose failure doomed it */
    bool is_expanded;
    struct buffer url;
    struct buffer header_text;
    struct call_header *headers;
    struct buffer body;
    uint64_t bytes; /* counted in budgets->request_bytes */
    /* Of a child: */
    struct slice element; /* JSON */
    char index[8];        /* its place, in digits */
};

static struct item_links *links_of(const struct item *item)
{
    return item->extra ? item->extra->links : NULL;
}

struct item_links *item_links_new(struct item *item)
{
    struct item_links *links = memory_new(sizeof *links);
    const struct references *references = item->options->references;
    links->references = references;
    links->users_left = references->user_count;
    item->extra->waits_for = references->need_count;
    return links;
}

struct item_links *item_links_new_child(const struct item *child, struct slice element,
                                        size_t index)
{
    struct item_links *links = memory_new(sizeof *links);
    links->references = child->options->references;
    links->element = element;
    snprintf(links->index, sizeof links->index, "%zu", index);
    return links;
}

/* ------------------------------------------------------------------------ values */

static void drop_values(struct gather *gather, struct item_links *links)
{
    for (size_t i = 0; links->values && i < links->references->wanted_count; i++) {
        struct slice bytes = links->values[i].value.bytes;
        gather->value_bytes -= bytes.len;
        budget_give(&gather->setup.budgets->reply_bytes, bytes.len);
        free((char *)(uintptr_t)bytes.data);
    }
    free(links->values);
    links->values = NULL;
}

/* A copy that the gather pays for; NULL: there is no room. */
static char *keep_bytes(struct gather *gather, struct slice bytes)
{
    struct budget *budget = &gather->setup.budgets->reply_bytes;
    uint64_t most = gather->setup.config->batch.reply_max_bytes;
    if (gather->value_bytes + bytes.len > most || !budget_take(budget, bytes.len))
        return NULL;
    char *copy = malloc(bytes.len + 1);
    if (!copy) {
        budget_give(budget, bytes.len);
        return NULL;
    }
    if (bytes.len)
        memcpy(copy, bytes.data, bytes.len);
    gather->value_bytes += bytes.len;
    return copy;
}

static void keep_values(struct gather *gather, struct item_links *links,
                        const struct outcome *outcome)
{
    const struct references *references = links->references;
    struct extraction extraction = {.outcome = outcome};
    links->values = memory_new(references->wanted_count * sizeof *links->values);
    for (size_t i = 0; i < references->wanted_count; i++) {
        struct kept_value *kept = &links->values[i];
        struct template_value value;
        if (!extract_value(&extraction, references->wanted[i], &value, &kept->fault))
            continue;
        char *copy = keep_bytes(gather, value.bytes);
        if (!copy) {
            kept->fault = "does not fit into the memory there is for it";
            continue;
        }
        kept->value.is_text = value.is_text;
        kept->value.bytes = slice_make(copy, value.bytes.len);
    }
}

/* ----------------------------------------------------------------------- telling */

static bool wants_value_of(const struct item_links *user, size_t item)
{
    const struct references *references = user->references;
    for (size_t i = 0; i < references->source_count; i++) {
        if (references->sources[i].item == item)
            return true;
    }
    return false;
}

static void tell(struct gather *gather, struct item *user, struct item *done)
{
    struct item_links *links = links_of(user);
    bool is_optional = done->options->is_optional == 1;
    if (user->is_done || links->culprit)
        return;
    if (done->code != CALL_OK &&
        (!is_optional || wants_value_of(links, (size_t)(done - gather->batch->items)))) {
        links->culprit = done;
        list_push_back(&gather->doomed, &user->extra->node);
    } else if (--user->extra->waits_for == 0) {
        list_push_back(&gather->ready, &user->extra->node);
    }
}

void item_links_note(struct gather *gather, struct item *item,
                     const struct outcome *outcome)
{
    struct item_links *links = links_of(item);
    const struct references *references = links->references;
    list_remove(&item->extra->node);
    for (size_t i = 0; i < references->need_count; i++) {
        struct item_links *source = links_of(&gather->batch->items[references->needs[i]]);
        if (--source->users_left == 0)
            drop_values(gather, source);
    }
    if (gather->is_ending)
        return;
    if (item->code == CALL_OK && references->wanted_count > 0 && links->users_left > 0)
        keep_values(gather, links, outcome);
    for (size_t i = 0; i < references->user_count; i++)
        tell(gather, &gather->batch->items[references->users[i]], item);
}

static int shown(struct slice text)
{
    return (int)(text.len < SHOWN_MAX ? text.len : SHOWN_MAX);
}

void item_links_explain(const struct item *item, struct buffer *message)
{
    const struct item_links *links = links_of(item);
    const struct item *culprit = links->culprit;
    const struct references *references = links->references;
    for (size_t i = 0; i < references->source_count; i++) {
        const struct reference_source *source = &references->sources[i];
        if (source->item != (size_t)(culprit - culprit->gather->batch->items))
            continue;
        struct slice text = source->reference->text;
        buffer_append_format(message, "{{%.*s}}: ", shown(text), text.data);
        break;
    }
    buffer_append_format(message, "request \"%.*s\" failed (%s)", shown(culprit->id),
                         culprit->id.data, call_code_row(culprit->code)->name);
}

/* --------------------------------------------------------------------- expanding */

static void release_expanded(struct gather *gather, struct item_links *links)
{
    buffer_done(&links->url);
    buffer_done(&links->header_text);
    buffer_done(&links->body);
    free(links->headers);
    links->headers = NULL;
    budget_give(&gather->setup.budgets->request_bytes, links->bytes);
    links->bytes = 0;
}

void item_links_release(struct gather *gather, struct item *item)
{
    release_expanded(gather, links_of(item));
}

void item_links_free(struct gather *gather, struct item_links *links)
{
    if (!links)
        return;
    drop_values(gather, links);
    release_expanded(gather, links);
    free(links);
}

/* What has been found for the references of an item, and where it goes. */
struct filler {
    struct gather *gather;
    struct item *item;
    struct item_links *links;
    struct buffer *message;
    struct template_value values[REFERENCES_MAX];
    struct expansion expansion;
};

static bool refuse(struct filler *filler, int reference, const char *place,
                   const char *fault)
{
    if (reference >= 0) {
        struct slice text = filler->links->references->sources[reference].reference->text;
        buffer_append_format(filler->message, "{{%.*s}} ", shown(text), text.data);
    } else {
        buffer_append_format(filler->message, "%s: ", place);
    }
    buffer_append_text(filler->message, fault);
    return false;
}

static bool refuse_expansion(struct filler *filler, const char *place)
{
    const struct expansion *expansion = &filler->expansion;
    if (expansion->fault)
        return refuse(filler, expansion->reference, place, expansion->fault);
    return refuse(filler, -1, place, "it would be too large with its values in it");
}

const struct template_value *item_links_value(struct gather *gather,
                                              const struct item *item, int number,
                                              const char **ret_fault)
{
    const struct reference_source *source = &links_of(item)->references->sources[number];
    const struct item_links *from = links_of(&gather->batch->items[source->item]);
    const struct kept_value *kept = &from->values[source->wanted];
    *ret_fault = kept->fault;
    gather->filled_bytes += kept->value.bytes.len;
    return kept->fault ? NULL : &kept->value;
}

/* A value of the item's own forEach. */
static bool find_own_value(const struct item_links *links,
                           const struct reference *reference,
                           struct template_value *ret_value, const char **ret_fault)
{
    struct slice value = slice_from(links->index);
    *ret_fault = "is not in the element";
    if (reference->kind == REFERENCE_ELEMENT &&
        !json_find(links->element, reference->steps, reference->step_count, &value))
        return false;
    *ret_value = (struct template_value){.bytes = value};
    return true;
}

static bool find_values(struct filler *filler)
{
    const struct references *references = filler->links->references;
    for (size_t i = 0; i < references->source_count; i++) {
        const struct reference_source *source = &references->sources[i];
        const char *fault = NULL;
        if (source->is_own) {
            if (!find_own_value(filler->links, source->reference, &filler->values[i],
                                &fault))
                return refuse(filler, (int)i, "", fault);
            continue;
        }
        const struct template_value *value =
            item_links_value(filler->gather, filler->item, (int)i, &fault);
        if (!value)
            return refuse(filler, (int)i, "", fault);
        filler->values[i] = *value;
    }
    return true;
}

static bool fill_url(struct filler *filler)
{
    struct item_links *links = filler->links;
    buffer_init(&links->url, URL_BYTES_MAX);
    if (!expand_url(&filler->expansion, links->references->url, &links->url))
        return refuse_expansion(filler, "url");
    const char *text = buffer_text(&links->url);
    if (!text)
        return refuse_expansion(filler, "url");
    filler->item->call.url = slice_make(text, links->url.len);
    return true;
}

/* Is the line of JSON's content-type still to come, behind the last? */
static bool may_declare_json(const struct references *references)
{
    return references->may_declare_json && references->body &&
           references->body->kind == BODY_TEMPLATE_WHOLE;
}

/* The text moves while it grows, so the values are pointed at when all are there. */
static bool fill_headers(struct filler *filler)
{
    struct item_links *links = filler->links;
    const struct references *references = links->references;
    size_t count = filler->item->header_count;
    links->headers = memory_try_array(count + 1, sizeof *links->headers);
    if (!links->headers)
        return refuse_expansion(filler, "headers");
    memcpy(links->headers, filler->item->headers,
           (count + may_declare_json(references)) * sizeof *links->headers);
    buffer_init(&links->header_text, HEADER_BYTES_MAX);
    for (size_t i = 0; i < references->header_count; i++) {
        const struct header_template *header = &references->headers[i];
        struct slice *value = &links->headers[header->line].value;
        size_t start = links->header_text.len;
        if (!expand_header(&filler->expansion, &header->value, &links->header_text))
            return refuse_expansion(filler, "headers");
        *value = slice_make(NULL, links->header_text.len - start);
    }
    const char *at = links->header_text.data;
    for (size_t i = 0; i < references->header_count; i++) {
        struct slice *value = &links->headers[references->headers[i].line].value;
        value->data = at;
        at += value->len;
    }
    filler->item->call.headers = links->headers;
    return true;
}

static bool fill_body(struct filler *filler)
{
    struct item_links *links = filler->links;
    const struct references *references = links->references;
    uint64_t most = filler->gather->setup.config->server.request_max_bytes;
    bool is_json;
    buffer_init(&links->body, most > BODY_BYTES_LEAST ? most : BODY_BYTES_LEAST);
    if (!expand_body(&filler->expansion, references->body, &links->body, &is_json))
        return refuse_expansion(filler, "body");
    filler->item->call.body = buffer_slice(&links->body);
    if (is_json && may_declare_json(references))
        filler->item->call.header_count = filler->item->header_count + 1;
    return true;
}

static bool fill(struct filler *filler)
{
    struct item_links *links = filler->links;
    const struct references *references = links->references;
    if ((references->url && !fill_url(filler)) ||
        (references->header_count > 0 && !fill_headers(filler)) ||
        (references->body && !fill_body(filler)))
        return false;
    uint64_t bytes = links->url.cap + links->header_text.cap + links->body.cap;
    if (!budget_take(&filler->gather->setup.budgets->request_bytes, bytes))
        return refuse(filler, -1, "values", "there is no memory for them now");
    links->bytes = bytes;
    return true;
}

bool item_links_expand(struct gather *gather, struct item *item, struct buffer *message)
{
    struct item_links *links = links_of(item);
    const struct references *references = links ? links->references : NULL;
    if (!links || links->is_expanded ||
        (!references->url && references->header_count == 0 && !references->body))
        return true;
    struct filler filler = {
        .gather = gather, .item = item, .links = links, .message = message};
    filler.expansion.values = filler.values;
    filler.expansion.reference = -1;
    buffer_init(&filler.expansion.scratch, EXTRACT_VALUE_MAX);
    links->is_expanded = find_values(&filler) && fill(&filler);
    gather->filled_bytes += links->url.len + links->header_text.len + links->body.len;
    buffer_done(&filler.expansion.scratch);
    if (!links->is_expanded)
        release_expanded(gather, links);
    return links->is_expanded;
}
