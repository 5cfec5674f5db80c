/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of seconds, each a word:
 *
 *     63        48 47              28 27                    0
 *     | the round | extra attempts   | requests             |
 *
 * A word of an earlier round is empty. Two threads cannot both take the last attempt: the
 * word was read before the sum, and is replaced only if it is still the same. */
#include "fetch/retry_budget.h"

#include <stddef.h>

enum { REQUEST_BITS = 28, EXTRA_BITS = 20, ROUND_SHIFT = REQUEST_BITS + EXTRA_BITS };
#define REQUESTS_MAX ((1ULL << REQUEST_BITS) - 1)
#define EXTRA_MAX ((1ULL << EXTRA_BITS) - 1)

static uint64_t requests_of(uint64_t word)
{
    return word & REQUESTS_MAX;
}

static uint64_t extra_of(uint64_t word)
{
    return word >> REQUEST_BITS & EXTRA_MAX;
}

/* From 1 on: a ring of zeros holds nothing of now. */
static uint64_t round_of(uint64_t second)
{
    return (second / RETRY_WINDOW_S + 1) & 0xffff;
}

static uint64_t fresh(uint64_t second)
{
    return round_of(second) << ROUND_SHIFT;
}

static bool is_of(uint64_t word, uint64_t second)
{
    return word >> ROUND_SHIFT == round_of(second);
}

static atomic_uint_fast64_t *place_of(struct retry_budget *budget, uint64_t second)
{
    return &budget->seconds[second % RETRY_WINDOW_S];
}

static uint64_t read_second(struct retry_budget *budget, uint64_t second)
{
    uint64_t word = atomic_load_explicit(place_of(budget, second), memory_order_relaxed);
    return is_of(word, second) ? word : fresh(second);
}

/* Puts `made` where `read` came from; false: it has changed since. */
static bool replace(struct retry_budget *budget, uint64_t second, uint64_t *seen,
                    uint64_t made)
{
    return atomic_compare_exchange_weak_explicit(
        place_of(budget, second), seen, made, memory_order_relaxed, memory_order_relaxed);
}

void retry_budget_init(struct retry_budget *budget, uint64_t percent)
{
    *budget = (struct retry_budget){.percent = percent};
}

void retry_budget_change(struct retry_budget *budget, uint64_t percent)
{
    atomic_store_explicit(&budget->percent, percent, memory_order_relaxed);
}

void retry_budget_count(struct retry_budget *budget, uint64_t now_ms, uint64_t count)
{
    uint64_t second = now_ms / 1000;
    uint64_t seen = atomic_load_explicit(place_of(budget, second), memory_order_relaxed);
    uint64_t word;
    do {
        word = is_of(seen, second) ? seen : fresh(second);
        uint64_t room = REQUESTS_MAX - requests_of(word);
        word += count < room ? count : room;
    } while (!replace(budget, second, &seen, word));
}

bool retry_budget_allows(const struct retry_load *load, uint64_t percent)
{
    if (load->extra * 100 + 100 <= load->requests * percent)
        return true;
    return percent > 0 && load->at_work < RETRY_FLOOR_AT_ONCE &&
           load->extra < (uint64_t)RETRY_FLOOR_PER_S * RETRY_WINDOW_S;
}

static struct retry_load load_of(struct retry_budget *budget, uint64_t second)
{
    struct retry_load load = {
        .at_work = atomic_load_explicit(&budget->at_work, memory_order_relaxed)};
    for (uint64_t back = 0; back < RETRY_WINDOW_S && back <= second; back++) {
        uint64_t word = read_second(budget, second - back);
        load.requests += requests_of(word);
        load.extra += extra_of(word);
    }
    return load;
}

bool retry_budget_take(struct retry_budget *budget, uint64_t now_ms)
{
    uint64_t second = now_ms / 1000;
    uint64_t seen, word;
    do {
        seen = atomic_load_explicit(place_of(budget, second), memory_order_relaxed);
        struct retry_load load = load_of(budget, second);
        word = is_of(seen, second) ? seen : fresh(second);
        uint64_t percent = atomic_load_explicit(&budget->percent, memory_order_relaxed);
        if (extra_of(word) == EXTRA_MAX || !retry_budget_allows(&load, percent))
            return false;
    } while (!replace(budget, second, &seen, word + (1ULL << REQUEST_BITS)));
    atomic_fetch_add_explicit(&budget->at_work, 1, memory_order_relaxed);
    return true;
}

void retry_budget_give(struct retry_budget *budget)
{
    atomic_fetch_sub_explicit(&budget->at_work, 1, memory_order_relaxed);
}
