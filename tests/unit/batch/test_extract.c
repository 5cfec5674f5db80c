/* SPDX-License-Identifier: Apache-2.0 */
/* Values out of replies. */
#include "batch/extract.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

static struct arena arena;

static const struct call_header headers[] = {
    {{"etag", 4}, {"\"x\"", 3}},
    {{"set-cookie", 10}, {"a=1", 3}},
    {{"set-cookie", 10}, {"b=2", 3}},
};

static struct reference read(const char *text)
{
    struct reference_setup setup = {.arena = &arena};
    struct reference reference;
    const char *fault = "";
    char *copy = arena_take(&arena, strlen(text) + 3);
    memcpy(copy, text, strlen(text));
    memcpy(copy + strlen(text), "}}", 3);
    cr_assert(reference_read(slice_from(copy), &setup, &reference, &fault), "%s", fault);
    return reference;
}

/* The value, "text " before it where it is none of JSON; or why there is none. */
static const char *extract(const char *reference_text, const char *type, const char *body)
{
    static char shown[300];
    struct outcome outcome = {
        .code = CALL_OK,
        .status = 201,
        .headers = headers,
        .header_count = sizeof headers / sizeof *headers,
        .content_type = slice_from(type),
        .has_body = body != NULL,
        .body = slice_from(body),
    };
    struct extraction extraction = {.outcome = &outcome};
    struct template_value value;
    const char *fault = NULL;
    struct reference reference = read(reference_text);
    if (!extract_value(&extraction, &reference, &value, &fault))
        return fault;
    snprintf(shown, sizeof shown, "%s%.*s", value.is_text ? "text " : "",
             (int)value.bytes.len, value.bytes.data);
    arena_done(&arena);
    return shown;
}

Test(extract, finds_what_is_meant)
{
    static const char json[] = "application/json";
    static const struct {
        const char *reference;
        const char *type;
        const char *body;
        const char *value;
    } cases[] = {
        {"a.status", json, NULL, "201"},
        {"a.headers.etag", json, NULL, "text \"x\""},
        {"a.headers.ETag", json, NULL, "text \"x\""},
        {"a.headers.set-cookie", json, NULL, "text a=1"},
        {"a.headers.other", json, NULL, "is a header that the reply does not have"},
        {"a.body", json, " {\"a\": 1.50} ", "{\"a\": 1.50}"},
        {"a.body", "text/plain", "{\"a\": 1.50}", "text {\"a\": 1.50}"},
        {"a.body", json, "{\"a\": ", "text {\"a\": "},
        {"a.body", "text/plain", "\xff", "needs a body that is text"},
        {"a.body", json, "", "needs a body, and the reply has none"},
        {"a.body.x", json, NULL, "needs a body, and the reply has none"},
        {"a.body.x[1].y", json, "{\"x\": [0, {\"y\": null}]}", "null"},
        {"a.body.x.1.y", json, "{\"x\": [0, {\"y\": \"\"}]}", "\"\""},
        {"a.body.x", "text/plain", "{\"x\": 1e5}", "1e5"},
        {"a.body.x", json, "{\"y\": 1}", "is not in the reply's body"},
        {"a.body[1]", json, "[1]", "is not in the reply's body"},
        {"a.body.x", json, "x", "needs a reply whose body is JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = extract(cases[i].reference, cases[i].type, cases[i].body);
        cr_expect_str_eq(found, cases[i].value, "%s of %s: %s", cases[i].reference,
                         cases[i].body, found);
        arena_done(&arena);
    }
}

Test(extract, large_values_and_long_searches_are_refused)
{
    static const size_t size = 9 << 20;
    char *body = malloc(size);
    memset(body, ' ', size);
    body[0] = '[';
    memcpy(body + size - 4, "1,2]", 4);
    struct outcome outcome = {
        .status = 200, .has_body = true, .body = slice_make(body, size)};
    struct extraction extraction = {.outcome = &outcome};
    struct reference first = read("a.body[0]");
    struct reference second = read("a.body[1]");
    struct reference whole = read("a.body");
    struct template_value value;
    const char *fault = "";
    cr_expect(extract_value(&extraction, &first, &value, &fault));
    cr_expect(!extract_value(&extraction, &second, &value, &fault));
    cr_expect_str_eq(fault, "is one value too many of so large a body");
    cr_expect(!extract_value(&extraction, &whole, &value, &fault));
    cr_expect_str_eq(fault, "is larger than 1 MiB");
    free(body);
    char *larger = malloc(2 * size);
    memset(larger, ' ', 2 * size);
    memcpy(larger, "[1,2]", 5);
    outcome.body = slice_make(larger, 2 * size);
    extraction = (struct extraction){.outcome = &outcome};
    cr_expect(extract_value(&extraction, &first, &value, &fault), "one is always taken");
    cr_expect(!extract_value(&extraction, &second, &value, &fault));
    free(larger);
    arena_done(&arena);
}
