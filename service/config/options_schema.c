/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options as JSON Schema 2020-12, for editors: completion, help and a first
 * check while typing. What the schema accepts may still be refused by the real check
 * (addresses, files, options that contradict each other). Called by the command line. */
#include "config/options.h"
#include "config/values.h"
#include "config/yaml_tree.h"

#include <jansson.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Any value may be a reference to the environment. */
static const char any_reference[] = "\\$\\{";
static const char duration_pattern[] = "^(0|[1-9][0-9]*)(ms|s|m)$|\\$\\{";
static const char size_pattern[] = "^(0|[1-9][0-9]*)(B|KiB|MiB|GiB)$|\\$\\{";
static const char hash_pattern[] = "^[0-9a-fA-F]{64}$|^file:/|\\$\\{";

/* Objects are built of fresh values only, so running out of memory is all that can fail.
 */
static void put(json_t *object, const char *key, json_t *value)
{
    int failure = json_object_set_new(object, key, value);
    assert(failure == 0);
    (void)failure;
}

static json_t *make_text(const char *pattern)
{
    json_t *schema = json_pack("{s:s}", "type", "string");
    if (pattern)
        put(schema, "pattern", json_string(pattern));
    return schema;
}

/* One of two shapes. */
static json_t *make_either(json_t *first, json_t *second)
{
    return json_pack("{s:[o,o]}", "anyOf", first, second);
}

static json_t *make_integer(const struct option *option)
{
    return json_pack("{s:s,s:I,s:I}", "type", "integer", "minimum",
                     (json_int_t)option->min, "maximum", (json_int_t)option->max);
}

static json_t *make_choice(const char *words)
{
    json_t *list = json_array();
    struct slice word;
    while (values_next_word(&words, &word))
        json_array_append_new(list, json_stringn(word.data, word.len));
    return make_either(json_pack("{s:o}", "enum", list), make_text(any_reference));
}

/* Ports are often written without quotes. */
static json_t *make_strings(const struct option *option)
{
    return json_pack("{s:s,s:{s:[s,s]},s:I,s:I}", "type", "array", "items", "type",
                     "string", "integer", "minItems", (json_int_t)option->min, "maxItems",
                     (json_int_t)option->max);
}

static json_t *make_schema(const struct option *option);

static json_t *make_entries(const struct option *option)
{
    const struct option_entry *entry = option->entry;
    json_t *properties = json_object();
    json_t *required = json_array();
    for (size_t i = 0; i < entry->field_count; i++) {
        const char *name = options_name(&entry->fields[i]);
        put(properties, name, make_schema(&entry->fields[i]));
        if (entry->fields[i].is_required)
            json_array_append_new(required, json_string(name));
    }
    json_t *item = json_pack("{s:s,s:o,s:o,s:b}", "type", "object", "properties",
                             properties, "required", required, "additionalProperties", 0);
    return json_pack("{s:s,s:o,s:I}", "type", "array", "items", item, "maxItems",
                     (json_int_t)option->max);
}

static json_t *make_schema(const struct option *option)
{
    switch (option->type) {
    case OPTION_NUMBER:
        return make_either(make_integer(option), make_text(any_reference));
    case OPTION_WORKERS:
        return make_either(make_integer(option), make_text("^auto$|\\$\\{"));
    case OPTION_DURATION:
        return make_text(duration_pattern);
    case OPTION_SIZE:
        return make_text(size_pattern);
    case OPTION_RATIO:
        return make_either(
            json_pack("{s:s,s:i,s:i}", "type", "number", "minimum", 0, "maximum", 1),
            make_text(any_reference));
    case OPTION_BOOL:
        return make_choice("on off");
    case OPTION_CHOICE:
        return make_choice(option->choices);
    case OPTION_STRINGS:
        return make_strings(option);
    case OPTION_ENTRIES:
        return make_entries(option);
    case OPTION_HASH:
        return make_text(hash_pattern);
    case OPTION_TEXT:
    case OPTION_SECRET:
    case OPTION_FILE:
    case OPTION_SECRET_FILE:
        break;
    }
    return make_text(NULL);
}

/* The default as a JSON value: it is written as YAML in the table. */
static json_t *make_default(const struct option *option)
{
    struct faults faults = {.count = 0};
    struct tree_node *node = yaml_tree_parse((struct place){.source = option->path},
                                             slice_from(option->fallback), &faults);
    assert(faults.count == 0);
    json_t *value;
    if (node->kind == TREE_LIST) {
        value = json_array();
        for (const struct tree_node *entry = node->first; entry; entry = entry->next)
            json_array_append_new(value, json_string(entry->text));
    } else if (option->type == OPTION_RATIO) {
        value = json_real(strtod(node->text, NULL));
    } else if (option->type == OPTION_NUMBER) {
        value = json_integer(strtoll(node->text, NULL, 10));
    } else {
        value = json_string(node->text);
    }
    yaml_tree_free(node);
    return value;
}

/* A section as an object; written but empty it is null. */
static json_t *make_section(const char *path)
{
    const struct option_section *section = options_find_section(path);
    json_t *schema = json_pack("{s:[s,s],s:b,s:{}}", "type", "object", "null",
                               "additionalProperties", 0, "properties");
    if (section)
        put(schema, "description", json_string(section->help));
    return schema;
}

/* The "properties" of the section that holds `path`, made where it is missing. */
static json_t *find_properties(json_t *root, const char *path)
{
    json_t *properties = json_object_get(root, "properties");
    char part[128];
    for (const char *at = path, *dot; (dot = strchr(at, '.')); at = dot + 1) {
        size_t len = (size_t)(dot - path);
        assert(len < sizeof part);
        memcpy(part, path, len);
        part[len] = '\0';
        const char *name = part + (at - path);
        if (!json_object_get(properties, name))
            put(properties, name, make_section(part));
        properties = json_object_get(json_object_get(properties, name), "properties");
    }
    return properties;
}

void options_write_schema(struct buffer *out)
{
    json_t *root =
        json_pack("{s:s,s:s,s:s,s:[s,s],s:b,s:{}}", "$schema",
                  "https://json-schema.org/draft/2020-12/schema", "title", "gatherd",
                  "description", "The configuration of gatherd", "type", "object", "null",
                  "additionalProperties", 0, "properties");
    for (size_t i = 0; i < options_count; i++) {
        const struct option *option = &options_table[i];
        json_t *schema = make_schema(option);
        put(schema, "description", json_string(option->help));
        put(schema, "default", make_default(option));
        put(find_properties(root, option->path), strrchr(option->path, '.') + 1, schema);
    }
    char *text = json_dumps(root, JSON_INDENT(2));
    assert(text);
    buffer_append_text(out, text);
    buffer_append_byte(out, '\n');
    free(text);
    json_decref(root);
}
