/* SPDX-License-Identifier: Apache-2.0 */
/* Called by metrics.c and exposition.c. */
#include "metrics/exemplar.h"

#include <assert.h>
#include <string.h>

enum { LOOKS = 4 };

static_assert(sizeof(struct exemplar) == EXEMPLAR_WORDS * sizeof(uint64_t),
              "an exemplar is copied by words");

/* No store moves before the first, none behind the last. */
void exemplar_put(struct exemplar_slot *slot, const struct exemplar *exemplar)
{
    uint64_t words[EXEMPLAR_WORDS];
    uint64_t number = atomic_load_explicit(&slot->number, memory_order_relaxed);
    memcpy(words, exemplar, sizeof words);
    atomic_store_explicit(&slot->number, number + 1, memory_order_relaxed);
    for (int i = 0; i < EXEMPLAR_WORDS; i++)
        atomic_store_explicit(&slot->words[i], words[i], memory_order_release);
    atomic_store_explicit(&slot->number, number + 2, memory_order_release);
}

bool exemplar_get(const struct exemplar_slot *slot, struct exemplar *ret_exemplar)
{
    uint64_t words[EXEMPLAR_WORDS];
    for (int look = 0; look < LOOKS; look++) {
        uint64_t before = atomic_load_explicit(&slot->number, memory_order_acquire);
        if (before == 0)
            return false;
        for (int i = 0; i < EXEMPLAR_WORDS; i++)
            words[i] = atomic_load_explicit(&slot->words[i], memory_order_acquire);
        if (before % 2 == 0 &&
            before == atomic_load_explicit(&slot->number, memory_order_relaxed)) {
            memcpy(ret_exemplar, words, sizeof words);
            return true;
        }
    }
    return false;
}
