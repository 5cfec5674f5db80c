/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/call_result.h: an outcome as it was, when all it was made from is gone. */
#include "fetch/call_result.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

Test(call_result, has_all_of_the_outcome_and_points_to_nothing_else)
{
    char texts[] = "content-type\0text/plain\0body\0with a NUL\000192.0.2.1:80\0001.1";
    struct call_header headers[] = {{.name = {texts, 12}, .value = {texts + 13, 10}}};
    struct outcome outcome = {
        .code = CALL_OK,
        .method = METHOD_GET,
        .status = 201,
        .headers = headers,
        .header_count = 1,
        .content_type = {texts + 13, 10},
        .has_body = true,
        .body = {texts + 24, 15},
        .timing = {.blocked = 1,
                   .dns = -1,
                   .total = 7.5,
                   .is_reused = true,
                   .remote_address = texts + 40,
                   .http_version = texts + 53,
                   .bytes = 15},
        .hops = 2,
    };
    struct call_result *result = call_result_new(&outcome);
    cr_assert_not_null(result);
    memset(texts, '#', sizeof texts);
    memset(headers, 0, sizeof headers);
    const struct outcome *kept = &result->outcome;
    cr_assert_eq(kept->code, CALL_OK);
    cr_assert_eq(kept->status, 201);
    cr_assert_eq(kept->hops, 2);
    cr_assert_null(kept->message);
    cr_assert_eq(kept->header_count, 1);
    cr_assert(slice_is(kept->headers[0].name, "content-type"));
    cr_assert(slice_is(kept->headers[0].value, "text/plain"));
    cr_assert(slice_is(kept->content_type, "text/plain"));
    cr_assert(kept->has_body);
    cr_assert(slice_equal(kept->body, slice_make("body\0with a NUL", 15)));
    cr_assert_str_eq(kept->timing.remote_address, "192.0.2.1:80");
    cr_assert_str_eq(kept->timing.http_version, "1.1");
    cr_assert_eq(kept->timing.total, 7.5);
    cr_assert(kept->timing.is_reused);
    cr_assert_geq(result->size, sizeof *result + 15);
    free(result);
}

Test(call_result, of_a_failure_has_its_message)
{
    char message[] = "the upstream closed the connection";
    struct outcome outcome = {.code = CALL_RESET, .message = message};
    struct call_result *result = call_result_new(&outcome);
    cr_assert_not_null(result);
    message[0] = '#';
    cr_assert_eq(result->outcome.code, CALL_RESET);
    cr_assert_str_eq(result->outcome.message, "the upstream closed the connection");
    cr_assert_null(result->outcome.body.data);
    cr_assert_null(result->outcome.content_type.data);
    cr_assert_null(result->outcome.timing.remote_address);
    free(result);
}
