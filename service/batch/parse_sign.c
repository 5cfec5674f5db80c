/* SPDX-License-Identifier: Apache-2.0 */
/* "sign": which secret of the configuration a request is signed with. A secret that the
 * caller may not use does not exist for it, not even as a suggestion. Called by
 * parse_item. */
#include "batch/parse_internal.h"
#include "batch/parse_shared.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "batch/signing.h"

#include <stdlib.h>
#include <string.h>

static const char scheme_name[] = "standard-webhooks";

/* The nearest of those the caller may use, or NULL. Not looked for when nobody would be
 * told: it has its price, and there may be as many wrong names as items. */
static const char *suggest(const struct parser *parser, struct slice name)
{
    const struct config_webhook_secrets *secrets = &parser->config->webhooks.secrets;
    if (parser->errors->count == PARSE_ERRORS_MAX)
        return NULL;
    const char **names = memory_new((secrets->count + 1) * sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < secrets->count; i++) {
        if (signing_may_use(&secrets->items[i], parser->caller))
            names[count++] = secrets->items[i].name;
    }
    const char *nearest = nearest_name(name, names, count);
    free(names);
    return nearest;
}

static void find_secret(struct parser *parser, struct item_fields *fields, json_t *value,
                        struct place place)
{
    struct slice name = slice_make(json_string_value(value), json_string_length(value));
    struct signing found;
    if (!json_is_string(value)) {
        report_error(parser->errors, place,
                     "must be the name of a secret in webhooks.secrets");
        return;
    }
    if (!signing_find(parser->config, parser->caller, name, &found)) {
        const char *near = suggest(parser, name);
        report_error(parser->errors, place,
                     "no secret of this name that you may use is in webhooks.secrets"
                     "%s%s%s",
                     near ? "; did you mean \"" : "", near ? near : "",
                     near ? "\"?" : "");
        return;
    }
    struct signing *signing = arena_take(&parser->document->arena, sizeof *signing);
    if (!signing) {
        parser->is_out_of_memory = true;
        return;
    }
    *signing = found;
    fields->options.signing = signing;
}

void take_sign(struct parser *parser, struct item_fields *fields, json_t *value,
               struct place place, const struct field_row *row)
{
    struct place at = place_field(place, row->name);
    const char *name;
    json_t *member;
    if (!json_is_object(value)) {
        report_error(parser->errors, at, "must be {\"secret\": \"NAME\"}");
        return;
    }
    json_object_foreach(value, name, member)
    {
        struct slice text =
            slice_make(json_string_value(member), json_string_length(member));
        struct place inside = place_name(place, row->name, slice_from(name));
        if (strcmp(name, "secret") == 0)
            find_secret(parser, fields, member, inside);
        else if (strcmp(name, "scheme") != 0)
            report_error(parser->errors, inside,
                         "unknown field; there are \"secret\" and \"scheme\"");
        else if (!slice_is(text, scheme_name))
            report_error(parser->errors, inside, "must be \"%s\"", scheme_name);
    }
    if (!json_object_get(value, "secret"))
        report_error(parser->errors, at, "\"secret\" is missing");
}

/* What the caller may say of a signature by itself is its id, for deliveries that are
 * repeated in batches to come. */
void parse_sign_headers(struct parser *parser, const struct item *item,
                        struct place place)
{
    size_t ids = 0;
    if (!item->options->signing)
        return;
    for (size_t i = 0; i < item->header_count; i++) {
        const struct call_header *header = &item->headers[i];
        struct place at = place_name(place, "headers", header->name);
        if (slice_is_ignoring_case(header->name, "webhook-timestamp") ||
            slice_is_ignoring_case(header->name, "webhook-signature"))
            report_error(parser->errors, at, "\"sign\" makes this header");
        else if (slice_is_ignoring_case(header->name, "webhook-id") &&
                 (!signing_id_is_valid(header->value) || ids++ > 0))
            report_error(parser->errors, at,
                         "must be one value of 1 to %d visible ASCII characters without "
                         "dots and braces, as the request is signed",
                         SIGNING_ID_MAX);
    }
}
