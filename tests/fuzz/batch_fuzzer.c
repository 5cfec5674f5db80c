/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: whatever the text, a batch within the limits or errors with valid pointers. */
#include "fuzzer.h"

#include "base/json_text.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config *config;
    if (!config)
        config = config_defaults();
    struct parse_errors errors = {.count = 0};
    struct batch *batch = parse_batch(slice_make((const char *)data, size),
                                      &(struct parse_setup){.config = config}, &errors);
    if (batch)
        check_batch(batch, config);
    else
        check_errors(&errors);
    batch_free(batch);
    parse_errors_done(&errors);
    return 0;
}
