/* SPDX-License-Identifier: Apache-2.0 */
/* doors.h */
#include "doors.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

static struct loop loop;
static struct config config;
static struct budgets budgets;
static struct process_state state;
static struct metrics_shard *shard;
static struct callers *callers;
static struct snapshot *snapshot;
static struct admission admission;
static struct doors doors;
static struct error err;
static char nothing[1];

static void start(void)
{
    cr_assert(loop_init(&loop, &err));
    config = (struct config){
        .server = {.max_connections = 100,
                   .head_max_bytes = 16384,
                   .tls_certificate = nothing,
                   .tls_key = nothing,
                   .tls_client_ca = nothing},
        .batch = {.max_items = 10},
    };
    shard = metrics_shard_new();
    state = (struct process_state){.shards = &shard, .shard_count = 1, .version = "1"};
    callers = callers_new();
    snapshot = snapshot_new(callers, &config, &err);
    cr_assert_not_null(snapshot, "%s", err.text);
    const struct front_setup setup = {.loop = &loop,
                                      .snapshot = snapshot,
                                      .admission = &admission,
                                      .budgets = &budgets,
                                      .metrics = shard,
                                      .state = &state};
    cr_assert(doors_open(&doors, &setup, &err), "%s", err.text);
}

static void stop(void)
{
    doors_close(&doors);
    snapshot_release(snapshot);
    callers_free(callers);
    loop_done(&loop);
    metrics_shard_free(shard);
}

TestSuite(doors, .init = start, .fini = stop);

Test(doors, a_change_of_what_a_daemon_keeps_for_its_life_is_other_fronts)
{
    struct front *before[FRONT_ROLES] = {doors.fronts[0], doors.fronts[1]};
    cr_assert(doors_change(&doors, snapshot, false, &err));
    cr_assert_eq(doors.fronts[0], before[0]);
    cr_assert(doors_change(&doors, snapshot, true, &err));
    for (int role = 0; role < FRONT_ROLES; role++)
        cr_assert_neq(doors.fronts[role], before[role]);
    cr_assert(doors_have_clients(&doors), "the old ones see theirs off");
    doors_turn(&doors);
    cr_assert_not(doors_have_clients(&doors));
}

/* Returns how many descriptors were taken; all but `left` that there could be. */
static int take_descriptors(int left, int taken[64])
{
    int count = 0;
    const struct rlimit limit = {64, 64};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while ((taken[count] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0)
        count++;
    while (left-- > 0)
        close(taken[--count]);
    return count;
}

/* With one descriptor more each time there is, at some point, one front and no second. */
Test(doors, of_new_fronts_there_are_all_or_none)
{
    struct front *before[FRONT_ROLES] = {doors.fronts[0], doors.fronts[1]};
    int failures = 0;
    bool is_changed = false;
    for (int left = 0; !is_changed; left++) {
        int taken[64];
        int count = take_descriptors(left, taken);
        is_changed = doors_change(&doors, snapshot, true, &err);
        while (count > 0)
            close(taken[--count]);
        for (int role = 0; role < FRONT_ROLES; role++)
            cr_assert_eq(doors.fronts[role] == before[role], !is_changed,
                         "%d descriptors, front %d", left, role);
        cr_assert_eq(list_is_empty(&doors.old), !is_changed);
        failures += !is_changed;
    }
    cr_assert_geq(failures, FRONT_ROLES, "each front takes at least one");
}

/* Whatever that reload changes: its configuration has the new certificate already. */
Test(doors, what_failed_is_made_up_for_by_the_next_change)
{
    struct front *before[FRONT_ROLES] = {doors.fronts[0], doors.fronts[1]};
    int taken[64];
    int count = take_descriptors(0, taken);
    cr_assert_not(doors_change(&doors, snapshot, true, &err));
    cr_assert_not(doors_change(&doors, snapshot, false, &err), "still none");
    while (count > 0)
        close(taken[--count]);
    cr_assert(doors_change(&doors, snapshot, false, &err));
    for (int role = 0; role < FRONT_ROLES; role++)
        cr_assert_neq(doors.fronts[role], before[role]);
    struct front *made = doors.fronts[0];
    cr_assert(doors_change(&doors, snapshot, false, &err));
    cr_assert_eq(doors.fronts[0], made);
}
