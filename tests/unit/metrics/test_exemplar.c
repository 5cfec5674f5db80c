/* SPDX-License-Identifier: Apache-2.0 */
/* metrics/exemplar.h: what is read was written as a whole, whoever writes meanwhile. */
#include "metrics/exemplar.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

static struct exemplar_slot slot;
static atomic_bool is_over;

static struct exemplar make(uint64_t number)
{
    struct exemplar exemplar = {.us = number, .at_ms = number};
    memset(exemplar.trace_id, 'a' + (int)(number % 26), EXEMPLAR_TRACE_LEN);
    memset(exemplar.span_id, 'a' + (int)(number % 26), EXEMPLAR_SPAN_LEN);
    return exemplar;
}

Test(exemplar, there_is_none_until_one_is_put)
{
    struct exemplar got;
    cr_assert(!exemplar_get(&slot, &got));
    struct exemplar put = make(7);
    exemplar_put(&slot, &put);
    cr_assert(exemplar_get(&slot, &got));
    cr_assert(memcmp(&got, &put, sizeof got) == 0);
    put = make(8);
    exemplar_put(&slot, &put);
    cr_assert(exemplar_get(&slot, &got));
    cr_assert_eq(got.us, 8);
}

Test(exemplar, one_that_is_being_written_is_not_read)
{
    struct exemplar got, put = make(7);
    exemplar_put(&slot, &put);
    atomic_fetch_add(&slot.number, 1);
    cr_assert(!exemplar_get(&slot, &got));
}

static void *write_on(void *unused)
{
    for (uint64_t number = 1; !atomic_load(&is_over); number++) {
        struct exemplar put = make(number);
        exemplar_put(&slot, &put);
    }
    return unused;
}

Test(exemplar, is_whole_while_another_thread_writes)
{
    pthread_t writer;
    cr_assert_eq(pthread_create(&writer, NULL, write_on, NULL), 0);
    for (int i = 0; i < 200000; i++) {
        struct exemplar got;
        if (!exemplar_get(&slot, &got))
            continue;
        struct exemplar expected = make(got.us);
        cr_assert(memcmp(&got, &expected, sizeof got) == 0);
    }
    atomic_store(&is_over, true);
    pthread_join(writer, NULL);
}
