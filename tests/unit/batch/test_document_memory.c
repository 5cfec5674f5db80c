/* SPDX-License-Identifier: Apache-2.0 */
/* Documents read under a budget: charged, refused for size or for want of room, and given
 * back to the last byte. */
#include "batch/document_memory.h"
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>
#include <jansson.h>

static struct budget budget;

static struct batch *parse(const char *text, struct parse_errors *errors)
{
    struct config config = fixture_config();
    const struct parse_setup setup = {.config = &config, .memory = &budget};
    return parse_batch(slice_from(text), &setup, errors);
}

static char *many_items(size_t count)
{
    char *text = malloc(count * 8 + 3);
    strcpy(text, "[");
    for (size_t i = 0; i < count; i++)
        strcat(text, i ? ",\"u\"" : "\"u\"");
    return strcat(text, "]");
}

TestSuite(document_memory, .init = parse_global_init);

Test(document_memory, a_batch_is_charged_while_it_lives_and_given_back_with_it)
{
    struct parse_errors errors;
    budget.max = 64 << 20;
    struct batch *batch = parse("[\"http://a/\"]", &errors);
    cr_assert_not_null(batch);
    cr_expect_gt(budget_held(&budget), sizeof(struct item));
    batch_free(batch);
    cr_expect_eq(budget_held(&budget), 0);
    parse_errors_done(&errors);
}

Test(document_memory, what_is_refused_gives_back_everything)
{
    struct parse_errors errors;
    budget.max = 64 << 20;
    cr_assert_null(parse("[\"http://a/\", 5]", &errors));
    parse_errors_done(&errors);
    cr_assert_null(parse("[\"http://a/\", ", &errors));
    cr_expect_eq(errors.refusal, PARSE_INVALID);
    cr_expect_eq(budget_held(&budget), 0);
    parse_errors_done(&errors);
}

Test(document_memory, a_document_over_its_share_of_the_budget_is_too_large)
{
    struct parse_errors errors;
    budget.max = 256 << 10; /* a quarter is less than 1000 items */
    char *text = many_items(900);
    cr_assert_null(parse(text, &errors));
    cr_expect_eq(errors.refusal, PARSE_TOO_LARGE);
    cr_expect(fixture_has_error(&errors, "", "memory.request_budget"));
    cr_expect_eq(budget_held(&budget), 0);
    parse_errors_done(&errors);
    free(text);
}

Test(document_memory, a_tree_that_outgrows_its_share_while_it_is_read_is_too_large)
{
    struct parse_errors errors;
    static const char last[] =
        ",{\"url\":\"u\",\"timeoutMs\":5}]"; /* more than URLs: a tree */
    budget.max = 64 << 10;
    char *text = realloc(many_items(900), 900 * 8 + 3 + sizeof last);
    strcpy(strrchr(text, ']'), last);
    cr_assert_null(parse(text, &errors));
    cr_expect_eq(errors.refusal, PARSE_TOO_LARGE);
    cr_expect_eq(budget_held(&budget), 0);
    parse_errors_done(&errors);
    free(text);
}

Test(document_memory, without_room_in_the_budget_there_is_no_memory_just_now)
{
    struct parse_errors errors;
    budget.max = 64 << 20;
    budget_force(&budget, budget.max);
    cr_assert_null(parse("[\"http://a/\"]", &errors));
    cr_expect_eq(errors.refusal, PARSE_NO_MEMORY);
    cr_expect_eq(budget_held(&budget), budget.max);
    parse_errors_done(&errors);
}

/* The text they came in is given back when it has been read; they are held until the
 * batch has ended. */
Test(document_memory, bodies_to_send_are_charged)
{
    enum { BODY_LEN = 2 << 20 };
    static const char head[] = "[{\"url\":\"http://a/\",\"method\":\"POST\",\"body\":\"";
    static const char tail[] = "\"}]";
    struct parse_errors errors;
    char *text = malloc(sizeof head + BODY_LEN + sizeof tail);
    strcpy(text, head);
    memset(text + sizeof head - 1, 'b', BODY_LEN);
    strcpy(text + sizeof head - 1 + BODY_LEN, tail);
    budget.max = 64 << 20;
    struct batch *batch = parse(text, &errors);
    free(text);
    cr_assert_not_null(batch);
    cr_expect_geq(budget_held(&budget), BODY_LEN);
    batch_free(batch);
    cr_expect_eq(budget_held(&budget), 0);
    parse_errors_done(&errors);
}

/* Each item has a list of its own of all header lines: 3 KB for the 21 bytes of an item.
 */
Test(document_memory, header_lists_that_outgrow_the_share_are_too_large)
{
    struct parse_errors errors;
    char *text = malloc(64 << 10);
    char *at = text + sprintf(text, "{\"defaults\":{\"headers\":{");
    for (int i = 0; i < 99; i++)
        at += sprintf(at, "%s\"h%d\":\"\"", i ? "," : "", i);
    at += sprintf(at, "}},\"requests\":[");
    for (int i = 0; i < 900; i++)
        at += sprintf(at, "%s{\"url\":\"u\",\"headers\":{}}", i ? "," : "");
    strcpy(at, "]}");
    budget.max = 8 << 20;
    struct batch *batch = parse(text, &errors);
    cr_expect_eq(errors.refusal, PARSE_TOO_LARGE);
    batch_free(batch);
    cr_expect_eq(budget_held(&budget), 0);
    parse_errors_done(&errors);
    free(text);
}

Test(document_memory, a_query_is_charged_too)
{
    struct parse_errors errors;
    struct config config = fixture_config();
    const struct parse_setup setup = {.config = &config, .memory = &budget};
    const struct parse_argument url = {slice_from("url"), slice_from("http://a/")};
    budget.max = 64 << 20;
    struct batch *batch = parse_query(&url, 1, &setup, &errors);
    cr_assert_not_null(batch);
    cr_expect_gt(budget_held(&budget), 0);
    batch_free(batch);
    cr_expect_eq(budget_held(&budget), 0);
    parse_errors_done(&errors);
}

Test(document_memory, other_json_is_not_charged)
{
    budget.max = 1;
    json_t *value = json_pack("{s:s}", "a", "b");
    cr_assert_not_null(value);
    json_decref(value);
    struct document_memory memory;
    document_memory_init(&memory, NULL);
    cr_expect(document_memory_take(&memory, UINT64_MAX));
    document_memory_done(&memory);
}
