/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing by type, one function per shape of value. Called by reload.c. */
#include "config/diff.h"

#include "config/values.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHA256_SIZE = 32 };

static const void *field_of(const void *base, const struct option *option)
{
    return (const char *)base + option->offset;
}

static uint64_t number_of(const void *base, const struct option *option)
{
    return option->type == OPTION_BOOL ? *(const bool *)field_of(base, option)
                                       : *(const uint64_t *)field_of(base, option);
}

static const char *text_of(const void *base, const struct option *option)
{
    const char *text = *(char *const *)field_of(base, option);
    return text ? text : "";
}

/* -------------------------------------------------------------------------- equality */

static bool are_equal(const void *one, const void *other, const struct option *option);

static bool are_equal_strings(const struct config_strings *one,
                              const struct config_strings *other)
{
    bool is_equal = one->count == other->count;
    for (size_t i = 0; is_equal && i < one->count; i++)
        is_equal = strcmp(one->items[i], other->items[i]) == 0;
    return is_equal;
}

/* All lists of entries have the layout of the keys'. */
static const char *entry_of(const struct config_keys *list, size_t index,
                            const struct option *option)
{
    return (const char *)list->items + index * option->entry->size;
}

static bool are_equal_entries(const struct config_keys *one,
                              const struct config_keys *other,
                              const struct option *option)
{
    bool is_equal = one->count == other->count;
    for (size_t i = 0; is_equal && i < one->count; i++) {
        for (size_t field = 0; is_equal && field < option->entry->field_count; field++)
            is_equal = are_equal(entry_of(one, i, option), entry_of(other, i, option),
                                 &option->entry->fields[field]);
    }
    return is_equal;
}

static bool are_equal(const void *one, const void *other, const struct option *option)
{
    switch (option->type) {
    case OPTION_STRINGS:
        return are_equal_strings(field_of(one, option), field_of(other, option));
    case OPTION_ENTRIES:
        return are_equal_entries(field_of(one, option), field_of(other, option), option);
    case OPTION_HASH:
        return memcmp(field_of(one, option), field_of(other, option), SHA256_SIZE) == 0;
    case OPTION_TEXT:
    case OPTION_SECRET:
    case OPTION_FILE:
    case OPTION_SECRET_FILE:
        return strcmp(text_of(one, option), text_of(other, option)) == 0;
    default:
        return number_of(one, option) == number_of(other, option);
    }
}

static bool is_tls_key(const struct option *option)
{
    return option->offset == offsetof(struct config, server.tls_key);
}

static bool differs(const struct config *before, const struct config *after,
                    const struct option *option)
{
    if (is_tls_key(option)) /* wiped once it is used */
        return memcmp(before->server.tls_key_sha256, after->server.tls_key_sha256,
                      SHA256_SIZE) != 0;
    return !are_equal(before, after, option);
}

/* ----------------------------------------------------------------------------- texts */

static void put_strings(struct buffer *out, const struct config_strings *strings)
{
    buffer_append_byte(out, '[');
    for (size_t i = 0; i < strings->count && out->len < DIFF_TEXT_MAX; i++)
        buffer_append_format(out, "%s\"%s\"", i > 0 ? ", " : "", strings->items[i]);
    buffer_append_byte(out, ']');
}

/* The entry's own name, if it has one. */
static const char *name_of(const char *entry, const struct option *option)
{
    const struct option *field = &option->entry->fields[0];
    return field->type == OPTION_TEXT && strcmp(options_name(field), "name") == 0
               ? text_of(entry, field)
               : NULL;
}

static void put_entries(struct buffer *out, const struct config_keys *list,
                        const struct option *option)
{
    buffer_append_format(out, "%zu %s", list->count,
                         list->count == 1 ? "entry" : "entries");
    for (size_t i = 0; i < list->count && out->len < DIFF_TEXT_MAX; i++) {
        const char *name = name_of(entry_of(list, i, option), option);
        if (name)
            buffer_append_format(out, "%s%s", i > 0 ? ", " : ": ", name);
    }
}

static void put_choice(struct buffer *out, const struct option *option, uint64_t index)
{
    const char *words = option->choices;
    struct slice word = slice_from("");
    for (uint64_t i = 0; i <= index; i++) {
        bool is_there = values_next_word(&words, &word);
        assert(is_there);
    }
    buffer_append(out, word.data, word.len);
}

static void put_number(struct buffer *out, const struct option *option, uint64_t value)
{
    char text[VALUES_TEXT_MAX];
    if (option->type == OPTION_DURATION)
        values_format_duration(value, text);
    else if (option->type == OPTION_SIZE)
        values_format_size(value, text);
    else if (option->type == OPTION_BOOL)
        snprintf(text, sizeof text, "%s", value ? "on" : "off");
    else if (option->type == OPTION_WORKERS && value == 0)
        snprintf(text, sizeof text, "auto");
    else
        snprintf(text, sizeof text, "%" PRIu64, value);
    buffer_append_text(out, text);
}

static void put_value(struct buffer *out, const struct config *config,
                      const struct option *option)
{
    switch (option->type) {
    case OPTION_STRINGS:
        put_strings(out, field_of(config, option));
        break;
    case OPTION_ENTRIES:
        put_entries(out, field_of(config, option), option);
        break;
    case OPTION_CHOICE:
        put_choice(out, option, number_of(config, option));
        break;
    case OPTION_TEXT:
        buffer_append_text(out, text_of(config, option));
        break;
    case OPTION_SECRET:
    case OPTION_FILE:
    case OPTION_SECRET_FILE:
    case OPTION_HASH:
        buffer_append_text(out, "(not shown)");
        break;
    default:
        put_number(out, option, number_of(config, option));
        break;
    }
}

/* Cut where a character begins. */
static void write_value(const struct config *config, const struct option *option,
                        char text[DIFF_TEXT_MAX + 4])
{
    struct buffer out;
    buffer_init(&out, 64 * 1024);
    put_value(&out, config, option);
    size_t len = out.len < DIFF_TEXT_MAX ? out.len : DIFF_TEXT_MAX;
    while (len < out.len && len > 0 && ((unsigned char)out.data[len] & 0xc0) == 0x80)
        len--;
    snprintf(text, DIFF_TEXT_MAX + 4, "%.*s%s", (int)len, out.data ? out.data : "",
             len < out.len ? "…" : "");
    buffer_done(&out);
}

size_t config_diff(const struct config *before, const struct config *after,
                   config_change_fn *on_change, void *context)
{
    size_t count = 0;
    for (size_t i = 0; i < options_count; i++) {
        struct config_change change = {.option = &options_table[i]};
        if (!differs(before, after, change.option))
            continue;
        write_value(before, change.option, change.before);
        write_value(after, change.option, change.after);
        on_change(&change, context);
        count++;
    }
    return count;
}

bool config_differs(const struct config *before, const struct config *after,
                    const char *path)
{
    const struct option *option = options_find(path);
    assert(option);
    return differs(before, after, option);
}
