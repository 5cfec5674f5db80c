/* SPDX-License-Identifier: Apache-2.0 */
/* Who needs whom: ids to items by a sorted list (no table that a client could fill with
 * colliding keys), the graph, and a number for each different value wanted of an item,
 * so that a thousand items that want the same have it looked for once. Called by
 * parse_references.c. */
#include "batch/parse_references.h"

#include "base/memory.h"
#include "base/nearest.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHOWN_MAX = 100,      /* bytes of a client's text in a sentence */
    GUESSED_AMONG = 1000, /* ids: comparing spellings has its price */
    CYCLE_SHOWN = 6,
};

static int compare_slices(const struct slice *a, const struct slice *b)
{
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return memcmp(a->data, b->data, a->len);
}

static int compare_ids(const void *left, const void *right)
{
    const struct known_id *a = left;
    const struct known_id *b = right;
    return compare_slices(&a->id, &b->id);
}

struct linker *linker_new(struct parser *parser, struct batch *batch, struct place list)
{
    struct linker *linker = memory_new(sizeof *linker);
    linker->parser = parser;
    linker->batch = batch;
    linker->list = list;
    linker->reader.setup.arena = &parser->document->arena;
    linker->ids = memory_try_array(batch->count, sizeof *linker->ids);
    linker->made = memory_try_array(batch->count, sizeof(struct references *));
    if (!linker->ids || !linker->made) {
        parser->is_out_of_memory = true;
        linker_free(linker);
        return NULL;
    }
    for (size_t i = 0; i < batch->count; i++)
        linker->ids[i] = (struct known_id){.id = batch->items[i].id, .item = i};
    qsort(linker->ids, batch->count, sizeof *linker->ids, compare_ids);
    return linker;
}

void linker_free(struct linker *linker)
{
    if (!linker)
        return;
    free(linker->ids);
    free(linker->names);
    free(linker->made);
    free(linker->edges);
    free(linker->uses);
    free(linker);
}

struct place linker_place(const struct linker *linker, const size_t *item)
{
    return (struct place){.list = linker->list.list, .index = item};
}

struct references *linker_references(struct linker *linker, size_t item)
{
    struct references **made = &linker->made[item];
    if (!*made) {
        *made = arena_take(&linker->parser->document->arena, sizeof **made);
        if (*made)
            **made = (struct references){.need_count = 0};
        else
            linker->parser->is_out_of_memory = true;
    }
    return *made;
}

/* Room for one more in a list of the linker. */
static bool make_room(struct linker *linker, void **list, size_t count, size_t *room,
                      size_t size)
{
    if (count < *room)
        return true;
    size_t more = *room ? *room * 2 : 64;
    void *larger = realloc(*list, more * size);
    if (!larger) {
        linker->parser->is_out_of_memory = true;
        return false;
    }
    *list = larger;
    *room = more;
    return true;
}

/* --------------------------------------------------------------------------- ids */

static int shown(struct slice text)
{
    return (int)(text.len < SHOWN_MAX ? text.len : SHOWN_MAX);
}

/* The id that was meant; NULL: none is near. */
static const char *guess(struct linker *linker, struct slice id)
{
    size_t count = linker->batch->count;
    if (count > GUESSED_AMONG || linker->parser->errors->count == PARSE_ERRORS_MAX)
        return NULL;
    if (!linker->names)
        linker->names = memory_try_array(count, sizeof(const char *));
    for (size_t i = 0; linker->names && i < count; i++)
        linker->names[i] = linker->ids[i].id.data; /* a NUL stands behind each */
    return linker->names ? nearest_name(id, linker->names, count) : NULL;
}

static const struct known_id *find_id(const struct linker *linker, struct slice id)
{
    const struct known_id key = {.id = id};
    return bsearch(&key, linker->ids, linker->batch->count, sizeof *linker->ids,
                   compare_ids);
}

bool linker_has_id(const struct linker *linker, struct slice id)
{
    return find_id(linker, id) != NULL;
}

/* The item called `id`; the count of items: none is, or it is `item` itself, and it is
 * reported. `before` and `behind` stand around the id. */
static size_t find_item(struct linker *linker, size_t item, struct slice id,
                        struct place place)
{
    size_t count = linker->batch->count;
    const struct known_id *found = find_id(linker, id);
    if (!found) {
        const char *meant = guess(linker, id);
        report_error(linker->parser->errors, place,
                     "no request has the id \"%.*s\"%s%s%s", shown(id), id.data,
                     meant ? "; did you mean \"" : "", meant ? meant : "",
                     meant ? "\"?" : "");
        return count;
    }
    if (found->item != item)
        return found->item;
    report_error(linker->parser->errors, place, "a request cannot wait for itself");
    return count;
}

static size_t add_edge(struct linker *linker, size_t item, struct slice id,
                       struct place place)
{
    size_t needs = find_item(linker, item, id, place);
    if (needs == linker->batch->count ||
        !make_room(linker, (void **)&linker->edges, linker->edge_count,
                   &linker->edge_room, sizeof *linker->edges))
        return needs;
    linker->edges[linker->edge_count++] =
        (struct dependency){.item = item, .needs = needs};
    return needs;
}

void linker_add_id(struct linker *linker, size_t item, struct slice id,
                   struct place place)
{
    add_edge(linker, item, id, place);
}

void linker_add_reference(struct linker *linker, size_t item, size_t number,
                          struct place place)
{
    const struct reference *reference = &linker->reader.list[number];
    if (reference_is_own(reference))
        linker->sources[number] = item;
    else
        linker->sources[number] = add_edge(linker, item, reference->id, place);
}

static bool add_use(struct linker *linker, struct use use)
{
    if (!make_room(linker, (void **)&linker->uses, linker->use_count, &linker->use_room,
                   sizeof *linker->uses))
        return false;
    linker->uses[linker->use_count++] = use;
    return true;
}

void linker_keep_sources(struct linker *linker, size_t item)
{
    struct references *made = linker->made[item];
    size_t count = linker->reader.count;
    struct arena *arena = &linker->parser->document->arena;
    if (count == 0)
        return;
    struct reference_source *sources = arena_take(arena, count * sizeof *sources);
    struct reference *references = arena_take(arena, count * sizeof *references);
    if (!sources || !references) {
        linker->parser->is_out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        references[i] = linker->reader.list[i];
        sources[i] = (struct reference_source){
            .reference = &references[i],
            .item = linker->sources[i],
            .is_own = reference_is_own(&references[i]),
        };
        if (sources[i].is_own)
            continue;
        struct use use = {.source = linker->sources[i],
                          .user = item,
                          .as = &sources[i],
                          .reference = &references[i]};
        if (!add_use(linker, use))
            return;
    }
    made->sources = sources;
    made->source_count = count;
}

/* ------------------------------------------------------------------------- graph */

static void append_id(const struct linker *linker, struct buffer *out, size_t item)
{
    struct slice id = linker->batch->items[item].id;
    buffer_append_format(out, "\"%.*s\"", shown(id), id.data);
}

static void report_cycle(struct linker *linker, const size_t *cycle, size_t count)
{
    struct buffer out;
    buffer_init(&out, 2000);
    for (size_t i = 0; i < count && i < CYCLE_SHOWN; i++) {
        append_id(linker, &out, cycle[i]);
        buffer_append_text(&out, " needs ");
    }
    if (count > CYCLE_SHOWN)
        buffer_append_text(&out, "… needs ");
    append_id(linker, &out, cycle[0]);
    const char *text = buffer_text(&out);
    report_error(linker->parser->errors, linker_place(linker, &cycle[0]),
                 "waits for itself: %s", text ? text : "");
    buffer_done(&out);
}

static void check_graph(struct linker *linker, const struct dependencies *graph)
{
    size_t *cycle = NULL;
    size_t count = 0;
    for (size_t i = 0; i < graph->item_count; i++) {
        if (graph->needs_at[i + 1] - graph->needs_at[i] > DEPENDENCIES_MAX)
            report_error(linker->parser->errors, linker_place(linker, &i),
                         "waits for more than %d other requests", DEPENDENCIES_MAX);
    }
    if (!dependencies_find_cycle(graph, &cycle, &count))
        linker->parser->is_out_of_memory = true;
    else if (count > 0)
        report_cycle(linker, cycle, count);
    free(cycle);
}

/* A copy in the batch's memory; NULL: there is none. */
static const size_t *keep(struct linker *linker, const size_t *list, size_t count)
{
    size_t *copy =
        arena_take(&linker->parser->document->arena, (count + 1) * sizeof *copy);
    if (!copy)
        linker->parser->is_out_of_memory = true;
    else if (count)
        memcpy(copy, list, count * sizeof *copy);
    return copy;
}

static void give_graph(struct linker *linker, const struct dependencies *graph)
{
    const size_t *needs = keep(linker, graph->needs, graph->edge_count);
    const size_t *users = keep(linker, graph->users, graph->edge_count);
    for (size_t i = 0; needs && users && i < graph->item_count; i++) {
        size_t need_count = graph->needs_at[i + 1] - graph->needs_at[i];
        size_t user_count = graph->users_at[i + 1] - graph->users_at[i];
        struct references *made =
            need_count || user_count ? linker_references(linker, i) : NULL;
        if (!made)
            continue;
        made->needs = needs + graph->needs_at[i];
        made->need_count = need_count;
        made->users = users + graph->users_at[i];
        made->user_count = user_count;
    }
}

/* ------------------------------------------------------------------------ values */

static int compare_uses(const void *left, const void *right)
{
    const struct use *a = left;
    const struct use *b = right;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    int order = compare_slices(&a->reference->text, &b->reference->text);
    if (order != 0 || a->user == b->user)
        return order;
    return a->user < b->user ? -1 : 1;
}

static bool is_same_value(const struct use *a, const struct use *b)
{
    return a->source == b->source && slice_equal(a->reference->text, b->reference->text);
}

/* The uses of one item's values, `count` of them from `uses` on. */
static void give_values(struct linker *linker, const struct use *uses, size_t count)
{
    struct references *made = linker_references(linker, uses[0].source);
    const struct reference **wanted =
        arena_take(&linker->parser->document->arena, WANTED_MAX * sizeof(*wanted));
    size_t wanted_count = 0;
    if (!made || !wanted) {
        linker->parser->is_out_of_memory = true;
        return;
    }
    if (made->for_each) {
        struct slice text = uses[0].reference->text;
        report_error(linker->parser->errors, linker_place(linker, &uses[0].user),
                     "{{%.*s}} is of a forEach, which has no reply of its own; only "
                     "dependsOn may name it",
                     shown(text), text.data);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !is_same_value(&uses[i - 1], &uses[i])) {
            if (wanted_count == WANTED_MAX) {
                report_error(linker->parser->errors, linker_place(linker, &uses[i].user),
                             "{{%.*s}} is one too many: at most %d different values of "
                             "one reply can be taken",
                             shown(uses[i].reference->text), uses[i].reference->text.data,
                             WANTED_MAX);
                return;
            }
            wanted[wanted_count++] = uses[i].reference;
        }
        uses[i].as->wanted = wanted_count - 1;
    }
    made->wanted = wanted;
    made->wanted_count = wanted_count;
}

static void give_all_values(struct linker *linker)
{
    struct use *uses = linker->uses;
    if (linker->use_count == 0)
        return;
    qsort(uses, linker->use_count, sizeof *uses, compare_uses);
    for (size_t i = 0; i < linker->use_count && !linker->parser->is_out_of_memory;) {
        size_t behind = i + 1;
        while (behind < linker->use_count && uses[behind].source == uses[i].source)
            behind++;
        give_values(linker, uses + i, behind - i);
        i = behind;
    }
}

/* An item's options are its own from here on: they may have been the defaults'. */
static void give_options(struct linker *linker)
{
    for (size_t i = 0; i < linker->batch->count; i++) {
        struct item *item = &linker->batch->items[i];
        if (!linker->made[i])
            continue;
        struct item_options *options =
            arena_take(&linker->parser->document->arena, sizeof *options);
        if (!options) {
            linker->parser->is_out_of_memory = true;
            return;
        }
        if (item->options)
            *options = *item->options;
        else
            item_options_init(options);
        options->references = linker->made[i];
        item->options = options;
    }
}

void linker_finish(struct linker *linker)
{
    struct dependencies graph;
    if (linker->parser->errors->total > 0)
        return; /* ids that were not found have no edges */
    if (!dependencies_make(&graph, linker->batch->count, linker->edges,
                           linker->edge_count)) {
        linker->parser->is_out_of_memory = true;
        return;
    }
    check_graph(linker, &graph);
    give_graph(linker, &graph);
    give_all_values(linker);
    give_options(linker);
    dependencies_done(&graph);
}
