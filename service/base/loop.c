/* SPDX-License-Identifier: Apache-2.0 */
/* An epoll set and a binary heap of timers. It refuses to know what the descriptors are
 * and never decides the order of a turn; worker.c does.
 *
 * Safety of removal: loop_unwatch blanks the events of the round that still name the
 * watch, so a callback may free any watch, its own included. */
#include "base/loop.h"

#include "base/clock.h"
#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { EVENTS_PER_ROUND = 512, FIRST_HEAP_CAPACITY = 64 };

bool loop_init(struct loop *loop, struct error *err)
{
    *loop = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    if (loop->epoll_fd < 0)
        return error_set_errno(err, errno, "cannot make an epoll set");
    loop->ready = memory_new(EVENTS_PER_ROUND * sizeof *loop->ready);
    loop->heap_cap = FIRST_HEAP_CAPACITY;
    loop->heap = memory_new(loop->heap_cap * sizeof(struct timer *));
    loop_touch(loop);
    return true;
}

void loop_done(struct loop *loop)
{
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    free(loop->ready);
    free(loop->heap);
    *loop = (struct loop){.epoll_fd = -1};
}

void loop_touch(struct loop *loop)
{
    loop->now_us = clock_now_us();
    loop->now_ms = loop->now_us / 1000;
}

/* ------------------------------------------------------------------ descriptors */

bool loop_watch(struct loop *loop, struct watch *watch, int fd, uint32_t events)
{
    if (watch->is_watched && watch->fd == fd && watch->events == events)
        return true;
    assert(!watch->is_watched || watch->fd == fd);
    struct epoll_event event = {.events = events, .data.ptr = watch};
    int operation = watch->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(loop->epoll_fd, operation, fd, &event) != 0)
        return false;
    watch->fd = fd;
    watch->events = events;
    watch->is_watched = true;
    return true;
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
    if (!watch->is_watched)
        return;
    /* May fail when the descriptor was closed already: then it is gone from the set. */
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->is_watched = false;
    for (int i = loop->ready_next; i < loop->ready_count; i++) {
        if (loop->ready[i].data.ptr == watch)
            loop->ready[i].data.ptr = NULL;
    }
}

static int wait_limit(const struct loop *loop, int max_ms, uint64_t now)
{
    if (loop->timer_count == 0)
        return max_ms;
    uint64_t due = loop->heap[0]->at_ms;
    uint64_t left = due > now ? due - now : 0;
    if (max_ms >= 0 && left > (uint64_t)max_ms)
        return max_ms;
    return left > 60000 ? 60000 : (int)left;
}

void loop_wait(struct loop *loop, int max_ms)
{
    uint64_t since_us = max_ms == 0 ? 0 : clock_now_us();
    int limit_ms = max_ms == 0 ? 0 : wait_limit(loop, max_ms, since_us / 1000);
    int count = epoll_wait(loop->epoll_fd, loop->ready, EVENTS_PER_ROUND, limit_ms);
    loop_touch(loop);
    if (limit_ms != 0)
        loop->idle_us += loop->now_us - since_us;
    loop->ready_count = count > 0 ? count : 0;
    for (loop->ready_next = 0; loop->ready_next < loop->ready_count;) {
        struct epoll_event *event = &loop->ready[loop->ready_next++];
        struct watch *watch = event->data.ptr;
        if (watch)
            watch->on_ready(watch, event->events);
    }
    loop->ready_count = 0;
}

/* ----------------------------------------------------------------------- timers
 * heap[i] has children heap[2i+1] and heap[2i+2]; a timer's position is its index + 1. */

static void heap_put(struct loop *loop, size_t index, struct timer *timer)
{
    loop->heap[index] = timer;
    timer->position = index + 1;
}

static void sift_up(struct loop *loop, size_t index, struct timer *timer)
{
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (loop->heap[parent]->at_ms <= timer->at_ms)
            break;
        heap_put(loop, index, loop->heap[parent]);
        index = parent;
    }
    heap_put(loop, index, timer);
}

static void sift_down(struct loop *loop, size_t index, struct timer *timer)
{
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= loop->timer_count)
            break;
        if (child + 1 < loop->timer_count &&
            loop->heap[child + 1]->at_ms < loop->heap[child]->at_ms)
            child++;
        if (timer->at_ms <= loop->heap[child]->at_ms)
            break;
        heap_put(loop, index, loop->heap[child]);
        index = child;
    }
    heap_put(loop, index, timer);
}

/* Timers are the process's own, one or two per call or connection under the configured
 * ceilings, so their heap aborts when memory is out. */
static void make_room(struct loop *loop)
{
    if (loop->timer_count < loop->heap_cap)
        return;
    struct timer **bigger = memory_new(2 * loop->heap_cap * sizeof(struct timer *));
    for (size_t i = 0; i < loop->timer_count; i++)
        bigger[i] = loop->heap[i];
    free(loop->heap);
    loop->heap = bigger;
    loop->heap_cap *= 2;
}

void loop_timer_set(struct loop *loop, struct timer *timer, uint64_t at_ms)
{
    timer->round = loop->round;
    if (timer_is_set(timer)) {
        uint64_t before = timer->at_ms;
        timer->at_ms = at_ms;
        if (at_ms < before)
            sift_up(loop, timer->position - 1, timer);
        else if (at_ms > before)
            sift_down(loop, timer->position - 1, timer);
        return;
    }
    make_room(loop);
    timer->at_ms = at_ms;
    sift_up(loop, loop->timer_count++, timer);
}

void loop_timer_clear(struct loop *loop, struct timer *timer)
{
    if (!timer_is_set(timer))
        return;
    size_t index = timer->position - 1;
    timer->position = 0;
    struct timer *last = loop->heap[--loop->timer_count];
    if (last == timer)
        return;
    if (index > 0 && last->at_ms < loop->heap[(index - 1) / 2]->at_ms)
        sift_up(loop, index, last);
    else
        sift_down(loop, index, last);
}

void loop_run_due(struct loop *loop)
{
    loop->round++;
    while (loop->timer_count > 0) {
        struct timer *timer = loop->heap[0];
        /* One re-armed to a due time waits a turn. Others may be due with it: their turn
         * is the next one too, which then comes at once. */
        if (timer->at_ms > loop->now_ms || timer->round == loop->round)
            return;
        loop_timer_clear(loop, timer);
        timer->on_due(timer);
    }
}
