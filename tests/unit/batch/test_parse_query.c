/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/batch?url=…: arguments, after percent-decoding, to a batch. */
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>

enum { ARGUMENTS_MAX = 8 };

/* "name=value&name=value"; nothing is decoded. */
static struct batch *parse(const char *query, struct parse_errors *errors)
{
    char copy[256];
    struct parse_argument arguments[ARGUMENTS_MAX];
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", query);
    for (char *at = strtok(copy, "&"); at; at = strtok(NULL, "&")) {
        char *equals = strchr(at, '=');
        cr_assert(equals && count < ARGUMENTS_MAX);
        arguments[count++] = (struct parse_argument){
            .name = slice_make(at, (size_t)(equals - at)),
            .value = slice_from(equals + 1),
        };
    }
    struct config config = fixture_config();
    config.batch.max_items = 4;
    struct batch *batch =
        parse_query(arguments, count, &(struct parse_setup){.config = &config}, errors);
    memset(copy, 'x', sizeof copy); /* the batch must not point into it */
    return batch;
}

Test(parse_query, urls_become_plain_gets)
{
    struct parse_errors errors;
    struct batch *batch =
        parse("url=http://a/?x=1&url=http://b/&deadlineMs=2000&concurrency=1"
              "&include=headers,timing",
              &errors);
    cr_assert_not_null(batch);
    cr_assert_eq(batch->count, 2);
    cr_expect(fixture_is(batch->items[0].url, "http://a/?x=1"));
    cr_expect(fixture_is(batch->items[1].url, "http://b/"));
    cr_expect_eq(batch->items[1].url.data[batch->items[1].url.len], '\0');
    cr_expect(fixture_is(batch->items[1].id, "1"));
    cr_expect_eq(batch->items[0].method, METHOD_GET);
    cr_expect_eq(batch->items[0].redirects, -1);
    cr_expect_eq(batch->deadline_ms, 2000);
    cr_expect_eq(batch->concurrency, 1);
    cr_expect_eq(batch->include, INCLUDE_HEADERS | INCLUDE_TIMING);
    batch_free(batch);
}

Test(parse_query, an_empty_include_asks_for_nothing_and_none_for_the_usual)
{
    struct parse_errors errors;
    struct batch *batch = parse("url=u&include=", &errors);
    cr_expect_eq(batch->include, 0);
    batch_free(batch);
    batch = parse("url=u", &errors);
    cr_expect_eq(batch->include, INCLUDE_DEFAULT);
    batch_free(batch);
}

Test(parse_query, urls_may_hold_any_bytes)
{
    struct parse_argument argument = {slice_from("url"), slice_make("\0\xff\n", 3)};
    struct config config = fixture_config();
    struct parse_errors errors;
    struct batch *batch =
        parse_query(&argument, 1, &(struct parse_setup){.config = &config}, &errors);
    cr_assert_not_null(batch);
    cr_expect(slice_equal(batch->items[0].url, slice_make("\0\xff\n", 3)));
    batch_free(batch);
}

struct query_case {
    const char *query;
    const char *pointer;
    const char *part;
};

static const struct query_case wrong[] = {
    {"", "/urls", "at least one url"},
    {"deadlineMs=5", "/urls", "at least one url"},
    {"url=u&deadlineMs=x", "/deadlineMs", "from 1 to 600000"},
    {"url=u&deadlineMs=", "/deadlineMs", "from 1 to 600000"},
    {"url=u&deadlineMs=0", "/deadlineMs", "from 1 to 600000"},
    {"url=u&deadlineMs=-1", "/deadlineMs", "from 1 to 600000"},
    {"url=u&deadlineMs=+1", "/deadlineMs", "from 1 to 600000"},
    {"url=u&deadlineMs= 1", "/deadlineMs", "from 1 to 600000"},
    {"url=u&deadlineMs=1e3", "/deadlineMs", "from 1 to 600000"},
    {"url=u&deadlineMs=1.0", "/deadlineMs", "from 1 to 600000"},
    {"url=u&deadlineMs=600001", "/deadlineMs", "from 1 to 600000"},
    {"url=u&deadlineMs=99999999999999999999", "/deadlineMs", "from 1 to 600000"},
    {"url=u&deadlineMs=5&deadlineMs=6", "/deadlineMs", "given twice"},
    {"url=u&concurrency=0", "/concurrency", "from 1 to"},
    {"url=u&include=nope", "/include", "must be \"headers\""},
    {"url=u&include=body,body", "/include", "twice"},
    {"url=u&include=body&include=timing", "/include", "given twice"},
    {"url=u&uri=1", "/uri", "did you mean \"url\""},
    {"url=u&timeoutMs=1", "/timeoutMs", "unknown field"},
    {"url=u&=1", "/", "unknown field"},
};

Test(parse_query, wrong_arguments_are_refused)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct parse_errors errors;
        struct batch *batch = parse(wrong[i].query, &errors);
        cr_expect_null(batch, "taken: %s", wrong[i].query);
        cr_expect_eq(errors.refusal, PARSE_INVALID);
        if (!fixture_has_error(&errors, wrong[i].pointer, wrong[i].part)) {
            fixture_print_errors(&errors);
            cr_expect_fail("%s", wrong[i].query);
        }
        parse_errors_done(&errors);
        batch_free(batch);
    }
}

Test(parse_query, too_many_urls_are_refused_as_such)
{
    struct parse_errors errors;
    struct batch *batch = parse("url=u&url=u&url=u&url=u", &errors);
    cr_expect_not_null(batch);
    batch_free(batch);
    cr_expect_null(parse("url=u&url=u&url=u&url=u&url=u", &errors));
    cr_expect_eq(errors.refusal, PARSE_TOO_MANY);
    cr_expect(fixture_has_error(&errors, "", "at most 4 items"));
    parse_errors_done(&errors);
}
