/* SPDX-License-Identifier: Apache-2.0 */
/* Children of forEach. They point into the value kept of the array, which stays until
 * their parent is done, and share its fields and options. */
#include "batch/for_each.h"

#include "base/clock.h"
#include "base/json_find.h"
#include "base/memory.h"
#include "batch/gather_state.h"
#include "batch/item_run.h"
#include "batch/references.h"
#include "batch/render.h"

#include <stdio.h>
#include <stdlib.h>

enum { ID_SIZE = 8, SHOWN_MAX = 100 };

struct children {
    struct item *items;
    char (*ids)[ID_SIZE];
    size_t count;
    size_t left;
    size_t ok;
    const struct item *first_failed;
    uint64_t bytes;       /* counted in budgets->request_bytes */
    uint64_t reply_bytes; /* of their responses; counted like all of the gather's */
    uint64_t began_us;
    struct buffer members;
};

static const struct for_each *for_each_of(const struct item *item)
{
    const struct references *references =
        item->options ? item->options->references : NULL;
    return references ? references->for_each : NULL;
}

bool for_each_is_asked(const struct item *item)
{
    return !item->parent && for_each_of(item);
}

/* ----------------------------------------------------------------------- opening */

static bool refuse(const struct item *parent, struct buffer *message, const char *fault)
{
    const struct references *references = parent->options->references;
    struct slice text = references->sources[references->for_each->source].reference->text;
    buffer_append_format(message, "{{%.*s}} %s",
                         (int)(text.len < SHOWN_MAX ? text.len : SHOWN_MAX), text.data,
                         fault);
    return false;
}

static size_t most_items(const struct gather *gather)
{
    uint64_t most = gather->setup.config->batch.max_items;
    const struct terms *terms = gather->setup.terms;
    if (terms && terms->max_items > 0 && terms->max_items < most)
        most = terms->max_items;
    return most;
}

/* How many elements there are, if they may be sent. */
static bool count_elements(const struct gather *gather, const struct item *parent,
                           struct slice array, size_t *ret_count, struct buffer *message)
{
    char fault[160];
    const char *cursor = NULL;
    struct slice element;
    size_t count = 0;
    size_t max = for_each_of(parent)->max;
    while (count <= max && json_array_next(array, &cursor, &element))
        count++;
    size_t held = gather->batch->count + gather->child_count;
    size_t most = most_items(gather);
    if (count > max) {
        snprintf(fault, sizeof fault,
                 "has more than %zu elements: nothing was sent; \"max\" allows up to %d",
                 max, FOR_EACH_MAX);
        return refuse(parent, message, fault);
    }
    if (count > 0 && (held > most || count > most - held)) {
        snprintf(fault, sizeof fault,
                 "has %zu elements, with which the batch would be of more than the %zu "
                 "items it may have",
                 count, most);
        return refuse(parent, message, fault);
    }
    *ret_count = count;
    return true;
}

static struct children *children_new(struct gather *gather, size_t count)
{
    uint64_t bytes = count * (sizeof(struct item) + ID_SIZE + sizeof(struct item_extra));
    if (!budget_take(&gather->setup.budgets->request_bytes, bytes))
        return NULL;
    struct children *children = memory_new(sizeof *children);
    children->items = memory_try_array(count, sizeof *children->items);
    children->ids = memory_try_array(count, sizeof *children->ids);
    children->bytes = bytes;
    buffer_init(&children->members, SIZE_MAX / 4);
    return children;
}

static void make_child(struct gather *gather, struct item *parent, size_t index,
                       struct slice element)
{
    struct children *children = parent->extra->children;
    struct item *child = &children->items[index];
    int len = snprintf(children->ids[index], ID_SIZE, "%zu", index);
    *child = *parent;
    child->id = slice_make(children->ids[index], (size_t)len);
    child->parent = parent;
    child->extra = NULL;
    child->is_started = false;
    item_run_prepare(gather, child);
    child->extra->links = item_links_new_child(child, element, index);
    list_push_back(&gather->ready, &child->extra->node);
}

static void finish_parent(struct gather *gather, struct item *parent);

bool for_each_open(struct gather *gather, struct item *parent, struct buffer *message)
{
    const char *fault = NULL;
    const struct template_value *list =
        item_links_value(gather, parent, for_each_of(parent)->source, &fault);
    size_t count = 0;
    if (!list)
        return refuse(parent, message, fault);
    if (list->is_text || list->bytes.data[0] != '[')
        return refuse(parent, message, "is no array");
    if (!count_elements(gather, parent, list->bytes, &count, message))
        return false;
    struct children *children = children_new(gather, count);
    if (!children)
        return refuse(parent, message, "is an array for which there is no memory now");
    parent->extra->children = children;
    if (count > 0 && (!children->items || !children->ids)) {
        for_each_free(gather, parent);
        return refuse(parent, message, "is an array for which there is no memory now");
    }
    children->count = count;
    children->left = count;
    children->began_us = clock_now_us();
    parent->call.queued_us = children->began_us;
    parent->is_started = true;
    gather->child_count += count;
    if (gather->setup.terms)
        rate_charge(&gather->setup.terms->caller->items, gather->setup.loop->now_us,
                    count);
    const char *cursor = NULL;
    struct slice element;
    for (size_t i = 0; json_array_next(list->bytes, &cursor, &element); i++)
        make_child(gather, parent, i, element);
    if (count == 0)
        finish_parent(gather, parent);
    return true;
}

/* ------------------------------------------------------------------------ ending */

/* {"responses":[…],"summary":{…}} of the children as members; their own responses are let
 * go. */
static void join(struct gather *gather, struct children *children)
{
    struct buffer *out = &children->members;
    const struct gather_summary summary = {
        .total = children->count,
        .ok = children->ok,
        .failed = children->count - children->ok,
        .is_complete = children->ok == children->count,
        .elapsed_ms = (double)(clock_now_us() - children->began_us) / 1000,
    };
    buffer_append_text(out, ",\"responses\":[");
    for (size_t i = 0; i < children->count; i++) {
        struct fragment *fragment = &children->items[i].fragment;
        if (i > 0)
            buffer_append_byte(out, ',');
        buffer_append(out, fragment->own, fragment->len);
        free(fragment->own);
        fragment->own = NULL;
    }
    buffer_append_text(out, "],\"summary\":");
    render_summary(out, &summary);
    gather->reply_bytes -= children->reply_bytes;
    budget_give(&gather->setup.budgets->reply_bytes, children->reply_bytes);
    children->reply_bytes = 0;
}

static void finish_parent(struct gather *gather, struct item *parent)
{
    struct children *children = parent->extra->children;
    const struct item *failed = children->first_failed;
    char message[200];
    struct outcome outcome = {
        .code = CALL_OK,
        .status = 200,
        .method = parent->call.method,
        .timing = item_run_timing(parent, clock_now_us()),
    };
    if (failed) {
        bool is_early = gather->is_ending &&
                        (failed->code == CALL_CANCELLED || failed->code == CALL_DEADLINE);
        outcome.code = is_early ? gather->ending_code : CALL_DEPENDENCY_FAILED;
        outcome.status = 0;
        outcome.message = message;
        snprintf(message, sizeof message,
                 "%zu of %zu failed, the first of them \"%s\" (%s)",
                 children->count - children->ok, children->count, failed->id.data,
                 call_code_row(failed->code)->name);
    }
    join(gather, children);
    if (children->members.failed) {
        outcome.code = CALL_TOO_LARGE;
        outcome.message = "there is no memory for the replies together";
        buffer_done(&children->members);
    }
    gather_finish_item(gather, parent, &outcome, gather_ms(gather, children->began_us));
    buffer_done(&children->members);
}

void for_each_child_done(struct gather *gather, struct item *child,
                         const struct outcome *outcome, double start_ms)
{
    struct item *parent = child->parent;
    struct children *children = parent->extra->children;
    uint64_t most = gather->setup.config->batch.reply_max_bytes;
    uint64_t room = gather->reply_bytes < most ? most - gather->reply_bytes : 0;
    struct buffer out;
    buffer_init(&out, 0);
    list_remove(&child->extra->node);
    child->code = gather_render(gather, child, outcome, start_ms, room, &out);
    child->is_done = true;
    gather_tell(gather, child, outcome, start_ms); /* its URL goes with its links */
    item_links_release(gather, child);
    child->fragment.own = buffer_take(&out, &child->fragment.len);
    gather->reply_bytes += child->fragment.len;
    children->reply_bytes += child->fragment.len;
    budget_force(&gather->setup.budgets->reply_bytes, child->fragment.len);
    metrics_add(gather->setup.metrics, METRIC_ITEMS, child->code, 1);
    children->ok += child->code == CALL_OK;
    if (child->code != CALL_OK &&
        (!children->first_failed || child < children->first_failed))
        children->first_failed = child;
    if (--children->left == 0)
        finish_parent(gather, parent);
}

struct slice for_each_members(const struct item *parent)
{
    return buffer_slice(&parent->extra->children->members);
}

struct item *for_each_next_left(const struct item *parent, const struct item *child)
{
    const struct children *children = parent->extra->children;
    size_t i = child ? (size_t)(child - children->items) + 1 : 0;
    while (i < children->count && children->items[i].is_done)
        i++;
    return i < children->count ? &children->items[i] : NULL;
}

void for_each_cancel(struct gather *gather, struct item *parent)
{
    struct item *child = NULL;
    while ((child = for_each_next_left(parent, child))) {
        if (child->is_started)
            item_run_cancel(gather, child, NULL);
    }
}

void for_each_free(struct gather *gather, struct item *parent)
{
    struct children *children = parent->extra->children;
    if (!children)
        return;
    for (size_t i = 0; i < children->count; i++) {
        item_run_forget(&children->items[i]);
        free(children->items[i].fragment.own);
    }
    budget_give(&gather->setup.budgets->request_bytes, children->bytes);
    buffer_done(&children->members);
    free(children->items);
    free(children->ids);
    free(children);
    parent->extra->children = NULL;
}
