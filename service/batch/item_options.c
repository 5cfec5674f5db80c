/* SPDX-License-Identifier: Apache-2.0 */
/* Own options over the defaults', field by field. Pure; called by parse_item. */
#include "batch/item_options.h"

void item_options_init(struct item_options *options)
{
    *options = (struct item_options){
        .is_optional = OPTION_NOT_GIVEN,
        .coalesces = OPTION_NOT_GIVEN,
        .takes_references = OPTION_NOT_GIVEN,
        .retries = OPTION_NOT_GIVEN,
        .hedge_after_ms = OPTION_NOT_GIVEN,
    };
}

static void merge_number(int64_t *own, int64_t by_default)
{
    if (*own == OPTION_NOT_GIVEN)
        *own = by_default;
}

void item_options_merge(struct item_options *own, const struct item_options *defaults)
{
    merge_number(&own->is_optional, defaults->is_optional);
    merge_number(&own->coalesces, defaults->coalesces);
    merge_number(&own->takes_references, defaults->takes_references);
    merge_number(&own->retries, defaults->retries);
    merge_number(&own->hedge_after_ms, defaults->hedge_after_ms);
    if (!own->idempotency_key.data)
        own->idempotency_key = defaults->idempotency_key;
    if (!own->alternatives) {
        own->alternatives = defaults->alternatives;
        own->alternative_count = defaults->alternative_count;
    }
    if (!own->expect)
        own->expect = defaults->expect;
    if (!own->fallback)
        own->fallback = defaults->fallback;
    if (!own->shape)
        own->shape = defaults->shape;
    if (!own->signing)
        own->signing = defaults->signing;
    if (!own->references)
        own->references = defaults->references;
}
