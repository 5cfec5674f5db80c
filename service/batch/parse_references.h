/* SPDX-License-Identifier: Apache-2.0 */
/* What items need of others: read by parse_references.c, which reads templates, with
 * parse_links.c, which finds out whom they mean. */
#pragma once

#include "batch/dependencies.h"
#include "batch/parse_internal.h"
#include "batch/references.h"

#include <stddef.h>

/* parse_note_references remembers an item that may need others, after its fields were
 * merged; parse_references settles them all, when every item has its id. */
take_fn take_depends_on, take_for_each, take_as;
void parse_note_references(struct parser *parser, const struct item *item,
                           struct item_fields *own, struct place place);
void parse_references(struct parser *parser, struct batch *batch, struct place list);

/* An item that may need others, until all ids are known. */
struct referrer {
    struct referrer *next;
    size_t item;
    json_t *depends_on;
    struct slice for_each, as; /* data NULL: not given; so for max: -1 */
    int64_t max;
    bool has_key; /* an idempotencyKey */
    bool takes_references;
    bool has_url; /* {{ in it; so for the others */
    bool has_headers;
    bool has_body;
    enum body_template_kind body; /* where has_body */
    bool may_declare_json;
};

struct known_id {
    struct slice id;
    size_t item;
};

/* A value that an item wants of another. */
struct use {
    size_t source;
    size_t user;
    struct reference_source *as; /* to be told its number */
    const struct reference *reference;
};

struct linker {
    struct parser *parser;
    struct batch *batch;
    struct place list;
    struct known_id *ids;     /* sorted */
    const char **names;       /* the same for "did you mean"; NULL: not needed yet */
    struct references **made; /* by item; NULL: none */
    struct dependency *edges;
    size_t edge_count, edge_room;
    struct use *uses;
    size_t use_count, use_room;
    struct template_reader reader;  /* of the item being read; … */
    size_t sources[REFERENCES_MAX]; /* … and whom its references mean */
};

/* linker_new: NULL and parser->is_out_of_memory when there is no memory. */
struct linker *linker_new(struct parser *parser, struct batch *batch,
                          struct place list) MUST_CHECK;
void linker_free(struct linker *linker);

/* linker_place: the item's place in the document; `item` must outlive it. */
struct place linker_place(const struct linker *linker, const size_t *item);

bool linker_has_id(const struct linker *linker, struct slice id);

/* linker_references: those of an item, made on first use; NULL: there is no memory. */
struct references *linker_references(struct linker *linker, size_t item) MUST_CHECK;

/* linker_add_id: `item` waits for the one called `id`. linker_add_reference: for the one
 * that the reference of that number of linker->reader means. What is wrong is reported at
 * `place`. linker_keep_sources ends an item: its references are kept. */
void linker_add_id(struct linker *linker, size_t item, struct slice id,
                   struct place place);
void linker_add_reference(struct linker *linker, size_t item, size_t number,
                          struct place place);
void linker_keep_sources(struct linker *linker, size_t item);

/* linker_finish finds cycles and gives the items their references. */
void linker_finish(struct linker *linker);
