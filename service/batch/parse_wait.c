/* SPDX-License-Identifier: Apache-2.0 */
/* The batch's options about what it waits for: "until", "failFast", "onFailure", of a
 * document or a query. What they mean is wait_policy.h's. Called by parse_batch and
 * parse_query. */
#include "batch/parse_internal.h"

#include <string.h>

static const struct place whole = {.list = NULL};

static void take_needed(struct parser *parser, struct batch *batch, struct place place,
                        int64_t needed)
{
    if (batch->count == 0)
        return; /* reported as what it is */
    if (needed < 1 || needed > (int64_t)batch->count) {
        report_error(parser->errors, place,
                     "must be an integer from 1 to %zu, the number of requests",
                     batch->count);
        return;
    }
    batch->wait.until = WAIT_OK;
    batch->wait.ok_needed = (uint32_t)needed;
}

/* False: the word is none of them. */
static bool take_word(struct batch *batch, struct slice word)
{
    if (slice_is(word, "all")) {
        batch->wait.until = WAIT_ALL;
    } else if (slice_is(word, "firstDone")) {
        batch->wait.until = WAIT_FIRST_DONE;
    } else if (slice_is(word, "firstOk")) {
        batch->wait.until = WAIT_OK;
        batch->wait.ok_needed = 1;
    } else {
        return false;
    }
    return true;
}

static void take_until(struct parser *parser, struct batch *batch, const json_t *value)
{
    const json_t *needed = json_object_get(value, "ok");
    if (json_is_string(value) &&
        take_word(batch, slice_make(json_string_value(value), json_string_length(value))))
        return;
    if (needed && json_object_size(value) == 1)
        take_needed(parser, batch, place_name(whole, "until", slice_from("ok")),
                    json_is_integer(needed) ? json_integer_value(needed) : 0);
    else
        report_error(parser->errors, place_field(whole, "until"),
                     "must be \"all\", \"firstDone\", \"firstOk\" or {\"ok\": n}");
}

static void take_on_failure(struct parser *parser, struct batch *batch, struct slice word)
{
    batch->takes_failure_status = slice_is(word, "status");
    if (!batch->takes_failure_status)
        report_error(parser->errors, place_field(whole, "onFailure"),
                     "must be \"status\"; without it the status is 200");
}

void parse_wait(struct parser *parser, struct batch *batch, const json_t *root)
{
    const json_t *until = json_object_get(root, "until");
    const json_t *fail_fast = json_object_get(root, "failFast");
    const json_t *on_failure = json_object_get(root, "onFailure");
    if (until)
        take_until(parser, batch, until);
    if (json_is_boolean(fail_fast))
        batch->wait.fails_fast = json_is_true(fail_fast);
    else if (fail_fast)
        report_error(parser->errors, place_field(whole, "failFast"),
                     "must be true or false");
    if (on_failure)
        take_on_failure(
            parser, batch,
            slice_make(json_string_value(on_failure), json_string_length(on_failure)));
}

/* "ok:3", of which `digits` follow the colon. */
static int64_t number_of(struct slice digits)
{
    int64_t number = 0;
    if (digits.len > 9)
        return 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return 0;
        number = number * 10 + (digits.data[i] - '0');
    }
    return number;
}

void parse_wait_until_argument(struct parser *parser, struct batch *batch,
                               struct slice value)
{
    if (take_word(batch, value))
        return;
    if (value.len > 3 && memcmp(value.data, "ok:", 3) == 0)
        take_needed(parser, batch, place_name(whole, "until", slice_from("ok")),
                    number_of(slice_make(value.data + 3, value.len - 3)));
    else
        report_error(parser->errors, place_field(whole, "until"),
                     "must be all, firstDone, firstOk or ok:n");
}

void parse_wait_fail_fast_argument(struct parser *parser, struct batch *batch,
                                   struct slice value)
{
    batch->wait.fails_fast = slice_is(value, "true");
    if (!batch->wait.fails_fast && !slice_is(value, "false"))
        report_error(parser->errors, place_field(whole, "failFast"),
                     "must be true or false");
}

void parse_wait_on_failure_argument(struct parser *parser, struct batch *batch,
                                    struct slice value)
{
    take_on_failure(parser, batch, value);
}
