/* SPDX-License-Identifier: Apache-2.0 */
/* The thread, its queue and the way back, under one lock: jobs are few and long, so
 * nobody waits for it. It bounds nothing by itself: each job holds a document that was
 * charged to a budget before. Used by the handler of batches for large documents. */
#include "base/background.h"

#include "base/bell.h"
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Of the thread: with 5 it still took a CPU from a loop for slices of 3 ms (p99 of small
 * batches beside large ones 7.8 instead of 7.2 ms). */
enum { NICE = 15 };

struct background {
    pthread_t thread;
    bool is_started;
    pthread_mutex_t lock;
    pthread_cond_t has_work; /* or must stop */
    pthread_cond_t has_done; /* some job came back to its port */
    struct list queue;       /* under lock, like all of these */
    bool must_stop;
};

struct background_port {
    struct background *background;
    struct loop *loop;
    struct watch bell;
    struct list finished; /* under the lock */
    size_t under_way;     /* given, not finished; under the lock */
};

static struct background_job *job_of(struct list *node)
{
    return container_of(node, struct background_job, node);
}

/* --------------------------------------------------------------------- the thread */

static struct background_job *wait_for_job(struct background *background)
{
    pthread_mutex_lock(&background->lock);
    while (list_is_empty(&background->queue) && !background->must_stop)
        pthread_cond_wait(&background->has_work, &background->lock);
    struct list *node = list_pop_front(&background->queue);
    pthread_mutex_unlock(&background->lock);
    return node ? job_of(node) : NULL;
}

static void hand_back(struct background *background, struct background_port *port,
                      struct background_job *job)
{
    pthread_mutex_lock(&background->lock);
    list_push_back(&port->finished, &job->node);
    port->under_way--;
    bell_ring(port->bell.fd);
    pthread_cond_broadcast(&background->has_done);
    pthread_mutex_unlock(&background->lock);
}

static void *work(void *context)
{
    struct background *background = context;
    struct background_job *job;
    /* Loops go first where they share a CPU. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    while ((job = wait_for_job(background)) != NULL) {
        /* Without `done` the job may be gone after `run`. */
        struct background_port *port = job->done ? job->port : NULL;
        job->run(job);
        if (port)
            hand_back(background, port, job);
    }
    return NULL;
}

struct background *background_new(void)
{
    struct background *background = memory_new(sizeof *background);
    pthread_mutex_init(&background->lock, NULL);
    pthread_cond_init(&background->has_work, NULL);
    pthread_cond_init(&background->has_done, NULL);
    list_init(&background->queue);
    return background;
}

bool background_start(struct background *background, struct error *err)
{
    int failure = pthread_create(&background->thread, NULL, work, background);
    if (failure)
        return error_set_errno(err, failure, "cannot start the background thread");
    background->is_started = true;
    return true;
}

void background_free(struct background *background)
{
    if (!background)
        return;
    pthread_mutex_lock(&background->lock);
    background->must_stop = true;
    pthread_cond_signal(&background->has_work);
    pthread_mutex_unlock(&background->lock);
    if (background->is_started)
        pthread_join(background->thread, NULL);
    pthread_cond_destroy(&background->has_done);
    pthread_cond_destroy(&background->has_work);
    pthread_mutex_destroy(&background->lock);
    free(background);
}

void background_give(struct background *background, struct background_job *job)
{
    pthread_mutex_lock(&background->lock);
    list_push_back(&background->queue, &job->node);
    if (job->done)
        job->port->under_way++;
    pthread_cond_signal(&background->has_work);
    pthread_mutex_unlock(&background->lock);
}

/* -------------------------------------------------------------------------- ports */

/* Not under the lock: `done` may give the next job. */
static void take_finished(struct background_port *port)
{
    struct list *node;
    do {
        pthread_mutex_lock(&port->background->lock);
        node = list_pop_front(&port->finished);
        pthread_mutex_unlock(&port->background->lock);
        if (node)
            job_of(node)->done(job_of(node));
    } while (node);
}

static void on_bell(struct watch *watch, uint32_t ready)
{
    (void)ready;
    bell_hear(watch->fd);
    take_finished(container_of(watch, struct background_port, bell));
}

struct background_port *background_port_new(struct background *background,
                                            struct loop *loop, struct error *err)
{
    struct background_port *port = memory_new(sizeof *port);
    port->background = background;
    port->loop = loop;
    port->bell.on_ready = on_bell;
    list_init(&port->finished);
    int fd = bell_new();
    if (fd >= 0 && loop_watch(loop, &port->bell, fd, EPOLLIN))
        return port;
    error_set_errno(err, errno, "cannot watch the background thread");
    if (fd >= 0)
        close(fd);
    free(port);
    return NULL;
}

void background_port_free(struct background_port *port)
{
    if (!port)
        return;
    struct background *background = port->background;
    pthread_mutex_lock(&background->lock);
    while (port->under_way > 0)
        pthread_cond_wait(&background->has_done, &background->lock);
    pthread_mutex_unlock(&background->lock);
    take_finished(port);
    loop_unwatch(port->loop, &port->bell);
    close(port->bell.fd);
    free(port);
}
