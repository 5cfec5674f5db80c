/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's events into a tree with places. The only file that includes yaml.h.
 *
 * libyaml itself would pass duplicate keys, recursive and undefined aliases, and spends
 * seconds on 50 kB of "[": so the ceilings are checked here at every event, before it is
 * asked for more. Its guesses about types are never used. Called by config.c. */
#include "config/yaml_tree.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <yaml.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 160 };

struct builder {
    yaml_parser_t parser;
    struct place start;
    struct slice text;
    struct faults *faults;
    struct tree_node *root;                      /* NULL until its event came */
    struct tree_node *open[YAML_TREE_DEPTH_MAX]; /* lists and maps not yet ended */
    size_t depth;
    char *key; /* of the map on top: read, its value is still to come */
    struct place key_place;
    bool is_duplicate;
    size_t event_count;
    size_t document_count;
};

void yaml_tree_free(struct tree_node *root)
{
    if (!root)
        return;
    /* Depth is bounded, so this recursion is too. */
    for (struct tree_node *entry = root->first; entry;) {
        struct tree_node *next = entry->next;
        yaml_tree_free(entry);
        entry = next;
    }
    free(root->key);
    free(root->text);
    free(root);
}

static struct place place_at(const struct builder *builder, yaml_mark_t mark)
{
    struct place place = builder->start;
    if (place.line == 0)
        return place;
    place.line += mark.line;
    place.column = mark.line ? mark.column + 1 : place.column + mark.column;
    return place;
}

/* The place of a byte, columns counted in characters as libyaml does. */
static struct place place_of_offset(const struct builder *builder, size_t offset)
{
    struct place place = builder->start;
    for (size_t i = 0; place.line && i < offset && i < builder->text.len; i++) {
        unsigned char byte = (unsigned char)builder->text.data[i];
        if (byte == '\n') {
            place.line++;
            place.column = 1;
        } else if ((byte & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

/* libyaml gives no place for these. False after a fault. */
static bool vet_bytes(struct builder *builder)
{
    struct slice text = builder->text;
    struct place whole = {.source = builder->start.source};
    if (text.len > YAML_TREE_BYTES_MAX) {
        faults_add(builder->faults, whole, "", "over %d KiB: not a configuration",
                   YAML_TREE_BYTES_MAX / 1024);
        return false;
    }
    for (size_t at = 0; at < text.len;) {
        size_t len = utf8_sequence(text.data + at, text.len - at);
        if (len == 0 || text.data[at] == '\0') {
            faults_add(builder->faults, place_of_offset(builder, at), "",
                       len ? "a NUL byte: not a text file" : "not UTF-8");
            return false;
        }
        at += len;
    }
    return true;
}

static struct tree_node *find_key(const struct tree_node *map, const char *key)
{
    for (struct tree_node *entry = map->first; entry; entry = entry->next) {
        if (strcmp(entry->key, key) == 0)
            return entry;
    }
    return NULL;
}

/* "fetch.timeout": `key` behind the keys of the maps it is in; cut if it is too long. */
static const char *path_of(const struct builder *builder, const char *key,
                           char path[PATH_SIZE])
{
    size_t len = 0;
    path[0] = '\0';
    for (size_t i = 0; i <= builder->depth; i++) {
        const char *part = i < builder->depth ? builder->open[i]->key : key;
        if (!part || len >= PATH_SIZE)
            continue;
        len += (size_t)snprintf(path + len, PATH_SIZE - len, "%s%.60s", len ? "." : "",
                                part);
    }
    return path;
}

static struct tree_node *top(const struct builder *builder)
{
    return builder->depth ? builder->open[builder->depth - 1] : NULL;
}

static bool expects_key(const struct builder *builder)
{
    return top(builder) && top(builder)->kind == TREE_MAP && !builder->key;
}

/* A new node where the parser stands: in the list or map on top, or as the root. */
static struct tree_node *attach(struct builder *builder, enum tree_kind kind,
                                const yaml_event_t *event)
{
    struct tree_node *node = memory_new(sizeof *node);
    struct tree_node *parent = top(builder);
    node->kind = kind;
    node->place = place_at(builder, event->start_mark);
    if (!parent) {
        builder->root = node;
        return node;
    }
    if (parent->kind == TREE_MAP) {
        node->key = builder->key;
        node->key_place = builder->key_place;
        node->is_refused = builder->is_duplicate;
        builder->key = NULL;
    }
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    return node;
}

static void refuse(struct builder *builder, struct tree_node *node, const char *what)
{
    char path[PATH_SIZE];
    faults_add(builder->faults, node->place, path_of(builder, node->key, path), "%s",
               what);
    node->is_refused = true;
}

static void refuse_marks(struct builder *builder, struct tree_node *node,
                         const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        refuse(builder, node, "anchors (&) and aliases (*) are not taken: write it out");
    if (tag)
        refuse(builder, node, "tags (!) are not taken: types come from the option");
}

static void take_key(struct builder *builder, const yaml_event_t *event)
{
    const char *key = (const char *)event->data.scalar.value;
    builder->key = memory_copy_text(key);
    builder->key_place = place_at(builder, event->start_mark);
    const struct tree_node *earlier = find_key(top(builder), key);
    char path[PATH_SIZE];
    path_of(builder, key, path);
    builder->is_duplicate = earlier != NULL;
    if (earlier)
        faults_add(builder->faults, builder->key_place, path,
                   "written twice, the first time in line %zu", earlier->key_place.line);
    if (event->data.scalar.anchor || event->data.scalar.tag)
        faults_add(builder->faults, builder->key_place, path,
                   "anchors (&) and tags (!) are not taken");
}

static void take_scalar(struct builder *builder, const yaml_event_t *event)
{
    if (expects_key(builder)) {
        take_key(builder, event);
        return;
    }
    struct tree_node *node = attach(builder, TREE_SCALAR, event);
    const char *text = (const char *)event->data.scalar.value;
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = memory_copy_text(text);
    refuse_marks(builder, node, event->data.scalar.anchor, event->data.scalar.tag);
    /* "\0" in double quotes. */
    if (strlen(text) != event->data.scalar.length)
        refuse(builder, node, "a NUL character is in it");
}

/* False to give up: the rest would not make sense. */
static bool open_collection(struct builder *builder, enum tree_kind kind,
                            const yaml_event_t *event)
{
    struct place place = place_at(builder, event->start_mark);
    if (expects_key(builder)) {
        faults_add(builder->faults, place, "",
                   "a key must be a word, not a list or mapping");
        return false;
    }
    if (builder->depth == YAML_TREE_DEPTH_MAX) {
        faults_add(builder->faults, place, "", "nested more than %d deep",
                   YAML_TREE_DEPTH_MAX);
        return false;
    }
    struct tree_node *node = attach(builder, kind, event);
    if (kind == TREE_MAP)
        refuse_marks(builder, node, event->data.mapping_start.anchor,
                     event->data.mapping_start.tag);
    else
        refuse_marks(builder, node, event->data.sequence_start.anchor,
                     event->data.sequence_start.tag);
    builder->open[builder->depth++] = node;
    return true;
}

static bool take_alias(struct builder *builder, const yaml_event_t *event)
{
    if (expects_key(builder)) {
        faults_add(builder->faults, place_at(builder, event->start_mark), "",
                   "an alias (*) is not taken as a key");
        return false;
    }
    struct tree_node *node = attach(builder, TREE_SCALAR, event);
    node->text = memory_copy_text("");
    refuse(builder, node, "anchors (&) and aliases (*) are not taken: write it out");
    return true;
}

static bool take_event(struct builder *builder, const yaml_event_t *event)
{
    if (++builder->event_count > YAML_TREE_EVENTS_MAX) {
        faults_add(builder->faults, place_at(builder, event->start_mark), "",
                   "more than %d values: not a configuration", YAML_TREE_EVENTS_MAX);
        return false;
    }
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++builder->document_count == 1)
            return true;
        faults_add(builder->faults, place_at(builder, event->start_mark), "",
                   "a second document: a configuration is one");
        return false;
    case YAML_SCALAR_EVENT:
        take_scalar(builder, event);
        return true;
    case YAML_ALIAS_EVENT:
        return take_alias(builder, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_collection(builder, TREE_LIST, event);
    case YAML_MAPPING_START_EVENT:
        return open_collection(builder, TREE_MAP, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        builder->depth--;
        return true;
    default:
        return event->type != YAML_STREAM_END_EVENT;
    }
}

/* What libyaml says about the syntax, with the case every beginner meets put plainly. */
static void note_syntax(struct builder *builder)
{
    const yaml_parser_t *parser = &builder->parser;
    struct place place = parser->error == YAML_READER_ERROR
                             ? place_of_offset(builder, parser->problem_offset)
                             : place_at(builder, parser->problem_mark);
    size_t offset = parser->problem_mark.index;
    bool is_tab = parser->error == YAML_SCANNER_ERROR && offset < builder->text.len &&
                  builder->text.data[offset] == '\t';
    if (is_tab)
        faults_add(builder->faults, place, "", "a tab: YAML is indented with blanks");
    else if (parser->context && place.line)
        faults_add(builder->faults, place, "", "not YAML: %s %s that begins in line %zu",
                   parser->problem, parser->context,
                   builder->start.line + parser->context_mark.line);
    else
        faults_add(builder->faults, place, "", "not YAML: %s",
                   parser->problem ? parser->problem : "it cannot be read");
}

static void build(struct builder *builder)
{
    bool goes_on = true;
    while (goes_on) {
        yaml_event_t event;
        if (!yaml_parser_parse(&builder->parser, &event)) {
            note_syntax(builder);
            return;
        }
        goes_on = take_event(builder, &event);
        yaml_event_delete(&event);
    }
}

struct tree_node *yaml_tree_parse(struct place start, struct slice text,
                                  struct faults *faults)
{
    struct builder builder = {.start = start, .text = text, .faults = faults};
    bool is_sound = vet_bytes(&builder);
    if (is_sound && !yaml_parser_initialize(&builder.parser)) {
        faults_add(faults, start, "", "there is no memory to read it");
    } else if (is_sound) {
        yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&builder.parser,
                                     (const unsigned char *)(text.data ? text.data : ""),
                                     text.len);
        build(&builder);
        yaml_parser_delete(&builder.parser);
    }
    free(builder.key);
    if (!builder.root) {
        builder.root = memory_new(sizeof *builder.root);
        builder.root->kind = TREE_MAP;
        builder.root->place = start;
    }
    return builder.root;
}

const char *yaml_tree_version(void)
{
    return yaml_get_version_string();
}
