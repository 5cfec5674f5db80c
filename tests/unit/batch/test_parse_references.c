/* SPDX-License-Identifier: Apache-2.0 */
/* dependsOn and references as they are read: what is linked to what, and every way to get
 * it wrong, before anything is sent. */
#include "batch/references.h"
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>

static const struct references *references_of(const struct batch *batch, size_t item)
{
    const struct item_options *options = batch->items[item].options;
    return options ? options->references : NULL;
}

Test(parse_references, link_both_items_and_leave_the_others_plain)
{
    struct batch *batch =
        fixture_parse_good("['http://h/a', 'http://h/{{0.body.x}}?{{0.status}}',"
                           " {'url': 'http://h/', 'dependsOn': ['1', '0', '1']},"
                           " 'http://h/d']");
    const struct references *first = references_of(batch, 0);
    const struct references *second = references_of(batch, 1);
    const struct references *third = references_of(batch, 2);
    cr_assert(first && second && third);
    cr_expect_null(batch->items[3].options);
    cr_expect(first->need_count == 0 && first->user_count == 2 &&
              first->wanted_count == 2);
    cr_expect(first->users[0] == 1 && first->users[1] == 2);
    cr_expect(second->need_count == 1 && second->needs[0] == 0);
    cr_expect(second->source_count == 2 && second->url != NULL);
    cr_expect(third->need_count == 2 && third->needs[0] == 1 && third->needs[1] == 0);
    cr_expect(third->source_count == 0 && third->url == NULL);
    batch_free(batch);
}

Test(parse_references, the_same_value_is_wanted_once)
{
    struct batch *batch = fixture_parse_good(
        "{'requests': [{'id': 'a', 'url': 'http://h/'},"
        " {'url': 'http://h/{{a.body.x}}/{{ a.body.x }}', 'id': 'b', 'method': 'POST',"
        "  'body': ['{{a.body.x}}', '{{a.headers.e}}'], 'headers': {'x': "
        "'{{a.body.y}}'}},"
        " 'http://h/{{a.body.x}}']}");
    const struct references *a = references_of(batch, 0);
    const struct references *b = references_of(batch, 1);
    cr_expect_eq(a->wanted_count, 3);
    cr_expect_eq(b->source_count, 3);
    cr_expect(b->url && b->body && b->header_count == 1);
    for (size_t i = 0; i < 3; i++)
        cr_expect(slice_equal(a->wanted[b->sources[i].wanted]->text,
                              b->sources[i].reference->text));
    batch_free(batch);
}

Test(parse_references, those_of_the_defaults_are_every_items_but_who_takes_them_away)
{
    struct batch *batch = fixture_parse_good(
        "{'defaults': {'headers': {'authorization': 'Bearer {{login.body.token}}'}},"
        " 'requests': [{'id': 'login', 'url': 'http://h/',"
        "               'headers': {'authorization': []}}, 'http://h/1',"
        "              {'url': 'http://h/2', 'headers': {'a': 'b'}}]}");
    cr_expect_eq(references_of(batch, 0)->user_count, 2);
    cr_expect_eq(references_of(batch, 1)->header_count, 1);
    cr_expect_eq(references_of(batch, 2)->header_count, 1);
    batch_free(batch);
}

Test(parse_references, switched_off_braces_are_text)
{
    struct batch *batch =
        fixture_parse_good("{'defaults': {'references': false}, 'requests': ["
                           "{'url': 'http://h/{{x}}', 'headers': {'a': '{{'}, "
                           "'method': 'PUT', 'body': '{{'},"
                           "{'url': 'http://h/{{{{', 'references': true}]}");
    cr_expect_null(references_of(batch, 0));
    cr_expect(references_of(batch, 1) && references_of(batch, 1)->url);
    batch_free(batch);
    batch = fixture_parse_good(
        "[{'url': 'http://h/{{x}}', 'references': false, 'dependsOn': ['1']},"
        " 'http://h/']");
    cr_expect(references_of(batch, 0)->need_count == 1);
    batch_free(batch);
}

Test(parse_references, kinds_of_bodies)
{
    static const struct {
        const char *item;
        int kind; /* -1: no template */
    } cases[] = {
        {"'body': {'a': '{{0.body}}'}", BODY_TEMPLATE_JSON},
        {"'body': '{{0.body}}', 'bodyEncoding': 'json'", BODY_TEMPLATE_JSON},
        {"'body': '{{0.body}}'", BODY_TEMPLATE_WHOLE},
        {"'body': 'a {{0.body}}'", BODY_TEMPLATE_TEXT},
        {"'body': '{{0.body}}', 'bodyEncoding': 'text'", BODY_TEMPLATE_TEXT},
        {"'body': 'a={{0.body}}', 'headers': {'Content-Type':"
         " 'Application/x-www-form-urlencoded; charset=utf-8'}",
         BODY_TEMPLATE_FORM},
        {"'body': 'e3swLmJvZHl9fQ==', 'bodyEncoding': 'base64'", -1},
        {"'body': {'{{0.body}}': 1}", -1},
        {"'body': {'a': {'b': {}}}", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "['http://h/', {'url': 'http://h/', 'method': 'POST', %s}]",
                 cases[i].item);
        struct batch *batch = fixture_parse_good(text);
        const struct references *made = references_of(batch, 1);
        const struct body_template *body = made ? made->body : NULL;
        cr_expect_eq(body ? (int)body->kind : -1, cases[i].kind, "%s", cases[i].item);
        batch_free(batch);
    }
}

struct wrong_case {
    const char *document;
    const char *pointer;
    const char *part;
};

Test(parse_references, what_cannot_be_is_refused_before_anything_is_sent)
{
    static const struct wrong_case cases[] = {
        {"[{'url': 'http://h/', 'dependsOn': '0'}]", "/0/dependsOn", "array of ids"},
        {"[{'url': 'http://h/', 'dependsOn': [1]}]", "/0/dependsOn/0", "the id of a"},
        {"[{'url': 'http://h/', 'dependsOn': ['0']}]", "/0/dependsOn/0",
         "cannot wait for itself"},
        {"[{'url': 'http://h/', 'dependsOn': ['1']}]", "/0/dependsOn/0",
         "no request has the id \"1\""},
        {"{'defaults': {'dependsOn': []}, 'urls': ['x']}", "/defaults/dependsOn",
         "cannot be a default"},
        {"{'requests': [{'id': 'login', 'url': 'http://h/'}, "
         "'http://h/{{logn.status}}']}",
         "/requests/1/url", "did you mean \"login\"?"},
        {"{'urls': ['http://h/{{1.status}}']}", "/urls/0", "no request has the id \"1\""},
        {"['http://h/{{0.status}}']", "/0/url", "cannot wait for itself"},
        {"['http://{{1.body}}/', 'http://h/']", "/0/url", "scheme, host or port"},
        {"['http://h/%{{1.body}}', 'http://h/']", "/0/url", "%-escape"},
        {"['http://h/{{1.body']", "/0/url", "what stands behind {{ has something else"},
        {"['http://h/{{}}']", "/0/url", "\"references\": false"},
        {"[{'url': 'http://h/', 'headers': {'x-y': ['a', '{{b}}']}}]", "/0/headers/x-y",
         "must go on behind the id"},
        {"[{'url': 'http://h/', 'method': 'PUT', 'body': ['{{b}}']}]", "/0/body",
         "must go on behind the id"},
        {"['http://h/{{1.status}}', 'http://h/{{0.status}}']", "/0",
         "waits for itself: \"0\" needs \"1\" needs \"0\""},
        {"[{'url': 'http://h/', 'dependsOn': ['1']}, 'http://h/{{2.status}}',"
         " 'http://h/{{1.status}}']",
         "/1", "waits for itself: \"1\" needs \"2\" needs \"1\""},
        {"[{'url': 'http://h/', 'headers': {'host': '{{0.body}}'}}]", "/0/headers/host",
         "may not be set"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parse_errors errors;
        cr_expect_null(fixture_parse_quoted(cases[i].document, &errors), "%s",
                       cases[i].document);
        cr_expect(fixture_has_error(&errors, cases[i].pointer, cases[i].part), "%s",
                  cases[i].document);
        if (!fixture_has_error(&errors, cases[i].pointer, cases[i].part))
            fixture_print_errors(&errors);
        parse_errors_done(&errors);
    }
}

/* A batch of `count` items, in which those from 1 on are `format` with their number. */
static struct buffer many(size_t count, const char *first, const char *format)
{
    struct buffer text;
    buffer_init(&text, 64 << 20);
    buffer_append_format(&text, "[%s", first);
    for (size_t i = 1; i < count; i++) {
        buffer_append_byte(&text, ',');
        if (strstr(format, "%zu"))
            buffer_append_format(&text, "{\"url\": \"http://h/{{%zu.status}}\"}", i - 1);
        else
            buffer_append_text(&text, format);
    }
    buffer_append_byte(&text, ']');
    return text;
}

Test(parse_references, long_chains_and_cycles_take_no_recursion)
{
    struct parse_errors errors;
    struct buffer text = many(1000, "\"http://h/\"", "%zu");
    struct batch *batch = fixture_parse_bytes(text.data, text.len, &errors);
    cr_assert_not_null(batch);
    cr_expect_eq(references_of(batch, 999)->needs[0], 998);
    batch_free(batch);
    buffer_done(&text);
    text = many(1000, "\"http://h/{{999.status}}\"", "%zu");
    cr_expect_null(fixture_parse_bytes(text.data, text.len, &errors));
    cr_expect(fixture_has_error(&errors, "/0", "needs … needs \"0\""));
    parse_errors_done(&errors);
    buffer_done(&text);
}

Test(parse_references, one_reply_gives_at_most_32_different_values)
{
    struct parse_errors errors;
    struct buffer text;
    buffer_init(&text, 1 << 16);
    buffer_append_text(&text, "[\"http://h/\"");
    for (int i = 0; i <= WANTED_MAX; i++)
        buffer_append_format(&text, ",\"http://h/{{0.body.x%d}}\"", i);
    buffer_append_byte(&text, ']');
    cr_expect_null(fixture_parse_bytes(text.data, text.len, &errors));
    cr_expect_eq(errors.total, 1);
    cr_expect(strstr(errors.list[0].detail, "at most 32 different values"));
    parse_errors_done(&errors);
    buffer_done(&text);
}

Test(parse_references, an_item_waits_for_at_most_64_others)
{
    struct parse_errors errors;
    for (int count = DEPENDENCIES_MAX; count <= DEPENDENCIES_MAX + 1; count++) {
        struct buffer text;
        buffer_init(&text, 1 << 16);
        buffer_append_text(&text, "[{\"url\":\"http://h/\",\"dependsOn\":[");
        for (int i = 1; i <= count; i++)
            buffer_append_format(&text, "%s\"%d\"", i > 1 ? "," : "", i);
        buffer_append_text(&text, "]}");
        for (int i = 1; i <= count; i++)
            buffer_append_text(&text, ",\"http://h/\"");
        buffer_append_byte(&text, ']');
        struct batch *batch = fixture_parse_bytes(text.data, text.len, &errors);
        cr_expect_eq(batch != NULL, count == DEPENDENCIES_MAX);
        if (!batch)
            cr_expect(fixture_has_error(&errors, "/0", "more than 64 other requests"));
        batch_free(batch);
        parse_errors_done(&errors);
        buffer_done(&text);
    }
}
