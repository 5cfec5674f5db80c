/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: whatever the text, a batch within the limits, which can be explained as JSON,
 * or errors with valid pointers. */
#include "fuzzer.h"

#include "base/json_text.h"
#include "batch/explain.h"
#include "batch/parse.h"
#include "batch/plan.h"

#include <string.h>

static void check_batch(struct batch *batch, const struct config *config)
{
    MUST_HOLD(batch->count > 0 && batch->count <= config->batch.max_items);
    plan_make(batch, config, 1000);
    for (size_t i = 0; i < batch->count; i++) {
        const struct item *item = &batch->items[i];
        MUST_HOLD(item->url.data[item->url.len] == '\0');
        MUST_HOLD(item->id.len > 0 && utf8_is_valid(item->id));
        MUST_HOLD(item->call.timeout_ms <= config->fetch.timeout_ms);
        MUST_HOLD(item->call.redirects <= config->fetch.max_redirects);
        for (size_t h = 0; h < item->header_count; h++) {
            struct slice value = item->headers[h].value;
            MUST_HOLD(!memchr(value.data, '\r', value.len));
            MUST_HOLD(!memchr(value.data, '\n', value.len));
        }
    }
}

static void check_explanation(struct batch *batch, const struct config *config,
                              const struct guard *guard)
{
    struct buffer out;
    struct budget replies = {.max = UINT64_MAX / 2};
    const struct explain_setup setup = {
        .config = config, .guard = guard, .replies = &replies};
    if (explain_batch(&setup, batch, &out) == EXPLAIN_DONE) {
        MUST_HOLD(json_text_is_valid(buffer_slice(&out)));
        MUST_HOLD(budget_held(&replies) == out.len);
    } else {
        MUST_HOLD(budget_held(&replies) == 0);
    }
    buffer_done(&out);
}

static void check_errors(struct parse_errors *errors)
{
    MUST_HOLD(errors->count > 0 && errors->count <= PARSE_ERRORS_MAX);
    MUST_HOLD(errors->total >= errors->count);
    for (size_t i = 0; i < errors->count; i++) {
        MUST_HOLD(errors->list[i].pointer[0] == '\0' ||
                  errors->list[i].pointer[0] == '/');
        MUST_HOLD(errors->list[i].detail[0] != '\0');
        MUST_HOLD(utf8_is_valid(slice_from(errors->list[i].detail)));
    }
}

static struct config *config_with_secret(void)
{
    static const struct config_override secret = {
        "webhooks.secrets",
        "[{name: s, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}]"};
    struct buffer faults;
    buffer_init(&faults, 1 << 16);
    struct config *config = config_load(NULL, &secret, 1, &faults);
    buffer_done(&faults);
    MUST_HOLD(config);
    return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config *config;
    static struct guard *guard;
    static struct error err;
    if (!config) {
        config = config_with_secret();
        guard = guard_new(config, NULL, &err);
        MUST_HOLD(guard);
    }
    struct parse_errors errors = {.count = 0};
    struct batch *batch = parse_batch(slice_make((const char *)data, size),
                                      &(struct parse_setup){.config = config}, &errors);
    if (batch) {
        check_batch(batch, config);
        check_explanation(batch, config, guard);
    } else {
        check_errors(&errors);
    }
    batch_free(batch);
    parse_errors_done(&errors);
    return 0;
}
