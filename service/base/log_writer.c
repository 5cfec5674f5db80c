/* SPDX-License-Identifier: Apache-2.0 */
/* Two blocks that change places: one is filled under the lock, one is being written. The
 * thread sleeps on the lock's condition while there is nothing; after each write it rests
 * a moment, so that a busy service wakes it some hundred times a second and not once for
 * each line. Called by log.c; started and stopped by serve.c. */
#include "base/log_writer.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { REST_MS = 2, POLL_MS = 1 };

struct block {
    size_t len;
    char bytes[LOG_WRITER_QUEUE];
};

/* Static: it is the process's, and its pages are taken when they are first used. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t has_lines;
    pthread_t thread;
    struct block blocks[2];
    struct block *filling; /* under lock; the thread has the other one */
    bool is_writing;       /* under lock: the other one is not written yet */
    bool is_running;       /* under lock */
    bool must_stop;        /* under lock */
    atomic_uint_fast64_t dropped;
} writer = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .has_lines = PTHREAD_COND_INITIALIZER,
    .filling = &writer.blocks[0],
};

/* ------------------------------------------------------------------------- writing */

/* Whole lines: as many as fit into one atomic write, at least one. */
static size_t next_chunk(struct slice lines)
{
    size_t most = lines.len < LOG_WRITER_LINE_MAX ? lines.len : LOG_WRITER_LINE_MAX;
    const char *end = memrchr(lines.data, '\n', most);
    assert(end);
    return (size_t)(end - lines.data) + 1;
}

static uint64_t count_lines(struct slice lines)
{
    uint64_t count = 0;
    for (size_t i = 0; i < lines.len; i++)
        count += lines.data[i] == '\n';
    return count;
}

/* Waits as long as it takes. False: standard error is closed, its reader is gone, its
 * disk is full. */
static bool write_all(struct slice chunk)
{
    while (chunk.len > 0) {
        ssize_t written = write(STDERR_FILENO, chunk.data, chunk.len);
        if (written > 0) {
            chunk = slice_make(chunk.data + written, chunk.len - (size_t)written);
        } else if (written < 0 && errno == EAGAIN) {
            /* Somebody who shares it made it non-blocking. */
            struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
            poll(&out, 1, -1);
        } else if (written == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

static void write_block(const struct block *block)
{
    struct slice left = slice_make(block->bytes, block->len);
    while (left.len > 0) {
        struct slice chunk = slice_make(left.data, next_chunk(left));
        if (!write_all(chunk))
            atomic_fetch_add(&writer.dropped, count_lines(chunk));
        left = slice_make(left.data + chunk.len, left.len - chunk.len);
    }
}

static void rest(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

static void *run(void *context)
{
    (void)context;
    pthread_mutex_lock(&writer.lock);
    while (!writer.must_stop || writer.filling->len > 0) {
        if (writer.filling->len == 0) {
            pthread_cond_wait(&writer.has_lines, &writer.lock);
            continue;
        }
        struct block *block = writer.filling;
        writer.filling = &writer.blocks[block == &writer.blocks[0]];
        writer.is_writing = true;
        pthread_mutex_unlock(&writer.lock);
        write_block(block);
        pthread_mutex_lock(&writer.lock);
        block->len = 0;
        writer.is_writing = false;
        if (writer.must_stop)
            continue;
        pthread_mutex_unlock(&writer.lock);
        rest(REST_MS);
        pthread_mutex_lock(&writer.lock);
    }
    writer.is_running = false;
    pthread_mutex_unlock(&writer.lock);
    return NULL;
}

/* For when there is no thread: at most PIPE_BUF bytes, which a pipe that says it has room
 * takes at once. */
static bool write_now(struct slice line)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT))
        return false;
    ssize_t written;
    do
        written = write(STDERR_FILENO, line.data, line.len);
    while (written < 0 && errno == EINTR);
    return written == (ssize_t)line.len;
}

/* ------------------------------------------------------------------ for everybody */

bool log_writer_put(struct slice line)
{
    assert(line.len > 0 && line.len <= LOG_WRITER_LINE_MAX);
    pthread_mutex_lock(&writer.lock);
    bool is_running = writer.is_running;
    bool is_put = is_running && line.len <= LOG_WRITER_QUEUE - writer.filling->len;
    if (is_put) {
        memcpy(writer.filling->bytes + writer.filling->len, line.data, line.len);
        writer.filling->len += line.len;
    }
    pthread_mutex_unlock(&writer.lock);
    /* Not under the lock, which it would run into; and no system call if it is awake. */
    if (is_put)
        pthread_cond_signal(&writer.has_lines);
    if (!is_running)
        is_put = write_now(line);
    if (!is_put)
        atomic_fetch_add(&writer.dropped, 1);
    return is_put;
}

static bool is_empty(void)
{
    pthread_mutex_lock(&writer.lock);
    bool is_empty =
        !writer.is_running || (writer.filling->len == 0 && !writer.is_writing);
    pthread_mutex_unlock(&writer.lock);
    return is_empty;
}

static bool wait_until(bool (*is_so)(void), unsigned wait_ms)
{
    uint64_t until_ms = clock_now_ms() + wait_ms;
    while (!is_so()) {
        if (clock_now_ms() >= until_ms)
            return false;
        rest(POLL_MS);
    }
    return true;
}

bool log_writer_flush(unsigned wait_ms)
{
    return wait_until(is_empty, wait_ms);
}

uint64_t log_writer_dropped(void)
{
    return atomic_load_explicit(&writer.dropped, memory_order_relaxed);
}

bool log_writer_start(struct error *err)
{
    assert(!writer.is_running);
    writer.must_stop = false;
    int failure = pthread_create(&writer.thread, NULL, run, NULL);
    if (failure)
        return error_set_errno(err, failure, "cannot start the thread of the log");
    pthread_mutex_lock(&writer.lock);
    writer.is_running = true;
    pthread_mutex_unlock(&writer.lock);
    return true;
}

static bool has_ended(void)
{
    pthread_mutex_lock(&writer.lock);
    bool has_ended = !writer.is_running;
    pthread_mutex_unlock(&writer.lock);
    return has_ended;
}

/* An empty queue would not do: a line that another thread puts a moment later, which
 * nobody reads, and joining would take for ever. */
void log_writer_stop(unsigned wait_ms)
{
    pthread_mutex_lock(&writer.lock);
    bool was_running = writer.is_running;
    writer.must_stop = true;
    pthread_cond_signal(&writer.has_lines);
    pthread_mutex_unlock(&writer.lock);
    if (was_running && wait_until(has_ended, wait_ms))
        pthread_join(writer.thread, NULL);
}
