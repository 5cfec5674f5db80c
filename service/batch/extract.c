/* SPDX-License-Identifier: Apache-2.0 */
/* What {{id.status}}, {{id.headers.name}} and {{id.body…}} are of a reply. A body as a
 * whole is what a response would show of it: JSON if it is declared so, else its text.
 * With a path it only has to be JSON. Called by item_links.c. */
#include "batch/extract.h"

#include "base/json_find.h"
#include "base/json_text.h"
#include "batch/render.h"

#include <stdio.h>
#include <strings.h>

static bool fail(const char *fault, const char **ret_fault)
{
    *ret_fault = fault;
    return false;
}

static bool is_json(struct extraction *extraction)
{
    if (extraction->body == BODY_NOT_LOOKED)
        extraction->body = json_text_is_valid(extraction->outcome->body)
                               ? BODY_IS_JSON
                               : BODY_IS_NO_JSON;
    return extraction->body == BODY_IS_JSON;
}

static bool give(struct slice bytes, bool is_text, struct template_value *ret_value,
                 const char **ret_fault)
{
    if (bytes.len > EXTRACT_VALUE_MAX)
        return fail("is larger than 1 MiB", ret_fault);
    *ret_value = (struct template_value){.is_text = is_text, .bytes = bytes};
    return true;
}

static bool find_header(const struct outcome *outcome, struct slice name,
                        struct template_value *ret_value, const char **ret_fault)
{
    for (size_t i = 0; i < outcome->header_count; i++) {
        const struct call_header *header = &outcome->headers[i];
        if (slice_equal_ignoring_case(header->name, name))
            return give(header->value, true, ret_value, ret_fault);
    }
    return fail("is a header that the reply does not have", ret_fault);
}

static bool find_in_body(struct extraction *extraction, const struct reference *reference,
                         struct template_value *ret_value, const char **ret_fault)
{
    struct slice body = extraction->outcome->body;
    struct slice value;
    if (!is_json(extraction))
        return fail("needs a reply whose body is JSON", ret_fault);
    if (extraction->searched > 0 && body.len > EXTRACT_SEARCH_MAX - extraction->searched)
        return fail("is one value too many of so large a body", ret_fault);
    extraction->searched += body.len;
    if (extraction->searched > EXTRACT_SEARCH_MAX)
        extraction->searched = EXTRACT_SEARCH_MAX;
    if (!json_find(body, reference->steps, reference->step_count, &value))
        return fail("is not in the reply's body", ret_fault);
    return give(value, false, ret_value, ret_fault);
}

static bool take_body(struct extraction *extraction, struct template_value *ret_value,
                      const char **ret_fault)
{
    const struct outcome *outcome = extraction->outcome;
    struct slice value = outcome->body;
    if (render_is_json(outcome->content_type) && is_json(extraction) &&
        json_find(value, NULL, 0, &value))
        return give(value, false, ret_value, ret_fault);
    if (!utf8_is_valid(value))
        return fail("needs a body that is text", ret_fault);
    return give(value, true, ret_value, ret_fault);
}

bool extract_value(struct extraction *extraction, const struct reference *reference,
                   struct template_value *ret_value, const char **ret_fault)
{
    const struct outcome *outcome = extraction->outcome;
    if (reference->kind == REFERENCE_STATUS) {
        int len =
            snprintf(extraction->room, sizeof extraction->room, "%d", outcome->status);
        return give(slice_make(extraction->room, (size_t)len), false, ret_value,
                    ret_fault);
    }
    if (reference->kind == REFERENCE_HEADER)
        return find_header(outcome, reference->header, ret_value, ret_fault);
    if (!outcome->has_body || outcome->body.len == 0)
        return fail("needs a body, and the reply has none", ret_fault);
    if (reference->step_count == 0)
        return take_body(extraction, ret_value, ret_fault);
    return find_in_body(extraction, reference, ret_value, ret_fault);
}
