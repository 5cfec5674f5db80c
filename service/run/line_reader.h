/* SPDX-License-Identifier: Apache-2.0 */
/* A list of URLs as bytes come: one a line, empty lines and those that begin with # are
 * left out, white space around a URL and a byte order mark in front are no part of it.
 * Pure; holds no more than what was given to it and not taken yet. */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINE_MAX_BYTES = 32 << 10 };

enum line_kind {
    LINE_NONE,   /* the next line is not there yet, or none is left */
    LINE_URL,    /* `text` is what stands in it */
    LINE_FAULTY, /* it cannot be a URL: `fault` says why */
};

struct line {
    enum line_kind kind;
    uint64_t number;   /* from 1, all lines counted */
    struct slice text; /* what stands in it, or begins it; valid until the reader is given
                          more */
    const char *fault;
};

struct line_reader {
    struct buffer bytes;
    size_t at;        /* in `bytes`: what is before was taken */
    size_t seen;      /* … and up to here there is no newline */
    uint64_t number;  /* of lines so far */
    uint64_t taken;   /* bytes, with all before */
    bool is_skipping; /* the rest of a line that was too long */
};

/* line_reader_init: never more than `max` bytes are held. */
void line_reader_init(struct line_reader *reader, size_t max);
void line_reader_done(struct line_reader *reader);

/* line_reader_buffer: where more bytes are to be appended; what was taken is forgotten.
 */
struct buffer *line_reader_buffer(struct line_reader *reader);

/* line_reader_next takes the next line; `is_end`: no more bytes will come, so the last
 * one need not end with a newline. */
struct line line_reader_next(struct line_reader *reader, bool is_end);
