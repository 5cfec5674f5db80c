/* SPDX-License-Identifier: Apache-2.0 */
/* batch/parse.h when the JSON library gets no memory: never a word about the text, which
 * is right. */
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdlib.h>

static size_t left; /* so many allocations before the one that fails */

static void *fail_once(size_t size)
{
    return left-- == 0 ? NULL : malloc(size);
}

Test(parse_memory, each_allocation_of_the_json_library_may_fail)
{
    static const char text[] =
        "{'deadlineMs': 900, 'defaults': {'headers': {'A': 'b'}}, 'requests':"
        " ['http://a.example/', {'url': 'http://b.example/\\u00e9', 'id': 'b', 'method': "
        "'PUT',"
        " 'timeoutMs': 5, 'body': {'x': [1, 2.5, true, null]}}, 'ftp://c']}";
    json_set_alloc_funcs(fail_once, free);
    size_t failed = 0;
    struct batch *batch = NULL;
    while (!batch) {
        struct parse_errors errors = {.count = 0};
        left = failed++;
        batch = fixture_parse_quoted(text, &errors);
        if (!batch) {
            cr_assert(eq(int, errors.refusal, PARSE_NO_MEMORY), "after %zu: %s", failed,
                      errors.list[0].detail);
            cr_assert(eq(sz, errors.total, 1));
        }
        parse_errors_done(&errors);
        cr_assert(lt(sz, failed, 1000));
    }
    cr_expect(gt(sz, failed, 20));
    batch_free(batch);
    json_set_alloc_funcs(malloc, free);
}
