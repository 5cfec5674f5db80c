/* SPDX-License-Identifier: Apache-2.0 */
/* A lane's thread. What ended in a turn is counted at its end under the run's lock, and
 * main hears of it; its results are kept until they are worth a write, a few
 * milliseconds old, or the lane's last. Called by run_list.c. */
#include "run/run_lane.h"

#include "base/bell.h"
#include "base/memory.h"
#include "batch/parse.h"
#include "run/run_state.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    /* Of results: a system call, and a turn of the writer, for 40 items of 1.5 KB. */
    WORTH_A_WRITE = 64 << 10,
    HELD_MAX_MS = 5,
};

struct run_lane {
    struct run *run;
    size_t load; /* under the run's lock */

    /* The thread's own. */
    struct loop loop;
    struct watch bell;
    struct metrics_shard *metrics;
    struct fetcher *fetcher;
    struct list works;      /* batches under way */
    struct run_tally tally; /* of this turn */
    struct buffer out;      /* results that main has not got */
    struct timer hold;      /* … until then */
    bool is_held_long;      /* it is due */
    const char *fault;      /* why it cannot go on; NULL: it can */
    pthread_t thread;
    bool is_started;

    /* Shared. */
    int event_fd;
    pthread_mutex_t lock;
    struct list chunks;  /* under lock */
    atomic_int end_code; /* enum call_code; CALL_OK: nothing is to end */
    atomic_bool must_trim;
    atomic_bool must_stop;
};

/* A batch of one chunk. */
struct work {
    struct list node; /* in lane->works */
    struct run_lane *lane;
    struct gather *gather;
};

/* ------------------------------------------------------------------- from any thread */

static void ring(struct run_lane *lane)
{
    bell_ring(lane->event_fd);
}

size_t run_lane_load(const struct run_lane *lane)
{
    return lane->load;
}

void run_lane_note_done(struct run_lane *lane, size_t count)
{
    lane->load -= count;
}

void run_lane_give(struct run_lane *lane, struct run_chunk *chunk)
{
    lane->load += chunk->count;
    pthread_mutex_lock(&lane->lock);
    list_push_back(&lane->chunks, &chunk->node);
    pthread_mutex_unlock(&lane->lock);
    ring(lane);
}

void run_lane_end(struct run_lane *lane, enum call_code code)
{
    atomic_store(&lane->end_code, (int)code);
    ring(lane);
}

void run_lane_trim(struct run_lane *lane)
{
    atomic_store(&lane->must_trim, true);
    ring(lane);
}

/* ---------------------------------------------------------------------------- a chunk */

static void on_response(struct gather *gather, const struct item *item, struct slice json,
                        void *context)
{
    (void)gather;
    struct run_lane *lane = ((struct work *)context)->lane;
    run_output_response(&lane->run->output, &lane->out, item, json);
}

static void on_item(const struct item *item, const struct outcome *outcome,
                    double start_ms, void *context)
{
    struct run_lane *lane = ((struct work *)context)->lane;
    const struct run_ended ended = {
        .item = item, .outcome = outcome, .code = item->code, .start_ms = start_ms};
    run_tally_note(&lane->tally, &ended);
    run_output_row(&lane->run->output, &lane->out, &ended);
    if (!lane->run->setup->shows_waterfall)
        return;
    pthread_mutex_lock(&lane->run->lock);
    run_screen_note(&lane->run->screen, &ended);
    pthread_mutex_unlock(&lane->run->lock);
}

static uint64_t held(void *context)
{
    struct run_lane *lane = ((struct work *)context)->lane;
    return lane->out.len + writer_held(lane->run->output.writer);
}

static void on_end(struct gather *gather, void *context)
{
    struct work *work = context;
    list_remove(&work->node);
    gather_free(gather);
    free(work);
}

static void start_batch(struct run_lane *lane, struct batch *batch)
{
    struct work *work = memory_new(sizeof *work);
    work->lane = lane;
    list_push_back(&lane->works, &work->node);
    if (lane->run->setup->include >= 0)
        batch->include = (unsigned)lane->run->setup->include;
    struct gather_setup setup = run_gather_setup(lane->run);
    setup.loop = &lane->loop;
    setup.fetcher = lane->fetcher;
    setup.metrics = lane->metrics;
    setup.background = NULL;
    setup.on_end = on_end;
    setup.on_response = on_response;
    setup.on_item = on_item;
    setup.held = held;
    setup.context = work;
    work->gather = gather_start(&setup, batch);
}

static void start_chunk(struct run_lane *lane, struct run_chunk *chunk)
{
    struct run *run = lane->run;
    struct parse_errors errors;
    const struct parse_setup parse = {
        .config = &run->config,
        .memory = &run->budgets.request_bytes,
        .may_set_host = true,
        .defaults = run->setup->item_defaults,
        .numbers = chunk->numbers,
        .has_no_references = true,
    };
    struct batch *batch = parse_batch(buffer_slice(&chunk->text), &parse, &errors);
    /* Its defaults were checked, and anything is a URL so far: there is no memory. */
    if (batch)
        start_batch(lane, batch);
    else
        lane->fault = "there is no memory for what is to be fetched now";
    parse_errors_done(&errors);
}

static void start_chunks(struct run_lane *lane)
{
    struct list *node;
    do {
        pthread_mutex_lock(&lane->lock);
        node = list_pop_front(&lane->chunks);
        pthread_mutex_unlock(&lane->lock);
        if (!node)
            break;
        struct run_chunk *chunk = container_of(node, struct run_chunk, node);
        start_chunk(lane, chunk);
        run_chunk_free(chunk);
    } while (!lane->fault);
}

/* -------------------------------------------------------------------------- the turn */

static void end_works(struct run_lane *lane, enum call_code code)
{
    struct list *next;
    for (struct list *at = lane->works.next; at != &lane->works; at = next) {
        next = at->next;
        gather_end_now(container_of(at, struct work, node)->gather, code);
    }
}

static void on_socket_pressure(void *context)
{
    struct run_lane *lane = context;
    run_trim_others(lane->run, lane);
}

static void on_bell(struct watch *watch, uint32_t ready)
{
    (void)ready;
    bell_hear(watch->fd); /* the mail is read in the turn */
}

static void on_held_long(struct timer *timer)
{
    container_of(timer, struct run_lane, hold)->is_held_long = true;
}

static bool must_give(const struct run_lane *lane)
{
    return lane->out.len >= WORTH_A_WRITE || lane->is_held_long ||
           list_is_empty(&lane->works) || lane->run->output.is_prompt || lane->fault;
}

/* What ended, and the results when they are due. */
static void report(struct run_lane *lane)
{
    bool gives = must_give(lane);
    if (lane->tally.done == 0 && !lane->fault && !(gives && lane->out.len > 0))
        return;
    if (!gives && !timer_is_set(&lane->hold))
        loop_timer_set(&lane->loop, &lane->hold, lane->loop.now_ms + HELD_MAX_MS);
    if (gives)
        loop_timer_clear(&lane->loop, &lane->hold);
    lane->is_held_long &= !gives;
    run_add(lane->run, lane, &lane->tally, gives ? &lane->out : NULL, lane->fault);
}

static void turn(struct run_lane *lane)
{
    loop_wait(&lane->loop, fetcher_has_work(lane->fetcher) ? 0 : -1);
    loop_run_due(&lane->loop);
    start_chunks(lane);
    if (atomic_exchange(&lane->must_trim, false))
        fetcher_trim(lane->fetcher);
    int code = atomic_load(&lane->end_code);
    if (code != CALL_OK)
        end_works(lane, (enum call_code)code);
    fetcher_turn(lane->fetcher);
    report(lane);
}

static void *run_thread(void *context)
{
    struct run_lane *lane = context;
    while (!atomic_load_explicit(&lane->must_stop, memory_order_relaxed))
        turn(lane);
    return NULL;
}

/* ------------------------------------------------------------------------- lifecycle */

static bool make_parts(struct run_lane *lane, struct error *err)
{
    if (!loop_init(&lane->loop, err))
        return false;
    lane->event_fd = bell_new();
    if (lane->event_fd < 0)
        return error_set_errno(err, errno, "cannot make a mailbox");
    lane->bell.on_ready = on_bell;
    if (!loop_watch(&lane->loop, &lane->bell, lane->event_fd, EPOLLIN))
        return error_set_errno(err, errno, "cannot watch a mailbox");
    const struct fetcher_setup setup = {
        .loop = &lane->loop,
        .shared = lane->run->shared,
        .budgets = &lane->run->budgets,
        .metrics = lane->metrics,
        .on_socket_pressure = on_socket_pressure,
        .context = lane,
    };
    lane->fetcher = fetcher_new(&setup, err);
    return lane->fetcher != NULL;
}

struct run_lane *run_lane_new(struct run *run, struct error *err)
{
    struct run_lane *lane = memory_new(sizeof *lane);
    lane->run = run;
    lane->loop.epoll_fd = -1;
    lane->event_fd = -1;
    lane->hold.on_due = on_held_long;
    lane->metrics = metrics_shard_new();
    list_init(&lane->works);
    list_init(&lane->chunks);
    buffer_init(&lane->out, SIZE_MAX / 4); /* `held` bounds it */
    pthread_mutex_init(&lane->lock, NULL);
    if (make_parts(lane, err))
        return lane;
    run_lane_free(lane);
    return NULL;
}

bool run_lane_start(struct run_lane *lane, struct error *err)
{
    int failure = pthread_create(&lane->thread, NULL, run_thread, lane);
    if (failure)
        return error_set_errno(err, failure, "cannot start a thread");
    lane->is_started = true;
    return true;
}

void run_lane_stop(struct run_lane *lane)
{
    if (!lane || !lane->is_started)
        return;
    atomic_store(&lane->must_stop, true);
    ring(lane);
    pthread_join(lane->thread, NULL);
    lane->is_started = false;
}

void run_lane_free(struct run_lane *lane)
{
    struct list *node;
    if (!lane)
        return;
    while ((node = list_pop_front(&lane->works))) {
        struct work *work = container_of(node, struct work, node);
        gather_free(work->gather);
        free(work);
    }
    while ((node = list_pop_front(&lane->chunks)))
        run_chunk_free(container_of(node, struct run_chunk, node));
    fetcher_free(lane->fetcher);
    loop_unwatch(&lane->loop, &lane->bell);
    if (lane->event_fd >= 0)
        close(lane->event_fd);
    loop_done(&lane->loop);
    metrics_shard_free(lane->metrics);
    buffer_done(&lane->out);
    pthread_mutex_destroy(&lane->lock);
    free(lane);
}
