/* SPDX-License-Identifier: Apache-2.0 */
/* base/loop.h: timers in order, events dropped for watches that are gone. */
#include "base/clock.h"
#include "base/list.h"
#include "base/loop.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MANY = 100000 };

struct stamped {
    struct timer timer;
    uint64_t *last;
    int *count;
};

static void on_stamped(struct timer *timer)
{
    struct stamped *stamped = container_of(timer, struct stamped, timer);
    cr_assert(ge(u64, timer->at_ms, *stamped->last), "timers run in order of time");
    *stamped->last = timer->at_ms;
    ++*stamped->count;
}

Test(loop, l16_many_timers_run_in_order_and_cleared_ones_never)
{
    struct loop loop;
    struct error err;
    cr_assert(loop_init(&loop, &err));
    static struct stamped stamped[MANY];
    uint64_t last = 0;
    int count = 0;
    srand(7);
    for (int i = 0; i < MANY; i++) {
        stamped[i] =
            (struct stamped){.timer.on_due = on_stamped, .last = &last, .count = &count};
        loop_timer_set(&loop, &stamped[i].timer, 1 + (uint64_t)rand() % 1000);
    }
    for (int i = 0; i < MANY; i += 3) /* moved both ways */
        loop_timer_set(&loop, &stamped[i].timer, 1 + (uint64_t)rand() % 1000);
    int cleared = 0;
    for (int i = 0; i < MANY; i += 5, cleared++)
        loop_timer_clear(&loop, &stamped[i].timer);
    loop.now_ms = 500;
    loop_run_due(&loop);
    cr_assert(le(u64, last, 500));
    loop.now_ms = 1000;
    loop_run_due(&loop);
    cr_assert(eq(int, count, MANY - cleared));
    cr_assert(eq(sz, loop.timer_count, 0));
    loop_done(&loop);
}

struct again {
    struct timer timer;
    struct loop *loop;
    int count;
};

static void on_again(struct timer *timer)
{
    struct again *again = container_of(timer, struct again, timer);
    again->count++;
    loop_timer_set(again->loop, timer, 0);
}

Test(loop, a_timer_that_re_arms_itself_does_not_hold_the_turn)
{
    struct loop loop;
    struct error err;
    cr_assert(loop_init(&loop, &err));
    struct again again = {.timer.on_due = on_again, .loop = &loop};
    loop_timer_set(&loop, &again.timer, 0);
    loop_run_due(&loop);
    cr_assert(eq(int, again.count, 1));
    loop_run_due(&loop);
    cr_assert(eq(int, again.count, 2));
    loop_done(&loop);
}

Test(loop, nor_does_it_take_the_turns_of_timers_that_are_not_due)
{
    struct loop loop;
    struct error err;
    struct again later[3];
    cr_assert(loop_init(&loop, &err));
    struct again again = {.timer.on_due = on_again, .loop = &loop};
    for (int i = 0; i < 3; i++) {
        later[i] = (struct again){.timer.on_due = on_again, .loop = &loop};
        loop_timer_set(&loop, &later[i].timer, loop.now_ms + 10000);
    }
    loop_timer_set(&loop, &again.timer, 0);
    loop_run_due(&loop);
    cr_assert(eq(int, again.count, 1));
    loop_done(&loop);
}

Test(loop, waiting_ends_with_the_first_timer)
{
    struct loop loop;
    struct error err;
    cr_assert(loop_init(&loop, &err));
    struct again again = {.timer.on_due = on_again, .loop = &loop};
    uint64_t before = clock_now_ms();
    loop_timer_set(&loop, &again.timer, before + 20);
    loop_wait(&loop, -1);
    cr_assert(ge(u64, loop.now_ms, before + 19));
    cr_assert(eq(int, again.count, 0), "loop_wait leaves timers to loop_run_due");
    loop_done(&loop);
}

Test(loop, counts_what_it_sleeps_and_not_what_it_only_looks)
{
    struct loop loop;
    struct error err;
    cr_assert(loop_init(&loop, &err));
    loop_wait(&loop, 0);
    cr_assert(eq(u64, loop.idle_us, 0));
    uint64_t before_us = clock_now_us();
    loop_wait(&loop, 5);
    cr_assert(ge(u64, loop.idle_us, 4000));
    cr_assert(le(u64, loop.idle_us, clock_now_us() - before_us));
    loop_done(&loop);
}

struct pair {
    struct watch watch;
    struct loop *loop;
    struct pair *other;
    int events;
};

static void on_pair(struct watch *watch, uint32_t ready)
{
    (void)ready;
    struct pair *pair = container_of(watch, struct pair, watch);
    pair->events++;
    if (pair->other) { /* gone in the very round in which it is ready too */
        loop_unwatch(pair->loop, &pair->other->watch);
        close(pair->other->watch.fd);
        free(pair->other);
        pair->other = NULL;
    }
}

Test(loop, a_watch_freed_by_anothers_callback_gets_no_event)
{
    struct loop loop;
    struct error err;
    cr_assert(loop_init(&loop, &err));
    struct pair *a = calloc(1, sizeof *a);
    struct pair *b = calloc(1, sizeof *b);
    *a = (struct pair){.watch.on_ready = on_pair, .loop = &loop, .other = b};
    *b = (struct pair){.watch.on_ready = on_pair, .loop = &loop};
    int fd_a = eventfd(1, EFD_NONBLOCK), fd_b = eventfd(1, EFD_NONBLOCK);
    cr_assert(loop_watch(&loop, &a->watch, fd_a, EPOLLIN));
    cr_assert(loop_watch(&loop, &b->watch, fd_b, EPOLLIN));
    loop_wait(&loop, 0);
    /* Whichever came first: a ran once and b is gone; had b run after its death, the
     * sanitizer would say so. */
    cr_assert(eq(int, a->events, 1));
    cr_assert(eq(ptr, a->other, NULL));
    loop_unwatch(&loop, &a->watch);
    loop_unwatch(&loop, &a->watch);
    close(fd_a);
    free(a);
    loop_done(&loop);
}

Test(loop, a_watch_can_change_what_it_waits_for)
{
    struct loop loop;
    struct error err;
    cr_assert(loop_init(&loop, &err));
    struct pair pair = {.watch.on_ready = on_pair, .loop = &loop};
    int fd = eventfd(1, EFD_NONBLOCK);
    cr_assert(loop_watch(&loop, &pair.watch, fd, 0));
    loop_wait(&loop, 0);
    cr_assert(eq(int, pair.events, 0));
    cr_assert(loop_watch(&loop, &pair.watch, fd, EPOLLIN));
    loop_wait(&loop, 0);
    cr_assert(eq(int, pair.events, 1));
    cr_assert(
        not(loop_watch(&loop, &(struct watch){.on_ready = on_pair}, 9999, EPOLLIN)));
    loop_unwatch(&loop, &pair.watch);
    close(fd);
    loop_done(&loop);
}
