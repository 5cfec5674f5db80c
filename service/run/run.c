/* SPDX-License-Identifier: Apache-2.0 */
/* A run from its first byte to its exit status. One turn:
 *
 *   wait ─► events: upstreams, DNS, input, the writer's bell, signals
 *        ─► due timers: calls' clocks, deadlines, the bar
 *        ─► fetcher_turn: calls that ended, each response to run_note
 *        ─► input: what may start is read and started
 *        ─► output: this turn's results go to the writer
 *
 * Called by the command line. */
#include "run/run.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/second_signal.h"
#include "base/terminal.h"
#include "batch/parse.h"
#include "run/run_state.h"
#include "run/run_status.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    RESERVED_DESCRIPTORS = 64, /* streams, epoll sets, CA files, DNS sockets … */
    REDRAW_MS = 100,
    SIGNAL_BASE = 128,
    HINTS_MAX = 4096,
};

/* ------------------------------------------------------------------- what is shared */

struct gather_setup run_gather_setup(struct run *run)
{
    return (struct gather_setup){
        .loop = &run->loop,
        .fetcher = run->fetcher,
        .terms = snapshot_everybody(fetch_shared_first(run->shared)),
        .config = &run->config,
        .budgets = &run->budgets,
        .metrics = run->metrics,
        .background = run->background,
        .arrived_us = run->began_us,
        .context = run,
    };
}

void run_tally_note(struct run_tally *tally, const struct run_ended *ended)
{
    bool is_ok = ended->code == CALL_OK;
    if (tally->done == 0)
        tally->first_is_ok = is_ok;
    tally->codes[ended->code]++;
    tally->done++;
    tally->ok += is_ok;
    tally->required_failed += !is_ok && !item_is_optional(ended->item);
}

void run_note(struct run *run, const struct run_ended *ended)
{
    run_tally_note(&run->tally, ended);
    run_screen_note(&run->screen, ended);
    if (run->screen.is_shared)
        run_screen_clear(&run->screen);
    run_output_row(&run->output, &run->output.out, ended);
}

void run_finish(struct run *run, const struct gather_summary *summary)
{
    run->summary = *summary;
    run_screen_clear(&run->screen);
    run_output_flush(&run->output);
    if (run->kind != RUN_DOCUMENT || run->setup->format != RUN_JSON)
        run_output_end(&run->output, summary);
    run->is_ended = true;
}

void run_fail(struct run *run, int status, const char *text)
{
    run_screen_clear(&run->screen);
    if (text)
        fprintf(stderr, "gatherd run: %s\n", text);
    run->wrong_status = status;
    run->is_wrong = true;
}

static void end_with(struct run *run, enum call_code code)
{
    if (run->kind == RUN_LIST)
        run_list_end(run, code);
    else
        run_document_end(run, code);
}

/* ---------------------------------------------------------------------- the output */

static bool is_output_gone(const struct run *run)
{
    return writer_failure(run->output.writer) != 0;
}

static void pause_or_resume(struct run *run)
{
    size_t held = run_output_held(&run->output);
    bool was_paused = run->is_paused;
    if (held > WRITER_BEHIND)
        run->is_paused = true;
    else if (held < WRITER_BEHIND / 2)
        run->is_paused = false;
    if (!run->gather || was_paused == run->is_paused)
        return;
    if (run->is_paused)
        gather_pause(run->gather);
    else
        gather_resume(run->gather);
}

/* The turn that follows looks at what changed. */
static void on_writer(void *context)
{
    (void)context;
}

/* -------------------------------------------------------------------------- the bar */

static struct run_figures figures_of(const struct run *run)
{
    struct run_figures figures = {
        .done = run->tally.done,
        .ok = run->tally.ok,
        .in_flight = run->kind == RUN_LIST ? run->started - run->tally.done
                                           : fetcher_in_flight(run->fetcher),
        .total = run->started,
        .is_waiting = run->is_paused,
        .is_ending = run->signal != 0 || run->is_cut,
        .elapsed_ms = run_elapsed_ms(run),
    };
    bool is_read = run->input.is_ended && run->lines.at == run->lines.bytes.len;
    if (run->kind == RUN_LIST && !is_read && !run->is_cut) {
        figures.total =
            run_progress_estimate(run->started, run->lines.taken, run->input.size);
        figures.is_estimated = true;
    }
    return figures;
}

static void on_redraw(struct timer *timer)
{
    struct run *run = container_of(timer, struct run, redraw);
    const struct run_figures figures = figures_of(run);
    if (run->is_ended)
        return;
    run_screen_draw(&run->screen, &figures);
    loop_timer_set(&run->loop, timer, run->loop.now_ms + REDRAW_MS);
}

/* -------------------------------------------------------------------------- signals */

static void on_deadline(struct timer *timer)
{
    end_with(container_of(timer, struct run, deadline), CALL_DEADLINE);
}

static void on_signal(struct watch *watch, uint32_t ready)
{
    (void)ready;
    struct run *run = container_of(watch, struct run, signals);
    struct signalfd_siginfo info;
    if (read(watch->fd, &info, sizeof info) != sizeof info)
        return;
    if (run->signal) {
        if (!second_signal_is_meant(run->signalled_ms, run->loop.now_ms))
            return;
        if (run->setup->shows_progress)
            (void)terminal_write(STDERR_FILENO, slice_from("\n"));
        _exit(SIGNAL_BASE + (int)info.ssi_signo);
    }
    run->signal = (int)info.ssi_signo; /* the turn ends what runs */
    run->signalled_ms = run->loop.now_ms;
}

static bool watch_signals(struct run *run, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* inherited by every thread started later */
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot make a signal descriptor");
    run->signals.fd = fd;
    run->signals.on_ready = on_signal;
    return loop_watch(&run->loop, &run->signals, fd, EPOLLIN) ||
           error_set_errno(err, errno, "cannot watch signals");
}

/* ---------------------------------------------------------------------------- input */

/* A document begins with a bracket or a brace, which no URL does. */
static void find_kind(struct run *run)
{
    while (run->kind == RUN_UNKNOWN) {
        const struct buffer *bytes = line_reader_buffer(&run->lines);
        size_t at = run->blank;
        if (at == 0 && bytes->len >= 3 && memcmp(bytes->data, "\xef\xbb\xbf", 3) == 0)
            at = 3;
        while (at < bytes->len && strchr(" \t\r\n", bytes->data[at]) && bytes->data[at])
            at++;
        run->blank = at;
        if (at < bytes->len) {
            bool is_json = bytes->data[at] == '[' || bytes->data[at] == '{';
            run->kind = is_json ? RUN_DOCUMENT : RUN_LIST;
        } else if (run->input.is_ended) {
            run->kind = RUN_LIST; /* of nothing */
        } else if (!run_input_read(&run->input, line_reader_buffer(&run->lines)) &&
                   !run->input.is_ended) {
            return;
        }
    }
    if (run->kind == RUN_LIST)
        run_list_open(run);
}

static void check_input(struct run *run)
{
    if (run->input.failure == 0 || run->is_wrong)
        return;
    char text[512];
    snprintf(text, sizeof text, "cannot read %s: %s", run->setup->input,
             strerror(run->input.failure));
    run_fail(run, RUN_FAILED, text);
    if (run->kind == RUN_LIST)
        run_list_end(run, CALL_CANCELLED);
}

static void take_input(struct run *run)
{
    /* What was ended before it was known what it is does not become anything. */
    if (run->kind == RUN_UNKNOWN && !run->is_wrong)
        find_kind(run);
    if (run->kind == RUN_LIST)
        run_list_turn(run);
    else if (run->kind == RUN_DOCUMENT)
        run_document_turn(run);
    check_input(run);
}

/* -------------------------------------------------------------------------- the run */

static bool has_ended(struct run *run)
{
    if (is_output_gone(run))
        return true;
    bool can_end = run->is_ended || (run->is_wrong && run->kind != RUN_LIST);
    return can_end && run_output_is_empty(&run->output);
}

/* False: it was the last one. */
static bool turn(struct run *run)
{
    int signal_before = run->signal;
    bool has_work = fetcher_has_work(run->fetcher) || run_list_has_more(run);
    loop_wait(&run->loop, has_work ? 0 : -1);
    pthread_mutex_lock(&run->lock);
    if (run->signal != signal_before)
        end_with(run, CALL_CANCELLED);
    loop_run_due(&run->loop);
    fetcher_turn(run->fetcher);
    pause_or_resume(run);
    take_input(run);
    run_output_flush(&run->output);
    bool is_last = has_ended(run);
    pthread_mutex_unlock(&run->lock);
    return !is_last;
}

static void init_budgets(struct run *run)
{
    uint64_t files = run->setup->open_files;
    uint64_t rest = files > 2 * RESERVED_DESCRIPTORS ? files - RESERVED_DESCRIPTORS
                                                     : RESERVED_DESCRIPTORS;
    uint64_t most = rest - rest / 4;
    uint64_t wished = run->config.fetch.max_in_flight;
    run->budgets.in_flight.max = wished < most ? wished : most;
    run->budgets.sockets.max = rest;
    run->budgets.reply_bytes.max = run->config.memory.reply_budget;
    run->budgets.request_bytes.max = run->config.memory.request_budget;
    retry_budget_init(&run->budgets.retries, run->config.fetch.retry_budget);
}

static bool start(struct run *run, struct error *err)
{
    if (!loop_init(&run->loop, err) || !watch_signals(run, err) ||
        !fetch_global_init(err))
        return false;
    parse_global_init();
    init_budgets(run);
    run->metrics = metrics_shard_new();
    run->shared = fetch_shared_new(&run->config, err);
    run->background = background_new();
    if (!run->shared || !background_start(run->background, err))
        return false;
    const struct fetcher_setup setup = {
        .loop = &run->loop,
        .shared = run->shared,
        .budgets = &run->budgets,
        .metrics = run->metrics,
    };
    run->fetcher = fetcher_new(&setup, err);
    if (!run->fetcher || !run_input_open(&run->input, &run->loop, run->setup->input, err))
        return false;
    line_reader_init(&run->lines, run->config.memory.request_budget);
    if (!run_output_open(&run->output, run->setup, &run->loop, on_writer, run, err))
        return false;
    run_screen_open(&run->screen, &run->output, run->setup->shows_waterfall);
    loop_touch(&run->loop);
    run->began_us = run->loop.now_us;
    if (run->setup->shows_progress)
        loop_timer_set(&run->loop, &run->redraw, run->loop.now_ms + REDRAW_MS);
    return true;
}

static void stop(struct run *run)
{
    loop_timer_clear(&run->loop, &run->redraw);
    loop_timer_clear(&run->loop, &run->deadline);
    run_list_close(run);
    gather_free(run->gather);
    fetcher_free(run->fetcher);
    run_screen_close(&run->screen);
    run_output_close(&run->output);
    run_input_close(&run->input);
    line_reader_done(&run->lines);
    background_free(run->background);
    fetch_shared_free(run->shared);
    metrics_shard_free(run->metrics);
    loop_unwatch(&run->loop, &run->signals);
    if (run->signals.on_ready)
        close(run->signals.fd);
    loop_done(&run->loop);
    fetch_global_done();
}

/* What a person reads when all results have left. */
static void conclude(struct run *run)
{
    struct buffer out;
    const struct run_figures figures = figures_of(run);
    bool allows_private = run->config.egress.private_addresses == POLICY_ALLOW;
    buffer_init(&out, HINTS_MAX);
    if (is_output_gone(run)) {
        int failure = writer_failure(run->output.writer);
        if (failure != EPIPE)
            fprintf(stderr, "gatherd run: cannot write: %s\n", strerror(failure));
        buffer_done(&out);
        return;
    }
    run_screen_waterfall(&run->screen);
    if (run->setup->shows_summary && run->is_ended)
        run_progress_summary(&out, &figures, run->tally.codes, run->screen.has_colours);
    if (!run->setup->is_quiet && run->is_ended && !run->signal)
        run_status_hints(&out, run->tally.codes, allows_private);
    (void)terminal_write(STDERR_FILENO, buffer_slice(&out));
    buffer_done(&out);
}

int run_batch(const struct run_setup *setup)
{
    struct run *run = memory_new(sizeof *run);
    struct error err = {0};
    run->setup = setup;
    run->config = *setup->config;
    run->loop.epoll_fd = -1;
    run->input.fd = -1;
    pthread_mutex_init(&run->lock, NULL);
    run->deadline.on_due = on_deadline;
    run->redraw.on_due = on_redraw;
    memory_tune();
    (void)memory_keep_reserve();
    int status = RUN_FAILED;
    if (start(run, &err)) {
        pthread_mutex_lock(&run->lock);
        take_input(run);
        run_output_flush(&run->output);
        bool is_over = has_ended(run);
        pthread_mutex_unlock(&run->lock);
        while (!is_over)
            is_over = !turn(run);
        run_list_close(run);
        conclude(run);
        const struct run_result result = {
            .signal = run->signal,
            .output_failure = writer_failure(run->output.writer),
            .wrong_status = run->wrong_status,
            .is_complete = run->summary.is_complete,
            .ok = run->tally.ok,
        };
        status = run_status_of(&result);
    } else {
        fprintf(stderr, "gatherd run: %s\n", err.text);
    }
    stop(run);
    pthread_mutex_destroy(&run->lock);
    free(run);
    return status;
}

bool run_check_wishes(const struct run_setup *setup, struct error *err)
{
    static const char list[] = "[\"http://host/\"]";
    struct parse_errors errors;
    parse_global_init();
    const struct parse_setup parse = {
        .config = setup->config,
        .may_set_host = true,
        .defaults = setup->item_defaults,
        .has_no_references = true,
    };
    struct batch *batch = parse_batch(slice_from(list), &parse, &errors);
    bool is_right = batch != NULL;
    if (!is_right && errors.count > 0)
        error_set(err, ERROR_INVALID, "%s: %s", errors.list[0].pointer,
                  errors.list[0].detail);
    batch_free(batch);
    parse_errors_done(&errors);
    return is_right;
}
