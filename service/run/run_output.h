/* SPDX-License-Identifier: Apache-2.0 */
/* Results to standard output, in one of three forms, as items end. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/loop.h"
#include "batch/gather.h"
#include "run/run.h"
#include "run/writer.h"

#include <stdbool.h>
#include <stddef.h>

struct run_ended;

struct run_output {
    enum run_format format;
    struct writer *writer;
    struct buffer out; /* of this turn */
    bool has_some;     /* a response was written */
    bool has_urls;     /* of a list: responses are told their URL */
    int columns;       /* of the table; 0: no limit */
    bool has_colours;
    bool is_prompt; /* a person looks on: each turn's results leave at once */
};

bool run_output_open(struct run_output *output, const struct run_setup *setup,
                     struct loop *loop, writer_change_fn *on_change, void *context,
                     struct error *err) MUST_CHECK;
/* run_output_close: all was written, or writing failed. */
void run_output_close(struct run_output *output);

/* run_output_begin and run_output_end stand around the responses; these are
 * run_output_row of a table, run_output_response otherwise, and appended to `out`, which
 * may be a lane's. */
void run_output_begin(struct run_output *output);
void run_output_response(const struct run_output *output, struct buffer *out,
                         const struct item *item, struct slice json);
void run_output_row(const struct run_output *output, struct buffer *out,
                    const struct run_ended *ended);
void run_output_end(struct run_output *output, const struct gather_summary *summary);

/* run_output_pieces writes a whole reply. */
void run_output_pieces(struct run_output *output, struct gather_piece *pieces,
                       size_t count);

/* run_output_give hands the responses in `out` to the writer and empties it.
 * run_output_flush: those in output->out; once a turn. run_output_held: bytes that have
 * not left. run_output_is_empty: there are none; else the writer tells when. */
void run_output_give(struct run_output *output, struct buffer *out);
void run_output_flush(struct run_output *output);
size_t run_output_held(const struct run_output *output);
bool run_output_is_empty(struct run_output *output);
