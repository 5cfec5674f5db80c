/* SPDX-License-Identifier: Apache-2.0 */
/* One reader for every list of maps: which fields an entry has, and which of them it
 * must have, is the table's to say (options_entries.c). It decides nothing about several
 * entries together; check_callers.c does. */
#include "config/assign_entries.h"

#include "base/memory.h"
#include "base/nearest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 8 };

/* The layout of config_keys, config_limits and config_rules. */
struct list {
    void *items;
    size_t count;
};

static void *item_of(const struct list *list, const struct option_entry *entry,
                     size_t index)
{
    return (char *)list->items + index * entry->size;
}

static const struct option *find_field(const struct option_entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->field_count; i++) {
        if (strcmp(options_name(&entry->fields[i]), name) == 0)
            return &entry->fields[i];
    }
    return NULL;
}

static void note_unknown(const struct assignment *assignment, const struct option *option,
                         const struct tree_node *node)
{
    const char *names[FIELDS_MAX];
    assert(option->entry->field_count <= FIELDS_MAX);
    for (size_t i = 0; i < option->entry->field_count; i++)
        names[i] = options_name(&option->entry->fields[i]);
    const char *near =
        nearest_name(slice_from(node->key), names, option->entry->field_count);
    faults_add(assignment->faults, node->key_place, option->path,
               "unknown key \"%s\"%s%s%s", node->key, near ? ": did you mean " : "",
               near ? near : "", near ? "?" : "");
}

/* What a text field holds when nothing was written. */
static void put_empty_texts(void *item, const struct option_entry *entry)
{
    for (size_t i = 0; i < entry->field_count; i++) {
        char **field = (char **)(void *)((char *)item + entry->fields[i].offset);
        if (entry->fields[i].type == OPTION_TEXT && !*field)
            *field = memory_copy_text("");
    }
}

static void read_entry(const struct assignment *assignment, const struct option *option,
                       const struct tree_node *map)
{
    const struct option_entry *entry = option->entry;
    bool has[FIELDS_MAX] = {false};
    if (map->kind != TREE_MAP) {
        faults_add(assignment->faults, map->place, option->path, "an entry is %s",
                   entry->example);
        return;
    }
    for (const struct tree_node *node = map->first; node; node = node->next) {
        const struct option *field = find_field(entry, node->key);
        if (field)
            has[field - entry->fields] = true;
        if (field)
            assign_option(assignment, field, node);
        else if (!node->is_refused)
            note_unknown(assignment, option, node);
    }
    for (size_t i = 0; i < entry->field_count; i++) {
        if (entry->fields[i].is_required && !has[i])
            faults_add(assignment->faults, map->place, option->path, "%s is missing",
                       options_name(&entry->fields[i]));
    }
}

void assign_entries(const struct assignment *assignment, const struct option *option,
                    const struct tree_node *list, size_t count)
{
    struct list entries = {0};
    if (count)
        entries.items = memory_new(count * option->entry->size);
    for (const struct tree_node *map = list->first; map; map = map->next) {
        void *item = item_of(&entries, option->entry, entries.count++);
        struct assignment inner = *assignment;
        inner.base = item;
        memcpy(item, &(struct config_place){map->place.line, map->place.column},
               sizeof(struct config_place));
        if (!map->is_refused)
            read_entry(&inner, option, map);
        put_empty_texts(item, option->entry);
    }
    char *field = (char *)assignment->base + option->offset;
    assign_clear(assignment->base, option);
    memcpy(field, &entries, sizeof entries);
}

void assign_entries_clear(void *field, const struct option_entry *entry)
{
    struct list entries;
    memcpy(&entries, field, sizeof entries);
    for (size_t i = 0; i < entries.count; i++) {
        for (size_t j = 0; j < entry->field_count; j++)
            assign_clear(item_of(&entries, entry, i), &entry->fields[j]);
    }
    free(entries.items);
    entries = (struct list){0};
    memcpy(field, &entries, sizeof entries);
}
