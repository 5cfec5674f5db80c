/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's event loop: an epoll set and a heap of timers. It knows no sockets, HTTP
 * or libraries; the order of a turn is the worker's (worker.c).
 *
 * Everything here belongs to one thread. Callbacks may watch, unwatch and set timers
 * freely: an event already fetched for a watch that was removed meanwhile is dropped, so
 * a watch may be freed right after loop_unwatch, even from inside another's callback. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

struct watch;
/* `ready` holds EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLERR, EPOLLHUP bits. */
typedef void watch_fn(struct watch *watch, uint32_t ready);

/* Embedded in its owner; zeroed before first use. Level-triggered unless `events` says
 * EPOLLET. */
struct watch {
    int fd;          /* valid while watched */
    uint32_t events; /* what is asked for now */
    bool is_watched;
    watch_fn *on_ready;
};

struct timer;
typedef void timer_fn(struct timer *timer);

/* Embedded in its owner; zeroed before first use. */
struct timer {
    uint64_t at_ms;   /* due at, loop clock; valid while set */
    size_t position;  /* in the heap, from 1; 0: not set */
    uint64_t round;   /* of loop_run_due, when it was set */
    timer_fn *on_due; /* called from loop_run_due, with the timer already cleared */
};

struct loop {
    int epoll_fd;
    uint64_t now_ms;  /* clock at the last wait or loop_touch: cheap, good to a turn */
    uint64_t now_us;  /* the same, in microseconds */
    uint64_t idle_us; /* spent asleep in loop_wait, ever */
    struct timer **heap;
    size_t timer_count;
    uint64_t round; /* counts calls of loop_run_due */
    size_t heap_cap;
    struct epoll_event *ready; /* the round being dispatched */
    int ready_next;
    int ready_count;
};

bool loop_init(struct loop *loop, struct error *err) MUST_CHECK;
void loop_done(struct loop *loop);

/* loop_watch starts watching `fd` (which stays the caller's) or, if `watch` is active
 * already, changes what it waits for. Fails when the kernel refuses (ENOSPC, EBADF). */
bool loop_watch(struct loop *loop, struct watch *watch, int fd,
                uint32_t events) MUST_CHECK;
/* loop_unwatch stops; a no-op when not watched. Call it before closing the fd. */
void loop_unwatch(struct loop *loop, struct watch *watch);

/* loop_timer_set arms or re-arms; loop_timer_clear is a no-op when not set. */
void loop_timer_set(struct loop *loop, struct timer *timer, uint64_t at_ms);
void loop_timer_clear(struct loop *loop, struct timer *timer);
static inline bool timer_is_set(const struct timer *timer)
{
    return timer->position != 0;
}

/* loop_wait sleeps until an event, the first timer, or `max_ms` (-1: no limit of its own)
 * and calls on_ready of what is ready; due timers are left to loop_run_due. Updates
 * now_ms. */
void loop_wait(struct loop *loop, int max_ms);
/* loop_run_due calls on_due of every timer that is due at now_ms. A timer set to a due
 * time by such a callback runs in the next turn. */
void loop_run_due(struct loop *loop);
/* loop_touch reads the clock anew, after long work. */
void loop_touch(struct loop *loop);
