/* SPDX-License-Identifier: Apache-2.0 */
/* Ids: defaults, odd ones, and those that are not unique. */
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>

static struct batch *parse_with_id(const char *id, struct parse_errors *errors)
{
    struct buffer text;
    buffer_init(&text, 1 << 16);
    buffer_append_text(&text, "[{\"url\": \"u\", \"id\": \"");
    buffer_append_text(&text, id);
    buffer_append_text(&text, "\"}]");
    struct batch *batch = fixture_parse_bytes(text.data, text.len, errors);
    buffer_done(&text);
    return batch;
}

/* `count` times `character`. */
static const char *repeated(const char *character, int count)
{
    static char text[2048];
    text[0] = '\0';
    for (int i = 0; i < count; i++)
        strcat(text, character);
    return text;
}

Test(parse_ids, odd_texts_are_ids)
{
    static const char *const ids[] = {" ",        "\xc3\xbc\xe2\x82\xac", "a/b~c", "\x7f",
                                      "<script>", "\xe2\x80\xa8",         "00",    "-1",
                                      "1e0"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct parse_errors errors;
        struct batch *batch = parse_with_id(ids[i], &errors);
        cr_assert_not_null(batch, "%s", ids[i]);
        cr_expect(fixture_is(batch->items[0].id, ids[i]));
        batch_free(batch);
    }
}

Test(parse_ids, the_length_counts_characters)
{
    static const char *const characters[] = {"x", "\xc3\xbc", "\xf0\x9f\x98\x80"};
    for (size_t i = 0; i < 3; i++) {
        struct parse_errors errors;
        struct batch *batch = parse_with_id(repeated(characters[i], 128), &errors);
        cr_expect_not_null(batch);
        batch_free(batch);
        cr_expect_null(parse_with_id(repeated(characters[i], 129), &errors));
        cr_expect(fixture_has_error(&errors, "/0/id", "1 to 128 characters"));
        parse_errors_done(&errors);
    }
}

struct unique_case {
    const char *text;
    const char *pointer; /* NULL: fine */
    const char *part;
};

static const struct unique_case cases[] = {
    {"[{'url':'u','id':'a'},{'url':'u','id':'b'},'u']", NULL, NULL},
    {"[{'url':'u','id':'a'},{'url':'u','id':'a'}]", "/1/id", "of item 0 already"},
    {"[{'url':'u','id':'a'},'u',{'url':'u','id':'\\u0061'}]", "/2/id", "of item 0"},
    {"['u',{'url':'u','id':'0'}]", "/1/id", "of item 0"},
    {"[{'url':'u','id':'1'},'u']", "/0/id", "of item 1"},
    {"[{'url':'u','id':'1'},{'url':'u','id':'0'}]", NULL, NULL},
    {"[{'url':'u','id':'0'},'u']", NULL, NULL},
    {"[{'url':'u','id':'01'},'u']", NULL, NULL},
    {"[{'url':'u','id':'2'},'u']", NULL, NULL},
    {"[{'url':'u','id':'A'},{'url':'u','id':'a'}]", NULL, NULL},
    {"{'requests':['u',{'url':'u','id':'x'},{'url':'u','id':'x'}]}", "/requests/2/id",
     "of item 1"},
};

Test(parse_ids, no_two_are_alike)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parse_errors errors;
        struct batch *batch = fixture_parse_quoted(cases[i].text, &errors);
        cr_expect_eq(batch != NULL, cases[i].pointer == NULL, "%s", cases[i].text);
        if (cases[i].pointer &&
            !fixture_has_error(&errors, cases[i].pointer, cases[i].part)) {
            fixture_print_errors(&errors);
            cr_expect_fail("%s", cases[i].text);
        }
        parse_errors_done(&errors);
        batch_free(batch);
    }
}

Test(parse_ids, a_thousand_ids_are_told_apart)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    for (int i = 0; i < 1000; i++)
        buffer_append_format(&text, "%s{\"url\":\"u\",\"id\":\"n%d\"}", i ? "," : "[",
                             i == 777 ? 333 : i);
    buffer_append_byte(&text, ']');
    struct parse_errors errors;
    cr_assert_null(fixture_parse_bytes(text.data, text.len, &errors));
    cr_expect_eq(errors.total, 1);
    cr_expect(fixture_has_error(&errors, "/777/id", "of item 333"));
    parse_errors_done(&errors);
    buffer_done(&text);
}

Test(parse_ids, default_ids_are_the_indexes)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    for (int i = 0; i < 1000; i++)
        buffer_append_text(&text, i ? ",\"u\"" : "[\"u\"");
    buffer_append_byte(&text, ']');
    struct parse_errors errors;
    struct batch *batch = fixture_parse_bytes(text.data, text.len, &errors);
    cr_assert_not_null(batch);
    for (int i = 0; i < 1000; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "%d", i);
        cr_expect(fixture_is(batch->items[i].id, expected));
    }
    batch_free(batch);
    buffer_done(&text);
}
