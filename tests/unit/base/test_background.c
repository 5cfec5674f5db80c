/* SPDX-License-Identifier: Apache-2.0 */
/* base/background.h: jobs are done in order, on another thread, and come back once. */
#include "base/background.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { JOBS = 200 };

struct numbered {
    struct background_job job;
    pthread_t ran_on;
    size_t ran_as; /* 1 for the first */
    int niceness;
    size_t done_as;
};

static struct background *background;
static struct loop loop;
static struct background_port *port;
static struct numbered jobs[JOBS];
static size_t ran;
static size_t done;

static void run_numbered(struct background_job *job)
{
    struct numbered *numbered = container_of(job, struct numbered, job);
    numbered->ran_on = pthread_self();
    numbered->niceness = getpriority(PRIO_PROCESS, 0);
    numbered->ran_as = ++ran;
}

static void done_numbered(struct background_job *job)
{
    container_of(job, struct numbered, job)->done_as = ++done;
}

static void open_all(void)
{
    struct error err;
    cr_assert(loop_init(&loop, &err), "%s", err.text);
    background = background_new();
    cr_assert(background_start(background, &err), "%s", err.text);
    port = background_port_new(background, &loop, &err);
    cr_assert_not_null(port, "%s", err.text);
}

static void close_all(void)
{
    background_port_free(port);
    background_free(background);
    loop_done(&loop);
}

static void give_all(void)
{
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i].job = (struct background_job){
            .run = run_numbered, .done = done_numbered, .port = port};
        background_give(background, &jobs[i].job);
    }
}

TestSuite(background, .init = open_all, .timeout = 30);

Test(background, jobs_run_in_order_on_another_thread_and_come_back_to_the_loop)
{
    give_all();
    while (done < JOBS)
        loop_wait(&loop, 1000);
    for (size_t i = 0; i < JOBS; i++) {
        cr_expect_eq(jobs[i].ran_as, i + 1);
        cr_expect_eq(jobs[i].done_as, i + 1);
        cr_expect(!pthread_equal(jobs[i].ran_on, pthread_self()));
    }
    close_all();
}

Test(background, freeing_a_port_waits_for_its_jobs_and_calls_done_for_each)
{
    give_all();
    background_port_free(port);
    cr_expect_eq(done, JOBS);
    port = NULL;
    close_all();
}

Test(background, the_thread_lets_the_loops_go_first)
{
    give_all();
    background_port_free(port);
    cr_expect_gt(jobs[0].niceness, getpriority(PRIO_PROCESS, 0));
    port = NULL;
    close_all();
}

static void free_itself(struct background_job *job)
{
    free(job);
    __atomic_add_fetch(&ran, 1, __ATOMIC_RELAXED);
}

Test(background, a_job_without_done_may_free_itself_and_what_is_queued_is_still_done)
{
    for (size_t i = 0; i < JOBS; i++) {
        struct background_job *job = calloc(1, sizeof *job);
        job->run = free_itself;
        background_give(background, job);
    }
    close_all();
    cr_expect_eq(ran, JOBS);
}

static void give_next(struct background_job *job)
{
    struct numbered *next = container_of(job, struct numbered, job) + 1;
    done++;
    if (next == jobs + JOBS)
        return;
    next->job =
        (struct background_job){.run = run_numbered, .done = give_next, .port = port};
    background_give(background, &next->job);
}

Test(background, done_may_give_the_next_job)
{
    jobs[0].job =
        (struct background_job){.run = run_numbered, .done = give_next, .port = port};
    background_give(background, &jobs[0].job);
    while (done < JOBS)
        loop_wait(&loop, 1000);
    cr_expect_eq(ran, JOBS);
    close_all();
}
