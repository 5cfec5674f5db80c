/* SPDX-License-Identifier: Apache-2.0 */
/* From tree nodes to fields, one function per shape of value (list, number, hash, text;
 * maps are in assign_entries.c). It decides nothing about several options together
 * (check.c does). Called by config.c for every default, every value of the file and every
 * override. */
#include "config/assign.h"

#include "base/memory.h"
#include "config/assign_entries.h"
#include "config/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHA256_SIZE = 32 };

static void *field_of(void *base, const struct option *option)
{
    return (char *)base + option->offset;
}

static void free_strings(struct config_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->items[i]);
    free(strings->items);
    *strings = (struct config_strings){0};
}

void assign_clear(void *base, const struct option *option)
{
    void *field = field_of(base, option);
    switch (option->type) {
    case OPTION_STRINGS:
        free_strings(field);
        break;
    case OPTION_ENTRIES:
        assign_entries_clear(field, option->entry);
        break;
    case OPTION_HASH:
        explicit_bzero(field, SHA256_SIZE);
        break;
    case OPTION_TEXT:
    case OPTION_SECRET:
    case OPTION_FILE:
    case OPTION_SECRET_FILE:
        expand_wipe(*(char **)field);
        *(char **)field = NULL;
        break;
    case OPTION_BOOL:
        *(bool *)field = false;
        break;
    default:
        *(uint64_t *)field = 0;
        break;
    }
}

static void fault(const struct assignment *assignment, const struct tree_node *node,
                  const char *key, const struct error *err)
{
    faults_add(assignment->faults, node->place, key, "%s", err->text);
}

/* What YAML takes for something other than text when it stands without quotes. */
static bool is_null_or_bool(const char *text)
{
    static const char *const words[] = {"~",    "null", "Null",  "NULL",  "true",
                                        "True", "TRUE", "false", "False", "FALSE"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

static const char *name_of_kind(enum tree_kind kind)
{
    return kind == TREE_LIST ? "a list" : "a mapping";
}

/* The expanded text of a scalar, freed by the caller, or NULL after noting the fault. */
static char *read_scalar(const struct assignment *assignment,
                         const struct tree_node *node, const char *key)
{
    if (node->kind != TREE_SCALAR) {
        faults_add(assignment->faults, node->place, key, "needs one value, not %s",
                   name_of_kind(node->kind));
        return NULL;
    }
    if (!node->is_quoted && !*node->text) {
        faults_add(assignment->faults, node->place, key,
                   "no value: write one, or leave the key out");
        return NULL;
    }
    struct error err;
    char *text = expand_environment(node->text, assignment->getenv_fn, &err);
    if (!text)
        fault(assignment, node, key, &err);
    return text;
}

/* Likewise where a text is expected: null and true must be quoted to be texts. */
static char *read_text(const struct assignment *assignment, const struct tree_node *node,
                       const char *key)
{
    if (node->kind == TREE_SCALAR && !node->is_quoted && is_null_or_bool(node->text)) {
        faults_add(assignment->faults, node->place, key,
                   "%s is not a text: put it in quotes if it is meant as one",
                   node->text);
        return NULL;
    }
    return read_scalar(assignment, node, key);
}

static void format_number(const struct option *option, uint64_t value,
                          char text[VALUES_TEXT_MAX])
{
    if (option->type == OPTION_DURATION)
        values_format_duration(value, text);
    else if (option->type == OPTION_SIZE)
        values_format_size(value, text);
    else
        snprintf(text, VALUES_TEXT_MAX, "%" PRIu64, value);
}

static bool is_in_range(const struct option *option, uint64_t value, const char *written,
                        struct error *err)
{
    if (value >= option->min && value <= option->max)
        return true;
    char min[VALUES_TEXT_MAX];
    char max[VALUES_TEXT_MAX];
    format_number(option, option->min, min);
    format_number(option, option->max, max);
    return error_set(err, ERROR_INVALID, "%.60s is out of range: %s to %s", written, min,
                     max);
}

static bool parse_number(const struct option *option, const char *text,
                         uint64_t *ret_value, struct error *err)
{
    struct slice slice = slice_from(text);
    uint64_t value;
    switch (option->type) {
    case OPTION_CHOICE:
        return values_parse_choice(slice, option->choices, ret_value, err);
    case OPTION_WORKERS:
        if (strcmp(text, "auto") == 0) {
            *ret_value = 0;
            return true;
        }
        if (!values_parse_number(slice, &value, NULL))
            return error_set(err, ERROR_INVALID, "\"%.60s\" is neither auto nor a number",
                             text);
        break;
    case OPTION_DURATION:
        if (!values_parse_duration(slice, &value, err))
            return false;
        break;
    case OPTION_RATIO:
        return values_parse_ratio(slice, ret_value, err);
    case OPTION_SIZE:
        if (!values_parse_size(slice, &value, err))
            return false;
        break;
    default:
        if (!values_parse_number(slice, &value, err))
            return false;
        break;
    }
    if (!is_in_range(option, value, text, err))
        return false;
    *ret_value = value;
    return true;
}

static void assign_number(const struct assignment *assignment,
                          const struct option *option, const struct tree_node *node)
{
    char *text = read_scalar(assignment, node, option->path);
    if (!text)
        return;
    struct error err;
    if (option->type == OPTION_NUMBER && node->is_quoted &&
        !expand_has_reference(node->text))
        faults_add(assignment->faults, node->place, option->path,
                   "a number goes without quotes");
    else if (!parse_number(option, text, field_of(assignment->base, option), &err))
        fault(assignment, node, option->path, &err);
    free(text);
}

static void assign_switch(const struct assignment *assignment,
                          const struct option *option, const struct tree_node *node)
{
    char *text = read_scalar(assignment, node, option->path);
    if (!text)
        return;
    struct error err;
    if (!values_parse_switch(slice_from(text), field_of(assignment->base, option), &err))
        fault(assignment, node, option->path, &err);
    free(text);
}

static void warn_of_open_file(const struct assignment *assignment,
                              const struct tree_node *node, const struct option *option)
{
    faults_warn(assignment->faults, node->place, option->path,
                "every user of this machine may read the secret's file: chmod o= it");
}

static void note_file(const struct assignment *assignment, const char *path)
{
    struct config_strings *files = assignment->files;
    if (!files)
        return;
    char **items = memory_new((files->count + 1) * sizeof *items);
    if (files->count > 0)
        memcpy(items, files->items, files->count * sizeof *items);
    free(files->items);
    files->items = items;
    items[files->count++] = memory_copy_text(path);
}

static char *read_secret(const struct assignment *assignment, const char *text,
                         bool *ret_is_open, struct error *err)
{
    if (strncmp(text, "file:", 5) == 0)
        note_file(assignment, text + 5);
    return expand_secret(text, ret_is_open, err);
}

/* What the text stands for: itself, a secret's file, or the content of the file it names.
 */
static char *resolve(const struct assignment *assignment, const struct option *option,
                     const char *text, bool *ret_is_open, struct error *err)
{
    *ret_is_open = false;
    if (option->type == OPTION_SECRET)
        return read_secret(assignment, text, ret_is_open, err);
    if (option->type == OPTION_TEXT || !*text)
        return memory_copy_text(text);
    const char *path = strncmp(text, "file:", 5) == 0 ? text + 5 : text;
    note_file(assignment, path);
    return expand_read_file(path, ret_is_open, err);
}

static void assign_text(const struct assignment *assignment, const struct option *option,
                        const struct tree_node *node)
{
    char *text = read_text(assignment, node, option->path);
    if (!text)
        return;
    struct error err;
    bool is_open;
    char *value = resolve(assignment, option, text, &is_open, &err);
    bool is_file = option->type == OPTION_FILE || option->type == OPTION_SECRET_FILE;
    if (value && !is_file && option->max && strlen(value) > option->max) {
        error_set(&err, ERROR_INVALID, "over %" PRIu64 " bytes", option->max);
        expand_wipe(value);
        value = NULL;
    }
    bool is_checked = option->check && (option->is_required || (value && *value));
    if (value && is_checked && !option->check(value, &err)) {
        if (is_file)
            error_prefix(&err, "%.200s", text);
        expand_wipe(value);
        value = NULL;
    }
    if (!value)
        fault(assignment, node, option->path, &err);
    if (value && is_open && option->type != OPTION_FILE)
        warn_of_open_file(assignment, node, option);
    if (value) {
        assign_clear(assignment->base, option);
        *(char **)field_of(assignment->base, option) = value;
    }
    expand_wipe(text);
}

/* How many entries; 0 and a fault if it is not a list of a fitting length. */
static bool count_entries(const struct assignment *assignment,
                          const struct option *option, const struct tree_node *node,
                          size_t *ret_count)
{
    if (node->kind != TREE_LIST) {
        faults_add(assignment->faults, node->place, option->path,
                   "needs a list: write [...], or a line with \"- \" for each entry");
        return false;
    }
    size_t count = 0;
    for (const struct tree_node *entry = node->first; entry; entry = entry->next)
        count++;
    if (count < option->min)
        faults_add(assignment->faults, node->place, option->path,
                   "needs at least %" PRIu64 " %s", option->min,
                   option->min == 1 ? "entry" : "entries");
    else if (count > option->max)
        faults_add(assignment->faults, node->place, option->path,
                   "has %zu entries, %" PRIu64 " at most", count, option->max);
    *ret_count = count;
    return count >= option->min && count <= option->max;
}

static void assign_strings(const struct assignment *assignment,
                           const struct option *option, const struct tree_node *node)
{
    size_t count;
    if (!count_entries(assignment, option, node, &count))
        return;
    struct config_strings strings = {0};
    if (count)
        strings.items = memory_new(count * sizeof *strings.items);
    for (const struct tree_node *entry = node->first; entry; entry = entry->next) {
        struct error err;
        char *text =
            entry->is_refused ? NULL : read_text(assignment, entry, option->path);
        if (text && option->check && !option->check(text, &err))
            fault(assignment, entry, option->path, &err);
        if (text)
            strings.items[strings.count++] = text;
    }
    /* With a fault noted the load fails anyway; the field may hold what there is. */
    assign_clear(assignment->base, option);
    *(struct config_strings *)field_of(assignment->base, option) = strings;
}

static void assign_hash(const struct assignment *assignment, const struct option *option,
                        const struct tree_node *node)
{
    char *text = read_text(assignment, node, option->path);
    if (!text)
        return;
    struct error err;
    bool is_open = false;
    char *hash = read_secret(assignment, text, &is_open, &err);
    if (!hash ||
        !values_parse_sha256(slice_from(hash), field_of(assignment->base, option), &err))
        fault(assignment, node, option->path, &err);
    if (is_open)
        warn_of_open_file(assignment, node, option);
    expand_wipe(hash);
    expand_wipe(text);
}

static void assign_list(const struct assignment *assignment, const struct option *option,
                        const struct tree_node *node)
{
    size_t count;
    if (count_entries(assignment, option, node, &count))
        assign_entries(assignment, option, node, count);
}

void assign_option(const struct assignment *assignment, const struct option *option,
                   const struct tree_node *node)
{
    if (node->is_refused)
        return;
    switch (option->type) {
    case OPTION_STRINGS:
        assign_strings(assignment, option, node);
        break;
    case OPTION_ENTRIES:
        assign_list(assignment, option, node);
        break;
    case OPTION_HASH:
        assign_hash(assignment, option, node);
        break;
    case OPTION_TEXT:
    case OPTION_SECRET:
    case OPTION_FILE:
    case OPTION_SECRET_FILE:
        assign_text(assignment, option, node);
        break;
    case OPTION_BOOL:
        assign_switch(assignment, option, node);
        break;
    default:
        assign_number(assignment, option, node);
        break;
    }
}
