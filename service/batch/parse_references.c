/* SPDX-License-Identifier: Apache-2.0 */
/* What items need of others: "dependsOn", and references in URLs, header values and
 * bodies. Items that may have some are noted while they are read; when all ids are known
 * each one's templates are read, ids found, cycles looked for, and what is wanted of whom
 * is numbered. A batch in which nothing is noted is done before any of it. Called by
 * parse_item and parse_finish. */
#include "batch/parse_references.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool has_braces(struct slice text)
{
    return text.len > 1 && memchr(text.data, '{', text.len) &&
           memmem(text.data, text.len, "{{", 2);
}

void take_depends_on(struct parser *parser, struct item_fields *fields, json_t *value,
                     struct place place, const struct field_row *row)
{
    if (json_is_array(value))
        fields->depends_on = value;
    else
        report_error(parser->errors, place_field(place, row->name),
                     "must be an array of ids");
}

static struct slice take_text(struct parser *parser, json_t *value, struct place place,
                              const char *what)
{
    if (!json_is_string(value)) {
        report_error(parser->errors, place, "%s", what);
        return slice_make(NULL, 0);
    }
    return slice_make(json_string_value(value), json_string_length(value));
}

void take_for_each(struct parser *parser, struct item_fields *fields, json_t *value,
                   struct place place, const struct field_row *row)
{
    fields->for_each = take_text(parser, value, place_field(place, row->name),
                                 "must be a reference to an array: "
                                 "\"{{id.body.items}}\"");
}

void take_as(struct parser *parser, struct item_fields *fields, json_t *value,
             struct place place, const struct field_row *row)
{
    place = place_field(place, row->name);
    fields->as = take_text(parser, value, place, "must be a string");
    if (fields->as.data && (fields->as.len == 0 || slice_is(fields->as, "index")))
        report_error(parser->errors, place,
                     "must be a name, and not \"index\", which is the element's place");
}

/* ------------------------------------------------------------------------- noting */

static bool is_form(const struct item *item)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const size_t len = sizeof form - 1;
    for (size_t i = 0; i < item->header_count; i++) {
        struct slice value = item->headers[i].value;
        if (slice_is_ignoring_case(item->headers[i].name, "content-type") &&
            value.len >= len && strncasecmp(value.data, form, len) == 0)
            return true;
    }
    return false;
}

/* May there be references in the item's body, and which kind of body is it? A body of the
 * defaults is looked at once. */
static bool has_body_template(const struct parser *parser, const struct item *item,
                              struct item_fields *own, enum body_template_kind *ret_kind)
{
    const struct item_fields *defaults = &parser->defaults;
    struct body_source *source = own->body.raw.data
                                     ? &own->body
                                     : (struct body_source *)(uintptr_t)&defaults->body;
    enum body_encoding encoding =
        own->body_encoding != BODY_NONE ? own->body_encoding : defaults->body_encoding;
    bool is_string = item->has_body && source->raw.len && source->raw.data[0] == '"';
    if (!item->has_body || item->has_shared_body || encoding == BODY_BASE64)
        return false;
    if (source->braces == BRACES_NOT_LOOKED)
        source->braces =
            body_template_is_likely(source->raw) ? BRACES_LIKELY : BRACES_NONE;
    if (source->braces == BRACES_NONE)
        return false;
    if (encoding == BODY_JSON || !is_string)
        *ret_kind = BODY_TEMPLATE_JSON;
    else if (is_form(item))
        *ret_kind = BODY_TEMPLATE_FORM;
    else
        *ret_kind = encoding == BODY_TEXT ? BODY_TEMPLATE_TEXT : BODY_TEMPLATE_WHOLE;
    return true;
}

void parse_note_references(struct parser *parser, const struct item *item,
                           struct item_fields *own, struct place place)
{
    struct referrer noted = {
        .item = *place.index,
        .depends_on = own->depends_on,
        .for_each = own->for_each,
        .as = own->as,
        .max = own->for_each_max,
        .has_key = item->options && item->options->idempotency_key.data,
        .takes_references =
            !parser->has_no_references &&
            (!item->options || item->options->takes_references != 0),
        .may_declare_json = !own->headers.has_content_type,
    };
    if (noted.takes_references) {
        noted.has_url = has_braces(item->url);
        noted.has_headers = own->headers.has_braces;
        noted.has_body = has_body_template(parser, item, own, &noted.body);
    }
    if (!noted.has_url && !noted.has_headers && !noted.has_body && !noted.depends_on &&
        !noted.for_each.data && !noted.as.data && noted.max < 0)
        return;
    struct referrer *kept = arena_take(&parser->document->arena, sizeof *kept);
    if (!kept) {
        parser->is_out_of_memory = true;
        return;
    }
    *kept = noted;
    if (!parser->referrers)
        parser->referrers_end = &parser->referrers;
    *parser->referrers_end = kept;
    parser->referrers_end = &kept->next;
}

/* ------------------------------------------------------------------------ reading */

static void *take(struct linker *linker, size_t size)
{
    void *memory = arena_take(&linker->parser->document->arena, size);
    if (memory)
        memset(memory, 0, size);
    else
        linker->parser->is_out_of_memory = true;
    return memory;
}

/* Says what is wrong with a template; no `fault`: there was no memory. */
static bool refuse(struct linker *linker, struct place place, const char *fault)
{
    if (fault)
        report_error(linker->parser->errors, place, "what stands behind {{ %s", fault);
    else
        linker->parser->is_out_of_memory = true;
    return false;
}

/* The references that a template at `place` brought, from the one numbered `from` on. */
static void add_sources(struct linker *linker, const struct referrer *referrer,
                        size_t from, struct place place)
{
    for (size_t i = from; i < linker->reader.count; i++)
        linker_add_reference(linker, referrer->item, i, place);
}

static bool read_template(struct linker *linker, const struct referrer *referrer,
                          struct slice text, struct place place,
                          struct template *ret_template)
{
    const char *fault = NULL;
    size_t from = linker->reader.count;
    if (!template_read(&linker->reader, text, ret_template, &fault))
        return refuse(linker, place, fault);
    add_sources(linker, referrer, from, place);
    return true;
}

static void read_url(struct linker *linker, const struct referrer *referrer,
                     struct references *made)
{
    struct place place = linker_place(linker, &referrer->item);
    struct template *url = take(linker, sizeof *url);
    const struct item *item = &linker->batch->items[referrer->item];
    if (linker->list.list && strcmp(linker->list.list, "/urls") != 0)
        place = place_field(place, "url");
    if (!url || !read_template(linker, referrer, item->url, place, url))
        return;
    const char *fault = template_url_fault(url);
    if (fault)
        report_error(linker->parser->errors, place, "%s", fault);
    made->url = url;
}

static void read_headers(struct linker *linker, const struct referrer *referrer,
                         struct references *made)
{
    const struct item *item = &linker->batch->items[referrer->item];
    size_t count = 0;
    for (size_t i = 0; i < item->header_count; i++)
        count += has_braces(item->headers[i].value);
    if (count == 0)
        return;
    struct header_template *headers = take(linker, count * sizeof *headers);
    if (!headers)
        return;
    for (size_t i = 0; i < item->header_count; i++) {
        const struct call_header *header = &item->headers[i];
        struct place place =
            place_name(linker_place(linker, &referrer->item), "headers", header->name);
        struct header_template *next = &headers[made->header_count];
        next->line = i;
        if (has_braces(header->value) &&
            read_template(linker, referrer, header->value, place, &next->value))
            made->header_count++;
    }
    made->headers = headers;
}

static void read_body(struct linker *linker, const struct referrer *referrer,
                      struct references *made)
{
    struct slice body = linker->batch->items[referrer->item].body;
    struct place place = place_field(linker_place(linker, &referrer->item), "body");
    struct body_template *template = take(linker, sizeof *template);
    size_t from = linker->reader.count;
    const char *fault = NULL;
    bool is_needed = true;
    if (!template)
        return;
    bool is_read =
        referrer->body == BODY_TEMPLATE_JSON
            ? body_template_read_json(&linker->reader, body, template, &is_needed, &fault)
            : body_template_read_text(&linker->reader, body, referrer->body, template,
                                      &fault);
    if (!is_read) {
        refuse(linker, place, fault);
        return;
    }
    add_sources(linker, referrer, from, place);
    if (is_needed)
        made->body = template;
}

static void read_depends_on(struct linker *linker, const struct referrer *referrer)
{
    size_t i;
    json_t *value;
    json_array_foreach(referrer->depends_on, i, value)
    {
        char index[24];
        snprintf(index, sizeof index, "%zu", i);
        struct place place = place_name(linker_place(linker, &referrer->item),
                                        "dependsOn", slice_from(index));
        if (json_is_string(value))
            linker_add_id(linker, referrer->item,
                          slice_make(json_string_value(value), json_string_length(value)),
                          place);
        else
            report_error(linker->parser->errors, place, "must be the id of a request");
    }
}

/* An id that the element's name would hide. */
static void check_as(struct linker *linker, const struct referrer *referrer,
                     struct slice as, struct place place)
{
    if (linker_has_id(linker, as))
        report_error(linker->parser->errors, place,
                     "\"%.*s\" is the id of a request as well: give the elements another "
                     "name by \"as\"",
                     (int)(as.len < 100 ? as.len : 100), as.data);
    if (referrer->has_key)
        report_error(linker->parser->errors, place_field(place, "idempotencyKey"),
                     "would be that of all that forEach sends");
}

/* The array itself is meant from outside: its elements have no name yet. */
static void read_for_each(struct linker *linker, const struct referrer *referrer,
                          struct references *made)
{
    struct place item = linker_place(linker, &referrer->item);
    struct place place = place_field(item, "forEach");
    struct for_each *for_each = take(linker, sizeof *for_each);
    struct template list;
    if (!for_each || !read_template(linker, referrer, referrer->for_each, place, &list))
        return;
    if (!template_is_one(&list) || linker->reader.list[0].kind != REFERENCE_BODY)
        report_error(linker->parser->errors, place,
                     "must be one reference to an array: \"{{id.body.items}}\"");
    if (!referrer->takes_references)
        report_error(linker->parser->errors, place,
                     "needs references, which are switched off");
    *for_each = (struct for_each){
        .source = 0,
        .max = referrer->max > 0 ? (size_t)referrer->max : FOR_EACH_USUAL_MAX,
    };
    made->for_each = for_each;
    linker->reader.setup.element = referrer->as.data ? referrer->as : slice_from("item");
    check_as(linker, referrer, linker->reader.setup.element,
             referrer->as.data ? place_field(item, "as") : place);
}

static void read_item(struct linker *linker, const struct referrer *referrer)
{
    struct references *made = linker_references(linker, referrer->item);
    if (!made)
        return;
    linker->reader.count = 0;
    linker->reader.setup.element = slice_make(NULL, 0);
    if (referrer->for_each.data)
        read_for_each(linker, referrer, made);
    else if (referrer->as.data || referrer->max > 0)
        report_error(linker->parser->errors,
                     place_field(linker_place(linker, &referrer->item),
                                 referrer->as.data ? "as" : "max"),
                     "is for \"forEach\", which is missing");
    made->may_declare_json = referrer->may_declare_json;
    if (referrer->has_url)
        read_url(linker, referrer, made);
    if (referrer->has_headers)
        read_headers(linker, referrer, made);
    if (referrer->has_body)
        read_body(linker, referrer, made);
    if (referrer->depends_on)
        read_depends_on(linker, referrer);
    linker_keep_sources(linker, referrer->item);
}

void parse_references(struct parser *parser, struct batch *batch, struct place list)
{
    struct linker *linker = linker_new(parser, batch, list);
    const struct referrer *referrer = linker ? parser->referrers : NULL;
    for (; referrer && !parser->is_out_of_memory; referrer = referrer->next)
        read_item(linker, referrer);
    if (linker && !parser->is_out_of_memory)
        linker_finish(linker);
    linker_free(linker);
}
