/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/caller.h: callers by name. Their places: test_snapshot.c, with whose limits. */
#include "fetch/caller.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

Test(caller, one_name_is_one_caller_for_ever)
{
    struct callers *callers = callers_new();
    char name[] = "billing";
    struct caller *caller = callers_get(callers, name);
    cr_assert(caller != NULL);
    name[0] = 'B';
    cr_expect(eq(str, (char *)(uintptr_t)caller->name, "billing"), "its own copy");
    cr_expect(callers_get(callers, "billing") == caller);
    cr_expect(callers_get(callers, "") != caller);
    cr_expect(eq(u64, budget_max(&caller->in_flight), UINT64_MAX));
    callers_free(callers);
}

Test(caller, there_is_an_end_to_names)
{
    struct callers *callers = callers_new();
    char name[16];
    for (int i = 0; i < CALLERS_MAX; i++) {
        snprintf(name, sizeof name, "%d", i);
        cr_assert(callers_get(callers, name) != NULL);
    }
    cr_expect(callers_get(callers, "one more") == NULL);
    cr_expect(callers_get(callers, "0") != NULL, "those there were are found");
    callers_free(callers);
}
