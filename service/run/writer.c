/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces in a queue: given under the lock, written by the thread without it, and their
 * memory used again. Called by run_output.c. */
#include "run/writer.h"

#include "base/bell.h"
#include "base/list.h"
#include "base/memory.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    /* Smaller pieces are joined up to this, so that few are long in the queue and each
     * is worth a system call. */
    PIECE_MAX = 64 << 10,
    SPARES_MAX = 8,
    SPARE_MAX = 4 * PIECE_MAX, /* a larger one's memory is not kept */
};

struct piece {
    struct list node;
    struct buffer text;
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

    /* Shared: written under the lock, two of them read without it. */
    pthread_mutex_t lock;
    pthread_cond_t has_more;
    struct list pieces; /* to be written, the oldest first */
    struct list spares; /* with memory for what comes next */
    size_t spare_count;
    atomic_size_t held; /* in `pieces` and with the thread */
    atomic_int failure;
    bool is_asleep;   /* the thread waits for has_more */
    bool tells_empty; /* … and rings when all is written */
    bool must_stop;
};

static void ring(struct writer *writer)
{
    bell_ring(writer->event_fd);
}

static void on_news(struct watch *watch, uint32_t ready)
{
    (void)ready;
    struct writer *writer = container_of(watch, struct writer, watch);
    bell_hear(watch->fd);
    writer->on_change(writer->context);
}

static struct piece *new_piece(void)
{
    struct piece *piece = memory_new(sizeof *piece);
    buffer_init(&piece->text, SIZE_MAX / 4); /* what is held bounds it */
    return piece;
}

static void free_pieces(struct list *pieces)
{
    struct list *node;
    while ((node = list_pop_front(pieces))) {
        struct piece *piece = container_of(node, struct piece, node);
        buffer_done(&piece->text);
        free(piece);
    }
}

/* All there is. False: nothing is left and the thread is to end. */
static bool take_all(struct writer *writer, struct list *ret_pieces)
{
    pthread_mutex_lock(&writer->lock);
    while (list_is_empty(&writer->pieces) && !writer->must_stop) {
        writer->is_asleep = true;
        pthread_cond_wait(&writer->has_more, &writer->lock);
    }
    writer->is_asleep = false;
    list_move_all(&writer->pieces, ret_pieces);
    pthread_mutex_unlock(&writer->lock);
    return !list_is_empty(ret_pieces);
}

/* `len` bytes have left, or none ever will. */
static void note_written(struct writer *writer, size_t len, int failure)
{
    pthread_mutex_lock(&writer->lock);
    size_t before = atomic_load(&writer->held);
    size_t after = failure ? 0 : before - len;
    atomic_store(&writer->held, after);
    if (failure) {
        atomic_store(&writer->failure, failure);
        free_pieces(&writer->pieces);
    }
    size_t low = WRITER_BEHIND / 2;
    bool has_news =
        failure || (after == 0 && writer->tells_empty) || (before >= low && after < low);
    writer->tells_empty &= after > 0;
    pthread_mutex_unlock(&writer->lock);
    if (has_news)
        ring(writer);
}

/* Who shares the descriptor may have made it non-blocking. */
static bool wait_for_room(const struct writer *writer)
{
    struct pollfd wanted = {.fd = writer->fd, .events = POLLOUT};
    return poll(&wanted, 1, -1) >= 0 || errno == EINTR;
}

static void write_piece(struct writer *writer, const struct piece *piece)
{
    const char *at = piece->text.data;
    size_t left = piece->text.len;
    while (left > 0 && writer_failure(writer) == 0) {
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
}

static void keep_spare(struct writer *writer, struct piece *piece)
{
    buffer_clear(&piece->text);
    pthread_mutex_lock(&writer->lock);
    bool is_kept = writer->spare_count < SPARES_MAX && piece->text.cap <= SPARE_MAX;
    if (is_kept) {
        list_push_front(&writer->spares, &piece->node);
        writer->spare_count++;
    }
    pthread_mutex_unlock(&writer->lock);
    if (is_kept)
        return;
    buffer_done(&piece->text);
    free(piece);
}

static void *run(void *context)
{
    struct writer *writer = context;
    struct list pieces;
    struct list *node;
    list_init(&pieces);
    while (take_all(writer, &pieces)) {
        while ((node = list_pop_front(&pieces))) {
            struct piece *piece = container_of(node, struct piece, node);
            write_piece(writer, piece);
            keep_spare(writer, piece);
        }
    }
    return NULL;
}

static bool start(struct writer *writer, struct error *err)
{
    writer->event_fd = bell_new();
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
    list_init(&writer->pieces);
    list_init(&writer->spares);
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
    free_pieces(&writer->pieces);
    free_pieces(&writer->spares);
    pthread_cond_destroy(&writer->has_more);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}

/* The text changes places with a spare's memory. */
static void push(struct writer *writer, struct buffer *text)
{
    struct list *node = list_pop_front(&writer->spares);
    struct piece *piece = node ? container_of(node, struct piece, node) : new_piece();
    writer->spare_count -= node != NULL;
    struct buffer spare = piece->text;
    piece->text = *text;
    *text = spare;
    list_push_back(&writer->pieces, &piece->node);
}

/* Behind what waits already. False: there is no memory. */
static bool add(struct writer *writer, struct buffer *text)
{
    if (!list_is_empty(&writer->pieces)) {
        struct piece *last = container_of(writer->pieces.prev, struct piece, node);
        if (last->text.len + text->len <= PIECE_MAX)
            return buffer_append(&last->text, text->data, text->len);
    }
    push(writer, text);
    return true;
}

void writer_give(struct writer *writer, struct buffer *text)
{
    bool must_wake = false;
    bool is_lost = false;
    size_t len = text->len;
    pthread_mutex_lock(&writer->lock);
    if (len > 0 && writer_failure(writer) == 0) {
        is_lost = !add(writer, text);
        if (is_lost)
            atomic_store(&writer->failure, ENOMEM);
        else
            atomic_store(&writer->held, writer_held(writer) + len);
        must_wake = writer->is_asleep;
        writer->is_asleep = false;
    }
    pthread_mutex_unlock(&writer->lock);
    if (must_wake) /* without the lock, which it takes first */
        pthread_cond_signal(&writer->has_more);
    if (is_lost)
        ring(writer);
    buffer_clear(text);
}

size_t writer_held(const struct writer *writer)
{
    return atomic_load_explicit(&writer->held, memory_order_relaxed);
}

bool writer_is_behind(const struct writer *writer)
{
    return writer_held(writer) > WRITER_BEHIND;
}

bool writer_is_empty(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    bool is_empty = writer_held(writer) == 0;
    writer->tells_empty = !is_empty;
    pthread_mutex_unlock(&writer->lock);
    return is_empty;
}

int writer_failure(const struct writer *writer)
{
    return atomic_load_explicit(&writer->failure, memory_order_relaxed);
}
