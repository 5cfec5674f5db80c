/* SPDX-License-Identifier: Apache-2.0 */
/* Two buffers that change places: one is filled by the loop, under the lock, one is
 * written by the thread. Called by run_output.c. */
#include "run/writer.h"

#include "base/list.h"
#include "base/memory.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    KEPT_MAX = 4 * WRITER_BEHIND, /* of memory, for the next bytes */
    /* Less than this waits a moment for more: to be woken for each turn's results costs
     * the loops a tenth of their speed. */
    WORTH_A_WRITE = 64 * 1024,
    MOMENT_NS = 1000000,
};

struct writer {
    int fd;
    struct loop *loop;
    struct watch watch; /* of event_fd: the thread has news */
    int event_fd;
    writer_change_fn *on_change;
    void *context;
    pthread_t thread;
    bool is_started;

    /* Shared, under lock. */
    pthread_mutex_t lock;
    pthread_cond_t has_more;
    struct buffer given;
    size_t held; /* in `given` and with the thread */
    int failure;
    bool must_stop;

    struct buffer writing; /* the thread's */
};

static void ring(struct writer *writer)
{
    uint64_t one = 1;
    ssize_t written = write(writer->event_fd, &one, sizeof one);
    (void)written; /* EAGAIN: the bell rings already */
}

static void on_news(struct watch *watch, uint32_t ready)
{
    (void)ready;
    struct writer *writer = container_of(watch, struct writer, watch);
    uint64_t rings;
    ssize_t got = read(watch->fd, &rings, sizeof rings);
    (void)got;
    writer->on_change(writer->context);
}

/* False: nothing is left and the thread is to end. */
static bool take_more(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    while (writer->given.len == 0 && !writer->must_stop)
        pthread_cond_wait(&writer->has_more, &writer->lock);
    bool waits_for_more = writer->given.len < WORTH_A_WRITE && !writer->must_stop;
    pthread_mutex_unlock(&writer->lock);
    if (waits_for_more)
        nanosleep(&(const struct timespec){.tv_nsec = MOMENT_NS}, NULL);
    pthread_mutex_lock(&writer->lock);
    struct buffer empty = writer->writing;
    writer->writing = writer->given;
    writer->given = empty;
    pthread_mutex_unlock(&writer->lock);
    return writer->writing.len > 0;
}

/* `len` bytes have left, or none ever will. */
static void note_written(struct writer *writer, size_t len, int failure)
{
    pthread_mutex_lock(&writer->lock);
    size_t before = writer->held;
    writer->held -= len;
    if (failure) {
        writer->failure = failure;
        writer->held = 0;
        buffer_clear(&writer->given);
    }
    size_t after = writer->held;
    pthread_mutex_unlock(&writer->lock);
    size_t low = WRITER_BEHIND / 2;
    if (failure || after == 0 || (before >= low && after < low))
        ring(writer);
}

/* Who shares the descriptor may have made it non-blocking. */
static bool wait_for_room(const struct writer *writer)
{
    struct pollfd wanted = {.fd = writer->fd, .events = POLLOUT};
    return poll(&wanted, 1, -1) >= 0 || errno == EINTR;
}

static void write_all(struct writer *writer)
{
    const char *at = writer->writing.data;
    size_t left = writer->writing.len;
    while (left > 0) {
        ssize_t written = write(writer->fd, at, left);
        if (written < 0 && (errno == EINTR || (errno == EAGAIN && wait_for_room(writer))))
            continue;
        if (written < 0) {
            note_written(writer, 0, errno);
            break;
        }
        at += written;
        left -= (size_t)written;
        note_written(writer, (size_t)written, 0);
    }
    if (writer->writing.cap > KEPT_MAX)
        buffer_done(&writer->writing);
    buffer_clear(&writer->writing);
}

static void *run(void *context)
{
    struct writer *writer = context;
    while (take_more(writer))
        write_all(writer);
    return NULL;
}

static bool start(struct writer *writer, struct error *err)
{
    writer->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (writer->event_fd < 0)
        return error_set_errno(err, errno, "cannot make a writer's bell");
    writer->watch.on_ready = on_news;
    if (!loop_watch(writer->loop, &writer->watch, writer->event_fd, EPOLLIN))
        return error_set_errno(err, errno, "cannot watch a writer");
    int failure = pthread_create(&writer->thread, NULL, run, writer);
    if (failure)
        return error_set_errno(err, failure, "cannot start a writer's thread");
    writer->is_started = true;
    return true;
}

struct writer *writer_new(int fd, struct loop *loop, writer_change_fn *on_change,
                          void *context, struct error *err)
{
    struct writer *writer = memory_new(sizeof *writer);
    writer->fd = fd;
    writer->loop = loop;
    writer->on_change = on_change;
    writer->context = context;
    writer->event_fd = -1;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->has_more, NULL);
    buffer_init(&writer->given, SIZE_MAX / 4); /* what is held bounds it */
    buffer_init(&writer->writing, SIZE_MAX / 4);
    if (start(writer, err))
        return writer;
    writer_free(writer);
    return NULL;
}

void writer_free(struct writer *writer)
{
    if (!writer)
        return;
    if (writer->is_started) {
        pthread_mutex_lock(&writer->lock);
        writer->must_stop = true;
        pthread_cond_signal(&writer->has_more);
        pthread_mutex_unlock(&writer->lock);
        pthread_join(writer->thread, NULL);
    }
    loop_unwatch(writer->loop, &writer->watch);
    if (writer->event_fd >= 0)
        close(writer->event_fd);
    buffer_done(&writer->given);
    buffer_done(&writer->writing);
    pthread_cond_destroy(&writer->has_more);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}

void writer_give(struct writer *writer, struct buffer *text)
{
    pthread_mutex_lock(&writer->lock);
    size_t len = text->len;
    if (writer->failure) {
        len = 0;
    } else if (writer->given.len == 0) { /* the usual case: no copy */
        struct buffer empty = writer->given;
        writer->given = *text;
        *text = empty;
    } else if (!buffer_append(&writer->given, text->data, len)) {
        writer->failure = ENOMEM;
        len = 0;
    }
    writer->held += len;
    pthread_cond_signal(&writer->has_more);
    pthread_mutex_unlock(&writer->lock);
    buffer_clear(text);
}

size_t writer_held(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    size_t held = writer->held;
    pthread_mutex_unlock(&writer->lock);
    return held;
}

bool writer_is_behind(struct writer *writer)
{
    return writer_held(writer) > WRITER_BEHIND;
}

int writer_failure(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    int failure = writer->failure;
    pthread_mutex_unlock(&writer->lock);
    return failure;
}
