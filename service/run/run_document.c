/* SPDX-License-Identifier: Apache-2.0 */
/* A batch document: read whole, parsed as the service does, and one gather. Called by
 * run.c. */
#include "run/run_state.h"

#include "base/terminal.h"
#include "base/terminal_text.h"
#include "batch/parse.h"

#include <limits.h>
#include <unistd.h>

enum { ERRORS_MAX = 1 << 20 };

/* Every fault with its place, as the service lists them. */
static void print_errors(const struct run *run, const struct parse_errors *errors)
{
    struct buffer out;
    buffer_init(&out, ERRORS_MAX);
    for (size_t i = 0; i < errors->count; i++) {
        const struct parse_error *error = &errors->list[i];
        buffer_append_format(&out, "gatherd run: %s: ", run->setup->input);
        terminal_text_append(&out, slice_from(error->pointer), INT_MAX);
        buffer_append_text(&out, *error->pointer ? ": " : "");
        terminal_text_append(&out, slice_from(error->detail), INT_MAX);
        buffer_append_byte(&out, '\n');
    }
    if (errors->total > errors->count)
        buffer_append_format(&out, "gatherd run: %zu more\n",
                             errors->total - errors->count);
    (void)terminal_write(STDERR_FILENO, buffer_slice(&out));
    buffer_done(&out);
}

static void apply_wishes(const struct run_setup *setup, struct batch *batch)
{
    if (setup->concurrency)
        batch->concurrency = setup->concurrency;
    if (setup->deadline_ms)
        batch->deadline_ms = (uint32_t)setup->deadline_ms;
    if (setup->include >= 0)
        batch->include = (unsigned)setup->include;
    if (setup->wait)
        batch->wait = *setup->wait;
}

static void on_response(struct gather *gather, const struct item *item, struct slice json,
                        void *context)
{
    (void)gather;
    struct run *run = context;
    if (run->screen.is_shared)
        run_screen_clear(&run->screen);
    run_output_response(&run->output, &run->output.out, item, json);
}

static void on_item(const struct item *item, const struct outcome *outcome,
                    double start_ms, void *context)
{
    const struct run_ended ended = {
        .item = item, .outcome = outcome, .code = item->code, .start_ms = start_ms};
    if (!item->parent)
        run_note(context, &ended);
}

static uint64_t held(void *context)
{
    struct run *run = context;
    return run_output_held(&run->output);
}

static void on_end(struct gather *gather, void *context)
{
    struct run *run = context;
    struct gather_summary summary = gather_summary(gather);
    if (run->setup->format == RUN_JSON) {
        struct gather_piece pieces[GATHER_PIECES_MAX];
        uint64_t bytes = 0;
        size_t count = gather_reply(gather, pieces, &bytes);
        run_output_pieces(&run->output, pieces, count);
        budget_give(&run->budgets.reply_bytes, bytes);
        if (count == 0)
            run_fail(run, RUN_FAILED, "no memory for the results");
    }
    gather_free(gather);
    run->gather = NULL;
    run_finish(run, &summary);
}

static void start(struct run *run)
{
    struct parse_errors errors;
    const struct parse_setup parse = {
        .config = &run->config,
        .memory = &run->budgets.request_bytes,
        .may_set_host = true,
        .defaults = run->setup->item_defaults,
    };
    struct buffer *text = line_reader_buffer(&run->lines);
    struct batch *batch = parse_batch(buffer_slice(text), &parse, &errors);
    buffer_done(text);
    if (!batch) {
        print_errors(run, &errors);
        parse_errors_done(&errors);
        run_fail(run, RUN_USAGE, NULL);
        return;
    }
    parse_errors_done(&errors);
    apply_wishes(run->setup, batch);
    struct gather_setup setup = run_gather_setup(run);
    setup.on_end = on_end;
    setup.on_item = on_item;
    if (run->setup->format != RUN_JSON) { /* whose document is that of gather_reply */
        setup.on_response = on_response;
        setup.held = held;
    }
    run->started = batch->count;
    run_output_begin(&run->output);
    run->gather = gather_start(&setup, batch);
}

void run_document_turn(struct run *run)
{
    while (run_input_read(&run->input, line_reader_buffer(&run->lines)))
        continue;
    if (run->input.failure == 0 && run->input.is_ended && run->started == 0 &&
        !run->is_wrong)
        start(run);
}

void run_document_end(struct run *run, enum call_code code)
{
    if (run->gather)
        gather_end_now(run->gather, code);
    else if (!run->is_ended)
        run_fail(run, RUN_FAILED, "ended before the document was there");
}
