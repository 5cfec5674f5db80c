/* SPDX-License-Identifier: Apache-2.0 */
/* What a call looks like when it is dispatched signed: one id for an item, its own lines
 * for each call. */
#include "batch/signer.h"

#include <criterion/criterion.h>

static const struct signing signing = {
    .secrets = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, .secret_count = 1};

static struct slice value_of(const struct call *call, const char *name)
{
    for (size_t i = 0; i < call->header_count; i++) {
        if (slice_is(call->headers[i].name, name))
            return call->headers[i].value;
    }
    return slice_make(NULL, 0);
}

/* Is the call's signature that of what it says? */
static void expect_signed(const struct call *call, struct slice body)
{
    struct signature expected;
    struct slice time = value_of(call, "webhook-timestamp");
    cr_assert(time.data != NULL);
    cr_assert(signing_sign(&signing, value_of(call, "webhook-id"),
                           strtoull(time.data, NULL, 10), body, &expected));
    cr_expect(slice_is(value_of(call, "webhook-signature"), expected.text));
}

Test(signer, a_call_gets_three_lines_behind_its_own)
{
    const struct call_header own = {{"a", 1}, {"b", 1}};
    struct call call = {
        .headers = &own, .header_count = 1, .has_body = true, .body = {"hello", 5}};
    struct signer signer;
    signer_init(&signer, &signing);
    signer_arm(&signer, &call);
    cr_expect_eq(call.header_count, 1, "not before it is dispatched");
    cr_assert(call.on_dispatch(&call));
    cr_assert_eq(call.header_count, 4);
    cr_expect(slice_is(call.headers[0].name, "a"));
    cr_expect(value_of(&call, "webhook-id").len == 36);
    cr_expect(strncmp(value_of(&call, "webhook-id").data, "msg_", 4) == 0);
    expect_signed(&call, slice_from("hello"));
    signer_done(&signer);
}

Test(signer, attempts_of_an_item_share_its_id_and_nothing_else)
{
    struct call call = {.has_body = false, .body = {"not sent", 8}};
    struct signer signer, other;
    signer_init(&signer, &signing);
    signer_init(&other, &signing);
    cr_expect_str_neq(signer.id, other.id);
    signer_arm(&signer, &call);
    struct call first = call, second = call;
    cr_assert(first.on_dispatch(&first) && second.on_dispatch(&second));
    cr_expect(first.headers != second.headers);
    cr_expect(
        slice_equal(value_of(&first, "webhook-id"), value_of(&second, "webhook-id")));
    expect_signed(&first, slice_make(NULL, 0));
    expect_signed(&second, slice_make(NULL, 0));
    signer_done(&signer);
    signer_done(&other);
}

Test(signer, a_call_that_is_dispatched_again_is_signed_in_the_same_place)
{
    struct call call = {.method = METHOD_POST};
    struct signer signer;
    signer_init(&signer, &signing);
    signer_arm(&signer, &call);
    cr_assert(call.on_dispatch(&call));
    const struct call_header *lines = call.headers;
    cr_assert(call.on_dispatch(&call));
    cr_expect(call.headers == lines && call.header_count == 3);
    signer_done(&signer);
}

Test(signer, an_id_of_the_callers_own_is_kept_and_signed)
{
    const struct call_header own = {{"Webhook-Id", 10}, {"evt_1", 5}};
    struct call call = {.headers = &own, .header_count = 1};
    struct signer signer;
    struct signature expected;
    signer_init(&signer, &signing);
    signer_arm(&signer, &call);
    cr_assert(call.on_dispatch(&call));
    cr_expect_eq(call.header_count, 3);
    uint64_t time = strtoull(value_of(&call, "webhook-timestamp").data, NULL, 10);
    cr_assert(
        signing_sign(&signing, slice_from("evt_1"), time, slice_from(""), &expected));
    cr_expect(slice_is(value_of(&call, "webhook-signature"), expected.text));
    signer_done(&signer);
}
