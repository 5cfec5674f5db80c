/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/call_equal.h: which calls may share one reply. */
#include "fetch/call_equal.h"

#include "fetch/flow.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { START = 0x5eed };

static struct caller one, other;
static struct flow flow = {.caller = &one}, same_caller = {.caller = &one},
                   other_caller = {.caller = &other};
static const struct call_header headers[] = {
    {.name = {"accept", 6}, .value = {"text/plain", 10}},
    {.name = {"authorization", 13}, .value = {"secret", 6}}};

static struct call a, b;

static void setup(void)
{
    a = (struct call){
        .flow = &flow,
        .url = slice_from("http://a.test/x"),
        .method = METHOD_GET,
        .headers = headers,
        .header_count = 2,
        .timeout_ms = 1000,
        .connect_timeout_ms = 500,
        .redirects = 1,
        .body_max_bytes = 4096,
        .deadline_ms = 77,
    };
    b = a;
}

TestSuite(call_equal, .init = setup);

static bool is_equal(void)
{
    bool is = call_is_equal(&a, &b);
    cr_assert_eq(is, call_is_equal(&b, &a));
    if (is)
        cr_assert_eq(call_hash(&a, START), call_hash(&b, START));
    return is;
}

Test(call_equal, the_same_request_of_another_batch_is_equal)
{
    static const struct call_header copies[] = {
        {.name = {"accept", 6}, .value = {"text/plain", 10}},
        {.name = {"authorization", 13}, .value = {"secret", 6}}};
    char url[] = "http://a.test/x";
    b.flow = &same_caller;
    b.headers = copies;
    b.url = slice_from(url);
    b.timeout_ms = 5;
    b.deadline_ms = 1;
    cr_assert(is_equal());
}

Test(call_equal, two_callers_never_share)
{
    b.flow = &other_caller;
    cr_assert_not(is_equal());
    cr_assert_neq(call_hash(&a, START), call_hash(&b, START));
}

Test(call_equal, every_byte_of_the_url_counts)
{
    b.url = slice_from("http://a.test/y");
    cr_assert_not(is_equal());
    b.url = slice_from("http://A.test/x");
    cr_assert_not(is_equal());
    b.url = slice_from("http://a.test/x#");
    cr_assert_not(is_equal());
}

Test(call_equal, the_method_counts)
{
    b.method = METHOD_HEAD;
    cr_assert_not(is_equal());
    cr_assert_neq(call_hash(&a, START), call_hash(&b, START));
}

Test(call_equal, limits_that_change_the_reply_count)
{
    b.redirects = 0;
    cr_assert_not(is_equal());
    setup();
    b.body_max_bytes = 4095;
    cr_assert_not(is_equal());
    setup();
    b.connect_timeout_ms = 499;
    cr_assert_not(is_equal());
}

Test(call_equal, every_header_counts_and_their_order)
{
    static const struct call_header others[][2] = {
        {{.name = {"accept", 6}, .value = {"text/plain", 10}},
         {.name = {"authorization", 13}, .value = {"SECRET", 6}}},
        {{.name = {"Accept", 6}, .value = {"text/plain", 10}},
         {.name = {"authorization", 13}, .value = {"secret", 6}}},
        {{.name = {"authorization", 13}, .value = {"secret", 6}},
         {.name = {"accept", 6}, .value = {"text/plain", 10}}},
        {{.name = {"accept", 6}, .value = {"text/plai", 9}},
         {.name = {"nauthorization", 14}, .value = {"secret", 6}}},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        b.headers = others[i];
        cr_expect_not(is_equal(), "%zu", i);
        cr_expect_neq(call_hash(&a, START), call_hash(&b, START), "%zu", i);
    }
    b.headers = headers;
    b.header_count = 1;
    cr_assert_not(is_equal());
}

Test(call_equal, the_hash_depends_on_its_start)
{
    cr_assert_neq(call_hash(&a, START), call_hash(&a, START + 1));
}

Test(call_equal, only_get_and_head_without_a_body_may_coalesce)
{
    for (int method = 0; method < METHOD_COUNT; method++) {
        a.method = (enum call_method)method;
        a.has_body = false;
        cr_expect_eq(call_may_coalesce(&a),
                     method == METHOD_GET || method == METHOD_HEAD);
        a.has_body = true;
        cr_expect_not(call_may_coalesce(&a));
    }
}
