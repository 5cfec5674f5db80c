/* SPDX-License-Identifier: Apache-2.0 */
/* A list of URLs of any length: lines become small batches as others end, so that never
 * more is read than may start, and what one slow item keeps alive is its own chunk.
 *
 *     main: input ─► line_reader ─► chunk ──────► lane (one a core): parse ─► gather
 *           counts, room, verdict ◄── run_add ──┘   └─► results ─► the writer
 *
 * What the list waits for is judged here, over all chunks. Called by run.c. */
#include "run/run_state.h"

#include "base/bell.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "batch/render.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CONCURRENCY = 200, /* by default */
    DOCUMENT_MAX = RUN_CHUNK_MAX * (6 * LINE_MAX_BYTES + 8),
    FAILURE_MAX = 4096,
    SHOWN_MAX = 256, /* of a line that is no URL */
    /* Lines that start nothing may be without end (/dev/zero, a file of words): signals,
     * clocks and the output have their turn between so many of them. */
    STEPS_MAX = 64,
};

/* Ten years: the clock of a list without a deadline, each item has its own. */
#define FOREVER_MS (10ULL * 365 * 86400 * 1000)

static const char no_memory[] = "there is no memory for what is to be fetched";

void run_chunk_free(struct run_chunk *chunk)
{
    buffer_done(&chunk->text);
    free(chunk);
}

/* --------------------------------------------------------------------------- lanes */

/* How many may start now; few are not worth a chunk while others run. */
static size_t room(const struct run *run)
{
    uint64_t most = run->setup->concurrency ? run->setup->concurrency : CONCURRENCY;
    uint64_t in_flight = run->started - run->tally.done;
    uint64_t room = most > in_flight ? most - in_flight : 0;
    uint64_t least = most / 8 < RUN_CHUNK_MAX ? most / 8 : RUN_CHUNK_MAX;
    if (room < least)
        return 0;
    return room < RUN_CHUNK_MAX ? (size_t)room : RUN_CHUNK_MAX;
}

/* Its turns are not alike: in turns, one lane would soon have all that may run. */
static struct run_lane *idlest(const struct run *run)
{
    struct run_lane *least = run->lanes[0];
    for (unsigned i = 1; i < run->lane_count; i++) {
        if (run_lane_load(run->lanes[i]) < run_lane_load(least))
            least = run->lanes[i];
    }
    return least;
}

void run_add(struct run *run, struct run_lane *lane, struct run_tally *tally,
             struct buffer *out, const char *fault)
{
    pthread_mutex_lock(&run->lock);
    run_lane_note_done(lane, tally->done);
    struct run_tally *sum = &run->tally;
    if (sum->done == 0)
        sum->first_is_ok = tally->first_is_ok;
    sum->done += tally->done;
    sum->ok += tally->ok;
    sum->required_failed += tally->required_failed;
    for (int i = 0; i < CALL_CODE_COUNT; i++)
        sum->codes[i] += tally->codes[i];
    if (fault)
        run->fault = fault;
    if (out) {
        if (run->screen.is_shared && run->screen.is_drawn) {
            run_screen_clear(&run->screen);
            run_output_flush(&run->output);
        }
        run_output_give(&run->output, out);
    }
    /* Main has something to do. */
    bool is_wanted =
        fault || room(run) > 0 || run->setup->wait || run->tally.done == run->started;
    pthread_mutex_unlock(&run->lock);
    *tally = (struct run_tally){.done = 0};
    if (is_wanted)
        bell_ring(run->bell.fd);
}

void run_trim_others(struct run *run, const struct run_lane *lane)
{
    for (unsigned i = 0; i < run->lane_count; i++) {
        if (run->lanes[i] != lane)
            run_lane_trim(run->lanes[i]);
    }
}

/* The turn that follows looks at what changed. */
static void on_bell(struct watch *watch, uint32_t ready)
{
    (void)ready;
    bell_hear(watch->fd);
}

static bool open_lanes(struct run *run, struct error *err)
{
    unsigned count = run->setup->lanes > 0 ? run->setup->lanes : 1;
    int fd = bell_new();
    if (fd < 0)
        return error_set_errno(err, errno, "cannot make a mailbox");
    run->bell.fd = fd;
    run->bell.on_ready = on_bell;
    if (!loop_watch(&run->loop, &run->bell, fd, EPOLLIN))
        return error_set_errno(err, errno, "cannot watch a mailbox");
    run->lanes = memory_new(count * sizeof(struct run_lane *));
    for (; run->lane_count < count; run->lane_count++) {
        run->lanes[run->lane_count] = run_lane_new(run, err);
        if (!run->lanes[run->lane_count])
            return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!run_lane_start(run->lanes[i], err))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------------ the list */

void run_list_open(struct run *run)
{
    struct error err = {0};
    run->output.has_urls = true;
    run->config.batch.concurrency = 0;
    run->config.batch.max_deadline_ms = FOREVER_MS;
    run->config.batch.deadline_ms =
        run->setup->deadline_ms ? run->setup->deadline_ms : FOREVER_MS;
    if (run->setup->deadline_ms)
        loop_timer_set(&run->loop, &run->deadline,
                       run->began_us / 1000 + run->setup->deadline_ms);
    run_output_begin(&run->output);
    if (!open_lanes(run, &err)) {
        run_fail(run, RUN_FAILED, err.text);
        run->fault = no_memory;
    }
}

static struct wait_counts counts(const struct run *run)
{
    bool is_all = run->input.is_ended || run->is_cut;
    return (struct wait_counts){
        .total = is_all ? run->started : SIZE_MAX,
        .done = run->tally.done,
        .ok = run->tally.ok,
        .required_failed = run->tally.required_failed,
        .first_is_ok = run->tally.first_is_ok,
    };
}

static struct wait_policy policy(const struct run *run)
{
    return run->setup->wait ? *run->setup->wait : (struct wait_policy){.until = WAIT_ALL};
}

/* A line that is no URL has its result like any other. */
static void note_faulty(struct run *run, const struct line *line)
{
    char text[FAILURE_MAX];
    char message[128];
    char id[24];
    struct buffer out = {.data = text, .cap = sizeof text, .max = sizeof text};
    snprintf(id, sizeof id, "%" PRIu64, line->number);
    snprintf(message, sizeof message, "line %" PRIu64 " is no URL: %s", line->number,
             line->fault);
    const struct outcome outcome = {
        .code = CALL_BAD_URL,
        .message = message,
        .timing = {-1, -1, -1, -1, -1, -1, -1, 0, false, NULL, NULL, 0},
    };
    const struct item item = {
        .id = slice_from(id),
        .url = slice_make(line->text.data,
                          line->text.len < SHOWN_MAX ? line->text.len : SHOWN_MAX),
    };
    const struct render_wish wish = {.include = 0};
    render_response(&out, item.id, &outcome, &wish);
    const struct run_ended ended = {
        .item = &item, .outcome = &outcome, .code = outcome.code};
    run->started++;
    if (run->screen.is_shared)
        run_screen_clear(&run->screen);
    run_output_response(&run->output, &run->output.out, &item, buffer_slice(&out));
    run_note(run, &ended);
}

/* ------------------------------------------------------------------------- chunks */

static void take_lines(struct run *run, struct run_chunk *chunk, size_t most)
{
    while (chunk->count < most && run->steps_left > 0) {
        struct line line = line_reader_next(&run->lines, run->input.is_ended);
        run->steps_left -= line.kind != LINE_URL;
        if (line.kind == LINE_FAULTY) {
            note_faulty(run, &line);
            continue;
        }
        if (line.kind == LINE_NONE) {
            if (!run_input_read(&run->input, line_reader_buffer(&run->lines)) &&
                (!run->input.is_ended || run->lines.at == run->lines.bytes.len))
                return;
            continue;
        }
        buffer_append_byte(&chunk->text, chunk->count ? ',' : '[');
        json_text_append_string(&chunk->text, line.text);
        chunk->numbers[chunk->count++] = line.number;
    }
}

static bool may_start(struct run *run)
{
    return !run->is_cut && !run->is_wrong && !run->is_paused &&
           !writer_is_behind(run->output.writer);
}

static void start_more(struct run *run)
{
    size_t most;
    while (may_start(run) && (most = room(run)) > 0) {
        struct run_chunk *chunk = memory_new(sizeof *chunk);
        buffer_init(&chunk->text, DOCUMENT_MAX);
        take_lines(run, chunk, most);
        buffer_append_byte(&chunk->text, ']');
        if (chunk->count == 0 || chunk->text.failed) {
            if (chunk->text.failed)
                run->fault = no_memory;
            run_chunk_free(chunk);
            break;
        }
        run->started += chunk->count;
        run_lane_give(idlest(run), chunk);
    }
}

static void judge(struct run *run)
{
    const struct wait_policy waited = policy(run);
    const struct wait_counts so_far = counts(run);
    enum wait_verdict verdict = wait_judge(&waited, &so_far);
    if (verdict != WAIT_GO_ON && verdict != WAIT_DONE && !run->is_cut)
        run_list_end(run, CALL_CANCELLED);
}

static void finish(struct run *run)
{
    const struct wait_policy waited = policy(run);
    const struct wait_counts so_far = counts(run);
    /* What was not read was not fetched. */
    bool is_read = run->input.is_ended && run->input.failure == 0 && !run->is_cut;
    bool is_whole = waited.until != WAIT_ALL || is_read;
    const struct gather_summary summary = {
        .total = run->started,
        .ok = run->tally.ok,
        .failed = run->tally.done - run->tally.ok,
        .is_complete = is_whole && wait_is_complete(&waited, &so_far),
        .elapsed_ms = run_elapsed_ms(run),
    };
    run_finish(run, &summary);
}

void run_list_turn(struct run *run)
{
    if (!run->is_cut && run->tally.done > 0)
        judge(run);
    run->steps_left = STEPS_MAX;
    start_more(run);
    if (run->fault) { /* what a lane was given has no results */
        if (!run->is_wrong)
            run_fail(run, RUN_FAILED, run->fault);
        run->is_ended = true;
        return;
    }
    bool is_read =
        run->is_cut || (run->input.is_ended && run->lines.at == run->lines.bytes.len);
    if (is_read && run->tally.done == run->started && !run->is_ended)
        finish(run);
}

bool run_list_has_more(const struct run *run)
{
    return run->kind == RUN_LIST && run->steps_left == 0;
}

void run_list_end(struct run *run, enum call_code code)
{
    run->is_cut = true;
    for (unsigned i = 0; i < run->lane_count; i++)
        run_lane_end(run->lanes[i], code);
}

void run_list_close(struct run *run)
{
    for (unsigned i = 0; i < run->lane_count; i++)
        run_lane_stop(run->lanes[i]);
    for (unsigned i = 0; i < run->lane_count; i++)
        run_lane_free(run->lanes[i]);
    free(run->lanes);
    run->lanes = NULL;
    run->lane_count = 0;
    loop_unwatch(&run->loop, &run->bell);
    if (run->bell.on_ready)
        close(run->bell.fd);
    run->bell.on_ready = NULL;
}
