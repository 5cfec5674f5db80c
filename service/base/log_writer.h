/* SPDX-License-Identifier: Apache-2.0 */
/* How lines of the log get to standard error without a worker ever waiting for it.
 *
 * Nothing that is asked of the descriptor itself is enough: its flags belong to everybody
 * who shares it, so O_NONBLOCK is not ours to set; and a pipe or terminal that poll calls
 * writable may be full a moment later, because another process writes into it too. So
 * once it is started a thread of its own writes, and may hang there as long as its reader
 * pleases. Everybody else puts lines into a queue of bounded size and goes on; what does
 * not fit is dropped and counted.
 *
 * Lines that come together leave in one write(2) of at most PIPE_BUF bytes, always whole
 * ones: on a pipe they mix with nobody else's (pipe(7)). One per process. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LOG_WRITER_QUEUE =
        512 * 1024,             /* bytes of lines that wait; as many may be on the way */
    LOG_WRITER_LINE_MAX = 4096, /* PIPE_BUF */
};

/* log_writer_start makes the thread. Before, and after log_writer_stop, a line is written
 * by who puts it, if standard error has room at that moment. Main's thread. */
bool log_writer_start(struct error *err) MUST_CHECK;
/* log_writer_stop waits until what was put is written, at most `wait_ms`; a writer that
 * still hangs then is left to the end of the process. Main's thread, other threads may
 * still put lines. A no-op if it does not run. */
void log_writer_stop(unsigned wait_ms);

/* log_writer_put takes a whole line with its line feed, at most LOG_WRITER_LINE_MAX bytes
 * and no line feed but the last. False: it is dropped, and counted. Any thread; waits for
 * nothing but a lock that is held while bytes are copied. */
bool log_writer_put(struct slice line) MUST_CHECK;
/* log_writer_flush waits, at most `wait_ms`, until what was put is written: for who is
 * about to end the process. False: it is not. */
bool log_writer_flush(unsigned wait_ms);

/* log_writer_dropped: lines that were put and never written. Any thread. */
uint64_t log_writer_dropped(void);
