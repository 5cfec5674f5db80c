/* SPDX-License-Identifier: Apache-2.0 */
/* Batches read and headers written when an allocation fails, each in turn: refused for
 * want of memory, never called wrong, never half there. */
#include "base/sha256.h"
#include "batch/render_headers.h"
#include "batch/render_shape.h"
#include "support/failing_memory.h"
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { ALLOCATIONS_MAX = 2000 };

static const char document[] =
    "{\"defaults\": {\"headers\": {\"A\": \"b\"}}, \"requests\": [\"http://a.example/\","
    " {\"url\": \"http://b.example/\\u00e9\", \"id\": \"b\", \"method\": \"PUT\","
    "  \"headers\": {\"X\": [\"1\", \"2\"]}, \"body\": {\"x\": [1, 2.5, true, null]}},"
    " {\"url\": \"http://c.example/\", \"method\": \"POST\", \"body\": \"\\u00e9text\"},"
    " {\"url\": \"http://d.example/\", \"method\": \"POST\", \"bodyEncoding\": "
    "\"base64\","
    "  \"body\": \"AAECAwQ=\"},"
    " {\"url\": \"http://e.example/\", \"method\": \"POST\", \"idempotencyKey\": \"k\","
    "  \"alternatives\": [\"http://f.example/\", \"http://g.example/\"],"
    "  \"fallback\": {\"headers\": {\"X-A\": [\"1\", \"2\"]}, \"body\": {\"a\": 1}}},"
    " {\"url\": \"http://h.example/\", \"expect\": {\"status\": [200, \"3xx\"]},"
    "  \"select\": [\"/a\", \"/b/0\"], \"responseHeaders\": [\"etag\"]}]}";

/* jansson goes on with what it has of a string when there is no memory for more. */
static void check_urls(const struct batch *batch, size_t number)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct slice url = batch->items[i].url;
        bool is_whole = url.len >= 17 && memcmp(url.data + 8, ".example/", 9) == 0;
        cr_expect(is_whole, "allocation %zu: %s", number, url.data);
    }
}

/* Nothing, or all of it. */
static void check_outcome(struct batch *batch, size_t count, struct parse_errors *errors,
                          bool has_failed, size_t number)
{
    if (batch)
        cr_assert(eq(sz, batch->count, count), "allocation %zu", number);
    else
        cr_assert(has_failed && errors->refusal == PARSE_NO_MEMORY, "allocation %zu: %s",
                  number, errors->list[0].detail);
    if (batch)
        check_urls(batch, number);
    batch_free(batch);
    parse_errors_done(errors);
}

Test(batch_memory, each_allocation_of_reading_a_batch_may_fail)
{
    const struct config config = fixture_config();
    const struct parse_setup setup = {.config = &config};
    bool has_failed = true;
    size_t number = 0;
    parse_global_init();
    while (has_failed) {
        struct parse_errors errors = {.count = 0};
        failing_memory_arm(++number);
        struct batch *batch = parse_batch(slice_from(document), &setup, &errors);
        has_failed = failing_memory_disarm();
        check_outcome(batch, 6, &errors, has_failed, number);
        cr_assert(lt(sz, number, ALLOCATIONS_MAX));
    }
    cr_expect(number > 50 || !failing_memory_is_here());
}

Test(batch_memory, each_allocation_of_reading_a_query_may_fail)
{
    const struct config config = fixture_config();
    const struct parse_setup setup = {.config = &config};
    const struct parse_argument arguments[] = {
        {slice_from("url"), slice_from("http://a.example/")},
        {slice_from("url"), slice_from("http://b.example/")},
        {slice_from("deadlineMs"), slice_from("500")},
    };
    bool has_failed = true;
    size_t number = 0;
    while (has_failed) {
        struct parse_errors errors = {.count = 0};
        failing_memory_arm(++number);
        struct batch *batch = parse_query(arguments, 3, &setup, &errors);
        has_failed = failing_memory_disarm();
        check_outcome(batch, 2, &errors, has_failed, number);
        cr_assert(lt(sz, number, ALLOCATIONS_MAX));
    }
}

Test(batch_memory, many_headers_that_cannot_be_sorted_fail_the_buffer)
{
    struct call_header headers[40];
    for (size_t i = 0; i < 40; i++)
        headers[i] = (struct call_header){slice_from("name"), slice_from("value")};
    bool has_failed = true;
    for (size_t number = 1; has_failed; number++) {
        struct buffer out;
        buffer_init(&out, 1 << 20);
        failing_memory_arm(number);
        render_headers(&out, headers, 40);
        has_failed = failing_memory_disarm();
        cr_expect(eq(int, out.failed, has_failed));
        buffer_done(&out);
    }
}

Test(batch_memory, a_small_answer_is_whole_or_fails_the_buffer)
{
    static const struct slice name = {"name", 4};
    struct call_header headers[40];
    unsigned char digest[SHA256_BYTES];
    const struct outcome outcome = {.headers = headers, .header_count = 40};
    const struct answer_shape shape = {.body_mode = BODY_MODE_SHA256,
                                       .header_names = &name,
                                       .header_count = 1,
                                       .has_headers = true};
    bool has_failed = sha256(slice_from(""), digest); /* the library is initialised */
    for (size_t i = 0; i < 40; i++)
        headers[i] = (struct call_header){slice_from("name"), slice_from("value")};
    for (size_t number = 1; has_failed; number++) {
        struct buffer out;
        buffer_init(&out, 1 << 20);
        failing_memory_arm(number);
        render_shaped_headers(&out, &outcome, &shape);
        render_shaped_body(&out, &outcome, &shape);
        has_failed = failing_memory_disarm();
        cr_expect(has_failed || !out.failed);
        cr_expect(out.failed || strstr(buffer_text(&out), "b7852b855\"") != NULL);
        buffer_done(&out);
    }
}
