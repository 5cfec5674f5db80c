/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of nothing but URLs are read without the JSON library: it is the judge of them
 * all the same. */
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>
#include <jansson.h>

static const char *const plain_texts[] = {
    "[\"http://a/\"]",
    " [ \"http://a/\" ,\t{ \"url\" : \"http://b/\" } ]\r\n",
    "{\"requests\":[{\"url\":\"http://a/\"},\"http://b/\",{\"url\":\"\"}]}",
    "{ \"urls\" : [ \"http://a/?a long one that fills more than sixteen bytes\",\"b\"] }",
};
enum { TEXTS = sizeof plain_texts / sizeof *plain_texts };

/* What the library makes of it: is it a batch, and of which URLs? */
static json_t *judge(const char *text, size_t len)
{
    bool has_nul = memchr(text, '\0', len) != NULL; /* it overlooks some */
    return has_nul ? NULL : json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
}

static const json_t *list_of(const json_t *root)
{
    const json_t *requests = json_object_get(root, "requests");
    if (json_is_array(root))
        return root;
    return requests ? requests : json_object_get(root, "urls");
}

static void expect_the_same(const char *text, size_t len)
{
    struct parse_errors errors;
    struct batch *batch = fixture_parse_bytes(text, len, &errors);
    json_t *root = judge(text, len);
    const json_t *list = list_of(root);
    if (batch) {
        cr_assert_not_null(root, "%.*s", (int)len, text);
        cr_assert_eq(batch->count, json_array_size(list), "%.*s", (int)len, text);
        cr_assert_eq(errors.total, 0);
    }
    for (size_t i = 0; batch && i < batch->count; i++) {
        const json_t *value = json_array_get(list, i);
        const json_t *url = json_is_string(value) ? value : json_object_get(value, "url");
        cr_assert(slice_equal(batch->items[i].url, slice_make(json_string_value(url),
                                                              json_string_length(url))),
                  "%.*s", (int)len, text);
        cr_assert_eq(batch->items[i].url.data[batch->items[i].url.len], '\0');
    }
    batch_free(batch);
    parse_errors_done(&errors);
    json_decref(root);
}

Test(parse_plain, every_plain_text_is_a_batch)
{
    for (size_t i = 0; i < TEXTS; i++) {
        struct parse_errors errors;
        struct batch *batch = fixture_parse(plain_texts[i], &errors);
        cr_assert_not_null(batch, "%s", plain_texts[i]);
        cr_expect(fixture_is(batch->items[0].id, "0"));
        cr_expect_eq(batch->items[0].redirects, -1);
        cr_expect_eq(batch->include, INCLUDE_DEFAULT);
        cr_expect_null(batch->items[0].options);
        batch_free(batch);
        expect_the_same(plain_texts[i], strlen(plain_texts[i]));
    }
}

/* One byte more, less or another at every place of every text: whatever becomes a batch
 * is one for the library too, of the same URLs. */
Test(parse_plain, whatever_is_taken_the_library_takes_too)
{
    static const char bytes[] = "[]{},:\"\\u/ \n\v\x01\x1f\x7f\x80\xc3\xff"
                                "0a-\0";
    char text[128];
    for (size_t i = 0; i < TEXTS; i++) {
        size_t len = strlen(plain_texts[i]);
        for (size_t at = 0; at <= len; at++) {
            size_t behind = len - at;
            memcpy(text, plain_texts[i], at);
            if (behind > 0) { /* less */
                memcpy(text + at, plain_texts[i] + at + 1, behind - 1);
                expect_the_same(text, len - 1);
            }
            for (size_t b = 0; b < sizeof bytes; b++) {
                text[at] = bytes[b];
                memcpy(text + at + 1, plain_texts[i] + at, behind); /* more */
                expect_the_same(text, len + 1);
                if (behind > 0) { /* another */
                    memcpy(text + at + 1, plain_texts[i] + at + 1, behind - 1);
                    expect_the_same(text, len);
                }
            }
            expect_the_same(plain_texts[i], at); /* cut off */
        }
    }
}

Test(parse_plain, more_items_than_are_taken_are_refused_as_such)
{
    struct config config = fixture_config();
    static const char text[] = "[\"a\",\"b\",\"c\"]";
    const struct parse_setup setup = {.config = &config, .max_items = 2};
    struct parse_errors errors;
    cr_assert_null(parse_batch(slice_from(text), &setup, &errors));
    cr_expect_eq(errors.refusal, PARSE_TOO_MANY);
    parse_errors_done(&errors);
}

Test(parse_plain, what_it_takes_is_charged_and_given_back)
{
    struct config config = fixture_config();
    struct budget memory = {.max = 4 << 20};
    const struct parse_setup setup = {.config = &config, .memory = &memory};
    struct parse_errors errors;
    struct batch *batch = parse_batch(slice_from(plain_texts[0]), &setup, &errors);
    cr_assert_not_null(batch);
    cr_expect_gt(budget_held(&memory), sizeof *batch->items);
    batch_free(batch);
    cr_expect_eq(budget_held(&memory), 0);
    memory.max = 4096; /* a quarter of it holds no item */
    cr_assert_null(parse_batch(slice_from(plain_texts[0]), &setup, &errors));
    cr_expect_eq(errors.refusal, PARSE_TOO_LARGE);
    parse_errors_done(&errors);
    cr_expect_eq(budget_held(&memory), 0);
}

Test(parse_plain, a_url_may_name_another_items_reply)
{
    struct parse_errors errors;
    struct batch *batch =
        fixture_parse("[\"http://a/\",\"http://b/{{0.body.x}}\"]", &errors);
    cr_assert_not_null(batch);
    cr_assert_not_null(batch->items[1].options);
    cr_expect_not_null(batch->items[1].options->references);
    batch_free(batch);
}
