/* SPDX-License-Identifier: Apache-2.0 */
/* A list of URLs of any length: lines become small batches as others end, so that never
 * more is read than may start, and what one slow item keeps alive is its own chunk.
 *
 *     line_reader ─► chunk (up to CHUNK_MAX lines) ─► parse ─► gather ─► run_note
 *
 * What the list waits for is judged here, over all chunks. Called by run.c. */
#include "run/run_state.h"

#include "base/clock.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "batch/parse.h"
#include "batch/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_MAX = 64,
    CONCURRENCY = 200, /* by default */
    DOCUMENT_MAX = CHUNK_MAX * (6 * LINE_MAX_BYTES + 8),
    FAILURE_MAX = 4096,
    SHOWN_MAX = 256, /* of a line that is no URL */
};

/* Ten years: the clock of a list without a deadline, each item has its own. */
#define FOREVER_MS (10ULL * 365 * 86400 * 1000)

struct chunk {
    struct list node; /* in run->chunks */
    struct run *run;
    struct gather *gather;
};

void run_list_open(struct run *run)
{
    list_init(&run->chunks);
    run->output.has_urls = true;
    run->config.batch.concurrency = 0;
    run->config.batch.max_deadline_ms = FOREVER_MS;
    run->config.batch.deadline_ms =
        run->setup->deadline_ms ? run->setup->deadline_ms : FOREVER_MS;
    if (run->setup->deadline_ms)
        loop_timer_set(&run->loop, &run->deadline,
                       run->began_us / 1000 + run->setup->deadline_ms);
    run_output_begin(&run->output);
}

static struct wait_counts counts(const struct run *run)
{
    bool is_all = run->input.is_ended || run->is_cut;
    return (struct wait_counts){
        .total = is_all ? run->started : SIZE_MAX,
        .done = run->done,
        .ok = run->ok,
        .required_failed = run->required_failed,
        .first_is_ok = run->first_is_ok,
    };
}

static struct wait_policy policy(const struct run *run)
{
    return run->setup->wait ? *run->setup->wait : (struct wait_policy){.until = WAIT_ALL};
}

static void on_response(struct gather *gather, const struct item *item, struct slice json,
                        void *context)
{
    (void)gather;
    struct run *run = ((struct chunk *)context)->run;
    if (run->screen.is_shared)
        run_screen_clear(&run->screen);
    run_output_response(&run->output, item, json);
}

static void on_item(const struct item *item, const struct outcome *outcome,
                    double start_ms, void *context)
{
    struct chunk *chunk = context;
    const struct run_ended ended = {
        .item = item, .outcome = outcome, .code = item->code, .start_ms = start_ms};
    run_note(chunk->run, &ended);
}

static uint64_t held(void *context)
{
    struct chunk *chunk = context;
    return run_output_held(&chunk->run->output);
}

static void on_end(struct gather *gather, void *context)
{
    struct chunk *chunk = context;
    list_remove(&chunk->node);
    gather_free(gather);
    free(chunk);
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
    run_output_response(&run->output, &item, buffer_slice(&out));
    run_note(run, &ended);
}

/* ------------------------------------------------------------------------- chunks */

struct lines {
    struct buffer text; /* ["…","…" */
    uint64_t numbers[CHUNK_MAX];
    size_t count;
};

static void take_lines(struct run *run, struct lines *lines, size_t most)
{
    while (lines->count < most) {
        struct line line = line_reader_next(&run->lines, run->input.is_ended);
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
        buffer_append_byte(&lines->text, lines->count ? ',' : '[');
        json_text_append_string(&lines->text, line.text);
        lines->numbers[lines->count++] = line.number;
    }
}

static void start_chunk(struct run *run, struct lines *lines)
{
    struct parse_errors errors;
    const struct parse_setup parse = {
        .config = &run->config,
        .memory = &run->budgets.request_bytes,
        .may_set_host = true,
        .defaults = run->setup->item_defaults,
        .numbers = lines->numbers,
        .has_no_references = true,
    };
    buffer_append_byte(&lines->text, ']');
    struct batch *batch = parse_batch(buffer_slice(&lines->text), &parse, &errors);
    if (!batch || lines->text.failed) {
        run_fail(run, RUN_FAILED, errors.count ? errors.list[0].detail : "no memory");
        batch_free(batch);
        parse_errors_done(&errors);
        return;
    }
    parse_errors_done(&errors);
    if (run->setup->include >= 0)
        batch->include = (unsigned)run->setup->include;
    struct chunk *chunk = memory_new(sizeof *chunk);
    chunk->run = run;
    list_push_back(&run->chunks, &chunk->node);
    struct gather_setup setup = run_gather_setup(run);
    setup.on_end = on_end;
    setup.on_response = on_response;
    setup.on_item = on_item;
    setup.held = held;
    setup.context = chunk;
    run->started += batch->count;
    chunk->gather = gather_start(&setup, batch);
}

/* How many may start now; few are not worth a chunk while others run. */
static size_t room(const struct run *run)
{
    uint64_t most = run->setup->concurrency ? run->setup->concurrency : CONCURRENCY;
    uint64_t in_flight = run->started - run->done;
    uint64_t room = most > in_flight ? most - in_flight : 0;
    uint64_t least = most / 8 < CHUNK_MAX ? most / 8 : CHUNK_MAX;
    if (room < least)
        return 0;
    return room < CHUNK_MAX ? (size_t)room : CHUNK_MAX;
}

static bool may_start(struct run *run)
{
    return !run->is_cut && !run->is_wrong && !run->is_paused &&
           !writer_is_behind(run->output.writer);
}

static void start_more(struct run *run)
{
    struct lines lines = {.count = 0};
    size_t most;
    buffer_init(&lines.text, DOCUMENT_MAX);
    while (may_start(run) && (most = room(run)) > 0) {
        buffer_clear(&lines.text);
        lines.count = 0;
        take_lines(run, &lines, most);
        if (lines.count == 0)
            break;
        start_chunk(run, &lines);
    }
    buffer_done(&lines.text);
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
    bool is_whole = waited.until != WAIT_ALL || (run->input.is_ended && !run->is_cut);
    const struct gather_summary summary = {
        .total = run->started,
        .ok = run->ok,
        .failed = run->done - run->ok,
        .is_complete = is_whole && wait_is_complete(&waited, &so_far),
        .elapsed_ms = run_elapsed_ms(run),
    };
    run_finish(run, &summary);
}

void run_list_turn(struct run *run)
{
    if (!run->is_cut && run->done > 0)
        judge(run);
    start_more(run);
    bool is_read =
        run->is_cut || (run->input.is_ended && run->lines.at == run->lines.bytes.len);
    if (is_read && list_is_empty(&run->chunks) && !run->is_ended)
        finish(run);
}

void run_list_end(struct run *run, enum call_code code)
{
    run->is_cut = true;
    struct list *next;
    for (struct list *at = run->chunks.next; at != &run->chunks; at = next) {
        next = at->next;
        gather_end_now(container_of(at, struct chunk, node)->gather, code);
    }
}

void run_list_close(struct run *run)
{
    while (run->kind == RUN_LIST && !list_is_empty(&run->chunks)) {
        struct chunk *chunk = container_of(run->chunks.next, struct chunk, node);
        list_remove(&chunk->node);
        gather_free(chunk->gather);
        free(chunk);
    }
}
