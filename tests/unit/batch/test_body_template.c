/* SPDX-License-Identifier: Apache-2.0 */
/* References in bodies. */
#include "batch/body_template.h"

#include "base/json_text.h"

#include <criterion/criterion.h>

#include <stdio.h>

static struct arena arena;
static struct template_value values[REFERENCES_MAX];

struct body_case {
    const char *body;
    const char *first;
    const char *second;
    const char *result; /* NULL: nothing in it */
};

static struct body_template read_json(const char *json, bool *ret_is_needed)
{
    struct template_reader reader = {.setup = {.arena = &arena}};
    struct body_template body = {.part_count = 0};
    const char *fault = "";
    cr_assert(json_text_is_valid(slice_from(json)), "%s", json);
    cr_assert(
        body_template_read_json(&reader, slice_from(json), &body, ret_is_needed, &fault),
        "%s: %s", json, fault);
    return body;
}

/* The body, "FAULT why" or "FULL"; what is JSON has "json " before it. */
static const char *expand(const struct body_template *body, const char *first,
                          const char *second, size_t max)
{
    static char shown[4096];
    struct expansion expansion = {.values = values};
    struct buffer out;
    bool is_json;
    values[0].bytes = slice_from(first);
    values[1].bytes = slice_from(second);
    buffer_init(&expansion.scratch, 1000);
    buffer_init(&out, max);
    if (expand_body(&expansion, body, &out, &is_json))
        snprintf(shown, sizeof shown, "%s%.*s", is_json ? "json " : "", (int)out.len,
                 out.data ? out.data : "");
    else
        snprintf(shown, sizeof shown, expansion.fault ? "FAULT %s" : "FULL",
                 expansion.fault);
    buffer_done(&out);
    buffer_done(&expansion.scratch);
    return shown;
}

Test(body_template, json_takes_values_in_strings_but_not_in_names)
{
    static const struct body_case cases[] = {
        {"{\"a\": \"{{v.body}}\"}", "1.50", NULL, "json {\"a\": 1.50}"},
        {"[\"{{v.body}}\",\"{{w.body}}\"]", "{}", "null", "json [{},null]"},
        {"{\"a\": \"x {{v.body}}\", \"b\":2}", "\"\\\"\"", NULL,
         "json {\"a\": \"x \\\"\", \"b\":2}"},
        {"\"{{v.body}}\"", "[1]", NULL, "json [1]"},
        {"{\"{{v.body}}\": \"{{v.body}}\"}", "1", NULL, "json {\"{{v.body}}\": 1}"},
        {"{\"a\\\"\" \n: \"\\\\\", \"b\": \"{{v.body}}\"}", "1", NULL,
         "json {\"a\\\"\" \n: \"\\\\\", \"b\": 1}"},
        {"[\"\\u007b\\u007Bv.body}}\"]", "1", NULL, "json [1]"},
        {"[\"{\\u007bv.body}}\"]", "1", NULL, "json [1]"},
        {"[\"{{{{v.body}}\"]", "1", NULL, "json [\"{{v.body}}\"]"},
        {"[\"{{[\\\"a b\\\"].body}}\"]", "1", NULL, "json [1]"},
        {"{\"{{v.body}}\": 1}", NULL, NULL, NULL},
        {"[\"\\u007b\", \"\\u007c\\u007d\"]", NULL, NULL, NULL},
        {"{\"a\":{\"b\":{}}}", NULL, NULL, NULL},
        {"7", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!json_text_is_valid(slice_from(cases[i].body)))
            continue;
        bool is_needed = false;
        struct body_template body = read_json(cases[i].body, &is_needed);
        cr_expect_eq(is_needed, cases[i].result != NULL, "%s", cases[i].body);
        if (!is_needed)
            continue;
        const char *result = expand(&body, cases[i].first, cases[i].second, 1000);
        cr_expect_str_eq(result, cases[i].result, "%s", cases[i].body);
        cr_expect(json_text_is_valid(slice_from(result + 5)));
    }
    arena_done(&arena);
}

Test(body_template, what_is_likely_needs_a_look)
{
    cr_expect(body_template_is_likely(slice_from("\"{{\"")));
    cr_expect(body_template_is_likely(slice_from("\"\\u007b\\u007b\"")));
    cr_expect(body_template_is_likely(slice_from("\"\\u007B{\"")));
    cr_expect(!body_template_is_likely(slice_from("{\"a\":{\"b\":{}}}")));
    cr_expect(!body_template_is_likely(slice_from("")));
}

Test(body_template, wrong_references_in_json_are_refused)
{
    struct template_reader reader = {.setup = {.arena = &arena}};
    struct body_template body;
    bool is_needed;
    const char *fault = NULL;
    cr_expect(!body_template_read_json(&reader, slice_from("[\"{{x}}\"]"), &body,
                                       &is_needed, &fault));
    cr_expect(strstr(fault, "must go on behind the id") != NULL);
    cr_expect(!body_template_read_text(&reader, slice_from("{{"), BODY_TEMPLATE_TEXT,
                                       &body, &fault));
    arena_done(&arena);
}

static const char *expand_text_body(const char *text, enum body_template_kind kind,
                                    const char *value)
{
    struct template_reader reader = {.setup = {.arena = &arena}};
    struct body_template body;
    const char *fault;
    cr_assert(body_template_read_text(&reader, slice_from(text), kind, &body, &fault));
    const char *result = expand(&body, value, NULL, 1000);
    arena_done(&arena);
    return result;
}

Test(body_template, text_takes_text)
{
    static const struct {
        const char *text;
        enum body_template_kind kind;
        const char *value;
        const char *result;
    } cases[] = {
        {"a {{v.body}}", BODY_TEMPLATE_TEXT, "\"b&\\\"\"", "a b&\""},
        {"{{v.body}}", BODY_TEMPLATE_TEXT, "1", "1"},
        {"{{v.body}}", BODY_TEMPLATE_TEXT, "{}",
         "FAULT is an object or an array, which a text cannot hold"},
        {"a={{v.body}}", BODY_TEMPLATE_FORM, "\"b&c=\"", "a=b%26c%3D"},
        {"{{v.body}}", BODY_TEMPLATE_FORM, "\"b&c=\"", "b%26c%3D"},
        {"{{v.body}}", BODY_TEMPLATE_WHOLE, "\"b\\n\"", "b\n"},
        {"{{v.body}}", BODY_TEMPLATE_WHOLE, "{\"a\":1}", "json {\"a\":1}"},
        {"{{v.body}}", BODY_TEMPLATE_WHOLE, "12", "json 12"},
        {"{{v.body}}", BODY_TEMPLATE_WHOLE, "null", "json null"},
        {"{{v.body}} ", BODY_TEMPLATE_WHOLE, "12", "12 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *result =
            expand_text_body(cases[i].text, cases[i].kind, cases[i].value);
        cr_expect_str_eq(result, cases[i].result, "%s: %s", cases[i].text, result);
    }
}

Test(body_template, what_does_not_fit_is_said_to_be_full)
{
    bool is_needed;
    struct body_template body =
        read_json("[\"{{v.body}}\", \"a{{v.body}}\"]", &is_needed);
    cr_expect_str_eq(expand(&body, "\"x\"", NULL, 100), "json [\"x\", \"ax\"]");
    for (size_t max = 0; max < 11; max++)
        cr_expect_str_eq(expand(&body, "\"x\"", NULL, max), "FULL", "%zu", max);
    cr_expect_str_eq(expand(&body, "[]", NULL, 100),
                     "FAULT is an object or an array, which a text cannot hold");
    arena_done(&arena);
}
