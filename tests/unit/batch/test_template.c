/* SPDX-License-Identifier: Apache-2.0 */
/* Values in texts: each in its place, by its type. Values are JSON; one that begins with
 * '=' is a header's. References are {{v.body}} for the first value, {{w.body}} for the
 * next … in the order they come. */
#include "batch/template.h"

#include <criterion/criterion.h>

#include <stdio.h>

static struct arena arena;
static struct template_value values[REFERENCES_MAX];

static struct template_reader reader_new(void)
{
    return (struct template_reader){.setup = {.arena = &arena}};
}

static struct template read(const char *text)
{
    struct template_reader reader = reader_new();
    struct template template = {.count = 0};
    const char *fault = "";
    bool is_read = template_read(&reader, slice_from(text), &template, &fault);
    cr_assert(is_read, "%s: %s", text, fault);
    return template;
}

static void set_values(const char *first, const char *second)
{
    const char *given[] = {first, second};
    for (size_t i = 0; i < 2 && given[i]; i++) {
        bool is_text = given[i][0] == '=';
        values[i] = (struct template_value){.is_text = is_text,
                                            .bytes = slice_from(given[i] + is_text)};
    }
}

typedef bool expand_fn(struct expansion *, const struct template *, struct buffer *);

/* The text, or "FAULT: why", or "FULL". */
static const char *expand(expand_fn *how, const char *text, size_t max)
{
    static char shown[4096];
    struct template template = read(text);
    struct expansion expansion = {.values = values};
    struct buffer out;
    buffer_init(&expansion.scratch, 1000);
    buffer_init(&out, max);
    if (how(&expansion, &template, &out))
        snprintf(shown, sizeof shown, "%.*s", (int)out.len, out.data ? out.data : "");
    else if (expansion.fault)
        snprintf(shown, sizeof shown, "FAULT %d: %s", expansion.reference,
                 expansion.fault);
    else
        snprintf(shown, sizeof shown, "FULL");
    buffer_done(&out);
    buffer_done(&expansion.scratch);
    arena_done(&arena);
    return shown;
}

struct expand_case {
    const char *text;
    const char *first;
    const char *second;
    const char *result; /* "FAULT…": begins so */
};

static void check(expand_fn *how, const struct expand_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        set_values(cases[i].first, cases[i].second);
        const char *result = expand(how, cases[i].text, 2000);
        size_t len = strlen(cases[i].result);
        bool is_fault = strncmp(cases[i].result, "FAULT", 5) == 0;
        cr_expect(is_fault ? strncmp(result, cases[i].result, len) == 0
                           : strcmp(result, cases[i].result) == 0,
                  "%s with %s: %s", cases[i].text, cases[i].first, result);
    }
}
#define CHECK(how, cases) check(how, cases, sizeof(cases) / sizeof *(cases))

Test(template, is_literals_and_references)
{
    struct template_reader reader = reader_new();
    struct template t;
    const char *fault;
    cr_assert(template_read(
        &reader, slice_from("a{{x.status}}b{{{{c{{y.body}}{{x.status}}"), &t, &fault));
    cr_assert_eq(t.count, 4);
    cr_expect(slice_is(t.parts[0].literal, "a") && t.parts[0].reference == 0);
    cr_expect(slice_is(t.parts[1].literal, "b{{") && t.parts[1].reference == -1);
    cr_expect(slice_is(t.parts[2].literal, "c") && t.parts[2].reference == 1);
    cr_expect(slice_is(t.parts[3].literal, "") && t.parts[3].reference == 0);
    cr_expect_eq(reader.count, 2, "an equal one has the same number");
    arena_done(&arena);
}

Test(template, knows_when_it_is_one_reference)
{
    static const struct {
        const char *text;
        bool is_one;
    } cases[] = {
        {"{{a.body}}", true},
        {"{{ a.body }}", true},
        {" {{a.body}}", false},
        {"{{a.body}} ", false},
        {"{{a.body}}{{a.body}}", false},
        {"", false},
        {"x", false},
        {"{{{{", false},
        {"{{{{a.body}}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct template template = read(cases[i].text);
        cr_expect_eq(template_is_one(&template), cases[i].is_one, "%s", cases[i].text);
    }
    arena_done(&arena);
}

Test(template, with_a_wrong_or_open_reference_is_refused)
{
    static const char *const texts[] = {"{{",
                                        "a {{",
                                        "{{a.body",
                                        "{{{{{{",
                                        "{{{a.body}}}",
                                        "{{a.body}}{{b}}",
                                        "{{ {{a.body}} }}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct template_reader reader = reader_new();
        struct template template;
        const char *fault = NULL;
        cr_expect(!template_read(&reader, slice_from(texts[i]), &template, &fault), "%s",
                  texts[i]);
        cr_expect_not_null(fault, "%s", texts[i]);
    }
    arena_done(&arena);
}

Test(template, an_item_has_at_most_64_different_references)
{
    struct template_reader reader = reader_new();
    struct template template;
    const char *fault = NULL;
    char text[32];
    char texts[REFERENCES_MAX + 1][32];
    for (int i = 0; i < REFERENCES_MAX; i++) {
        snprintf(texts[i], sizeof texts[i], "{{%d.status}}", i);
        cr_assert(template_read(&reader, slice_from(texts[i]), &template, &fault));
    }
    cr_expect(template_read(&reader, slice_from("{{7.status}}"), &template, &fault));
    snprintf(text, sizeof text, "{{64.status}}");
    cr_expect(!template_read(&reader, slice_from(text), &template, &fault));
    cr_expect(strstr(fault, "at most 64") != NULL);
    arena_done(&arena);
}

Test(template, texts_take_strings_numbers_and_booleans)
{
    static const struct expand_case cases[] = {
        {"", NULL, NULL, ""},
        {"plain", NULL, NULL, "plain"},
        {"a {{{{b}} {{v.body}}.", "\"x\"", NULL, "a {{b}} x."},
        {"{{v.body}}", "\"a\\\"\\u00fc\\n\"", NULL, "a\"\xc3\xbc\n"},
        {"{{v.body}}/{{w.body}}", "12345678901234567890.10", "true",
         "12345678901234567890.10/true"},
        {"{{v.body}}{{v.body}}", "-1e400", NULL, "-1e400-1e400"},
        {"{{v.body}}", "false", NULL, "false"},
        {"{{v.body}}", "=raw", NULL, "raw"},
        {"{{v.body}}", "=", NULL, ""},
        {"{{v.body}}", "=null", NULL, "null"},
        {"{{v.body}}", "\"{{w.body}}\"", NULL, "{{w.body}}"}, /* never read again */
        {"{{v.body}}", "null", NULL, "FAULT 0: is null"},
        {"{{v.body}}{{w.body}}", "1", "{}", "FAULT 1: is an object or an array"},
        {"{{v.body}}", "[1]", NULL, "FAULT 0: is an object or an array"},
    };
    CHECK(expand_text, cases);
}

Test(template, forms_take_them_encoded)
{
    static const struct expand_case cases[] = {
        {"a={{v.body}}&b=1", "\"x&c=2 +%\"", NULL, "a=x%26c%3D2%20%2B%25&b=1"},
        {"a={{v.body}}", "null", NULL, "FAULT 0: is null"},
        {"a", NULL, NULL, "a"},
    };
    CHECK(expand_form, cases);
}

Test(template, headers_hold_no_second_line)
{
    static const struct expand_case cases[] = {
        {"Bearer {{v.body}}", "\"t0ken\"", NULL, "Bearer t0ken"},
        {"{{v.body}}", "\"a\\tb\"", NULL, "a\tb"},
        {"{{v.body}}", "\"\\u00fc\"", NULL, "\xc3\xbc"},
        {"{{v.body}}", "=\xff", NULL, "\xff"},
        {"{{v.body}}", "\"\"", NULL, ""},
        {"plain", NULL, NULL, "plain"},
        {"x {{v.body}}", "\"a\\r\\nhost: b\"", NULL,
         "FAULT 0: holds a control character"},
        {"x {{v.body}}", "\"a\\nb\"", NULL, "FAULT 0: holds a control character"},
        {"x {{v.body}}", "\"\\u0000\"", NULL, "FAULT 0: holds a control character"},
        {"x {{v.body}}", "\"\\u007f\"", NULL, "FAULT 0: holds a control character"},
        {"{{v.body}} x", "\" a\"", NULL, "FAULT -1: the header would begin"},
        {"x {{v.body}}", "\"a\\t\"", NULL, "FAULT -1: the header would begin"},
        {"x {{v.body}}", "\"\"", NULL, "FAULT -1: the header would begin"},
        {"x {{v.body}}", "{}", NULL, "FAULT 0: is an object"},
    };
    CHECK(expand_header, cases);
}

Test(template, json_keeps_types_where_a_reference_is_all)
{
    static const struct expand_case cases[] = {
        {"{{v.body}}", "1.00", NULL, "1.00"},
        {"{{v.body}}", "{\"a\" : [1, null]}", NULL, "{\"a\" : [1, null]}"},
        {"{{v.body}}", "null", NULL, "null"},
        {"{{v.body}}", "\"\\u0041\"", NULL, "\"\\u0041\""},
        {"{{v.body}}", "=a\"b", NULL, "\"a\\\"b\""},
        {"{{v.body}}", "=\xff", NULL, "\"\xc3\xbf\""},
        {" {{v.body}}", "1.00", NULL, "\" 1.00\""},
        {"a{{v.body}}", "\"\\\"\\n\"", NULL, "\"a\\\"\\n\""},
        {"a{{v.body}}", "=\xff", NULL, "\"a\xc3\xbf\""},
        {"{{{{", NULL, NULL, "\"{{\""},
        {"a{{v.body}}", "[]", NULL, "FAULT 0: is an object"},
    };
    CHECK(expand_json_string, cases);
}

Test(template, in_a_url_a_value_keeps_its_place)
{
    static const struct expand_case cases[] = {
        {"http://h/{{v.body}}", "\"a b\"", NULL, "http://h/a%20b"},
        {"http://h/{{v.body}}/x", "\"a/b?c#d\"", NULL, "http://h/a%2Fb%3Fc%23d/x"},
        {"http://h/{{v.body}}", "\"@:[]&=+%2f\\\\\"", NULL,
         "http://h/%40%3A%5B%5D%26%3D%2B%252f%5C"},
        {"http://h/{{v.body}}", "\"Az09-._~\"", NULL, "http://h/Az09-._~"},
        {"http://h/{{v.body}}", "\"\\u0000\\r\\n\\u00fc\"", NULL,
         "http://h/%00%0D%0A%C3%BC"},
        {"http://h?q={{v.body}}&r={{w.body}}", "\"a&r=b\"", "7",
         "http://h?q=a%26r%3Db&r=7"},
        {"http://h/p?q={{v.body}}", "\"\"", NULL, "http://h/p?q="},
        {"http://h/p?q={{v.body}}", "\"..\"", NULL, "http://h/p?q=.."},
        {"http://h/p#{{v.body}}", "\"#\"", NULL, "http://h/p#%23"},
        {"http://h/{{v.body}}-{{w.body}}", "1", "true", "http://h/1-true"},
        {"http://h/{{{{/x", NULL, NULL, "http://h/{{/x"},
        {"http://h/{{v.body}}", "=a b\xff", NULL, "http://h/a%20b%FF"},
        {"http://h/{{v.body}}", "null", NULL, "FAULT 0: is null"},
        {"http://h/{{v.body}}", "{}", NULL, "FAULT 0: is an object"},
    };
    CHECK(expand_url, cases);
}

Test(template, a_value_never_makes_a_path_climb_or_shorter)
{
    static const struct expand_case cases[] = {
        {"http://h/a/{{v.body}}/b", "\"..\"", NULL, "FAULT 0: would make . or .."},
        {"http://h/a/{{v.body}}", "\".\"", NULL, "FAULT 0: would make . or .."},
        {"http://h/a/{{v.body}}?q", "\"..\"", NULL, "FAULT 0: would make . or .."},
        {"http://h/a/{{v.body}}#f", "\"..\"", NULL, "FAULT 0: would make . or .."},
        {"http://h/a/.{{v.body}}/b", "\".\"", NULL, "FAULT 0: would make . or .."},
        {"http://h/a/{{v.body}}{{w.body}}/b", "\".\"", "\".\"",
         "FAULT 1: would make . or .."},
        {"http://h/a/%2e{{v.body}}/b", "\".\"", NULL, "FAULT 0: would make . or .."},
        {"http://h/a/%2E{{v.body}}%2e", "\"\"", NULL, "FAULT 0: would make . or .."},
        {"http://h/a/{{v.body}};v=1/b", "\"..\"", NULL, "FAULT 0: would make . or .."},
        {"http://h/a/{{v.body}}", "\"../b\"", NULL, "FAULT 0: would make . or .."},
        {"http://h/a/{{v.body}}", "\"b/..\"", NULL, "FAULT 0: would make . or .."},
        {"http://h/a/{{v.body}}", "\"b\\\\..\\\\c\"", NULL,
         "FAULT 0: would make . or .."},
        {"http://h/a/x%2f{{v.body}}", "\"..\"", NULL, "FAULT 0: would make . or .."},
        {"http://h/a/{{v.body}}", "\"...\"", NULL, "http://h/a/..."},
        {"http://h/a/{{v.body}}", "\"a..\"", NULL, "http://h/a/a.."},
        {"http://h/a/{{v.body}}", "\"..a\"", NULL, "http://h/a/..a"},
        {"http://h/a/{{v.body}}", "\"%2e%2e\"", NULL, "http://h/a/%252e%252e"},
        {"http://h/a/{{v.body}}", "\"..%2f\"", NULL, "http://h/a/..%252f"},
        {"http://h/a/{{v.body}}", "\"..;\"", NULL, "http://h/a/..%3B"},
        {"http://h/../{{v.body}}", "\"a\"", NULL, "http://h/../a"}, /* the client's own */
        {"http://h/a/{{v.body}}/b", "\"\"", NULL, "FAULT 0: is empty"},
        {"http://h/a/{{v.body}}", "\"\"", NULL, "FAULT 0: is empty"},
        {"http://h/a/{{v.body}}{{w.body}}?q", "\"\"", "=", "FAULT 1: is empty"},
        {"http://h/a//{{v.body}}x", "\"\"", NULL, "http://h/a//x"},
    };
    CHECK(expand_url, cases);
}

Test(template, a_url_that_is_one_reference_is_any_string)
{
    static const struct expand_case cases[] = {
        {"{{v.body}}", "\"http://x/?a=b#c\"", NULL, "http://x/?a=b#c"},
        {"{{v.body}}", "=http://x/", NULL, "http://x/"},
        {"{{v.body}}", "\"\"", NULL, ""},
        {"{{v.body}}", "\"ftp://../\"", NULL, "ftp://../"}, /* the guard's business */
        {"{{v.body}}", "1", NULL, "FAULT 0: is no string"},
        {"{{v.body}}", "null", NULL, "FAULT 0: is no string"},
        {"{{v.body}}", "\"http://a\\u0000b\"", NULL, "FAULT 0: holds a NUL"},
    };
    CHECK(expand_url, cases);
}

Test(template, a_url_has_no_reference_before_its_path)
{
    static const struct {
        const char *url;
        const char *fault; /* NULL: fine */
    } cases[] = {
        {"{{a.body}}", NULL},
        {"http://h/{{a.body}}", NULL},
        {"http://h?{{a.body}}", NULL},
        {"http://h#{{a.body}}", NULL},
        {"http://h/%20{{a.body}}%2f", NULL},
        {"http://h/a", NULL},
        {"{{a.body}}://h/", "scheme, host or port"},
        {"http{{a.body}}://h/", "scheme, host or port"},
        {"http:{{a.body}}", "scheme, host or port"},
        {"http:/{{a.body}}", "scheme, host or port"},
        {"http://{{a.body}}", "scheme, host or port"},
        {"http://{{a.body}}/", "scheme, host or port"},
        {"http://h{{a.body}}", "scheme, host or port"},
        {"http://h:{{a.body}}/", "scheme, host or port"},
        {"http://{{a.body}}@h/", "scheme, host or port"},
        {"http://h{{{{{{a.body}}", "scheme, host or port"},
        {" {{a.body}}", "scheme, host or port"},
        {"{{a.body}}/x", "scheme, host or port"},
        {"{{a.body}}{{a.body}}", "scheme, host or port"},
        {"a/b/{{a.body}}", "scheme, host or port"},
        {"http://h/%{{a.body}}", "%-escape"},
        {"http://h/%2{{a.body}}", "%-escape"},
        {"http://h/?a=%2{{a.body}}", "%-escape"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct template template = read(cases[i].url);
        const char *fault = template_url_fault(&template);
        cr_expect(cases[i].fault ? fault && strstr(fault, cases[i].fault) : !fault,
                  "%s: %s", cases[i].url, fault ? fault : "fine");
    }
    arena_done(&arena);
}

Test(template, what_does_not_fit_is_said_to_be_full)
{
    static expand_fn *const all[] = {expand_url, expand_header, expand_text, expand_form,
                                     expand_json_string};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (size_t max = 0; max < 14; max++) {
            set_values("\"abcd\"", NULL);
            cr_expect_str_eq(expand(all[i], "http://h/{{v.body}}", max),
                             i == 4 || max < 13 ? "FULL" : "http://h/abcd", "%zu %zu", i,
                             max);
        }
        set_values("\"abcd\"", NULL);
        cr_expect_str_eq(expand(all[i], "{{v.body}}", 3), "FULL");
    }
    set_values("=abcd", NULL);
    cr_expect_str_eq(expand(expand_json_string, "{{v.body}}", 3), "FULL");
}

Test(template, a_value_over_its_ceiling_is_refused)
{
    static char value[1200];
    memset(value, 'a', sizeof value - 1);
    value[0] = value[sizeof value - 2] = '"';
    set_values(value, NULL);
    cr_expect_str_eq(expand(expand_text, "{{v.body}}", 4000), "FAULT 0: is too long");
    cr_expect_str_eq(expand(expand_url, "{{v.body}}", 4000), "FAULT 0: is too long");
}

/* A body may hold a reference a hundred thousand times: when it is full, the values
 * behind are not decoded any more. The null would be the fault of whoever gets to it. */
Test(template, values_behind_what_is_full_are_not_looked_at)
{
    expand_fn *all[] = {expand_text, expand_form, expand_header, expand_json_string};
    set_values("\"abcd\"", "null");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        cr_expect_str_eq(expand(all[i], "{{v.body}}{{w.body}}", 3), "FULL", "%zu", i);
        cr_expect_str_eq(expand(all[i], "abcd{{v.body}}{{w.body}}", 3), "FULL", "%zu", i);
    }
}
