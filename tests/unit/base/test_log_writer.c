/* SPDX-License-Identifier: Apache-2.0 */
/* base/log_writer.h: lines get out in order and whole, and nobody waits for a reader. */
#include "base/log_writer.h"
#include "base/log.h"
#include "support/expect.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 }; /* never waited for in full when all is well */

static int kept_stderr;
static int ends[2];
static char got[4 << 20];
static size_t got_len;

static void catch_in_pipe(void)
{
    cr_assert(eq(int, pipe(ends), 0));
    kept_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    got_len = 0;
}

static void release_stderr(void)
{
    dup2(kept_stderr, STDERR_FILENO);
    close(ends[1]);
}

/* What is in the pipe, and what comes until `end` has been seen. */
static void read_until(const char *end)
{
    for (;;) {
        struct pollfd in = {.fd = ends[0], .events = POLLIN};
        got[got_len] = '\0';
        if (got_len >= strlen(end) && strstr(got, end))
            return;
        cr_assert(eq(int, poll(&in, 1, PATIENCE_MS), 1), "no %s in %zu bytes", end,
                  got_len);
        ssize_t len = read(ends[0], got + got_len, sizeof got - 1 - got_len);
        cr_assert(len > 0);
        got_len += (size_t)len;
    }
}

static void start(void)
{
    struct error err = {0};
    cr_assert(log_writer_start(&err), "%s", err.text);
}

static bool put(const char *line)
{
    return log_writer_put(slice_from(line));
}

Test(log_writer, what_is_put_gets_out_in_order)
{
    catch_in_pipe();
    start();
    for (int i = 0; i < 1000; i++) {
        char line[32];
        snprintf(line, sizeof line, "line %d\n", i);
        cr_assert(put(line));
    }
    log_writer_stop(PATIENCE_MS);
    release_stderr();
    read_until("line 999\n");
    const char *at = got;
    for (int i = 0; i < 1000; i++) {
        char line[32];
        int len = snprintf(line, sizeof line, "line %d\n", i);
        cr_assert(eq(int, strncmp(at, line, (size_t)len), 0));
        at += len;
    }
}

Test(log_writer,
     l12_a_reader_that_stalls_keeps_nobody_waiting_and_all_that_fits_comes_later)
{
    static char line[200];
    memset(line, 'x', sizeof line - 2);
    line[sizeof line - 2] = '\n';
    catch_in_pipe();
    start();
    uint64_t before = log_writer_dropped();
    /* Far more than pipe and queue hold; if putting could wait, this would never end. */
    unsigned taken = 0, refused = 0;
    for (int i = 0; i < 20000; i++)
        *(put(line) ? &taken : &refused) += 1;
    cr_expect(refused > 0);
    cr_expect(eq(u64, log_writer_dropped() - before, refused));
    cr_expect(not(log_writer_flush(1)));
    /* The reader comes back: everything that was taken is there. */
    size_t wanted = taken * strlen(line);
    while (got_len < wanted) {
        ssize_t len = read(ends[0], got + got_len, sizeof got - got_len);
        cr_assert(len > 0);
        got_len += (size_t)len;
    }
    cr_expect(eq(sz, got_len, wanted));
    cr_expect(log_writer_flush(PATIENCE_MS));
    cr_assert(put("next\n"));
    read_until("next\n");
    log_writer_stop(PATIENCE_MS);
    release_stderr();
}

Test(log_writer, l12_what_was_dropped_stands_in_the_next_line_that_gets_through)
{
    catch_in_pipe();
    log_setup(LOG_INFO, LOG_JSON);
    start();
    uint64_t before = log_writer_dropped();
    while (log_writer_dropped() - before < 3)
        log_message(LOG_INFO, "flood", "so many words that nobody reads them in time");
    char wanted[64];
    /* Whatever is in the way goes first. */
    uint64_t dropped = log_writer_dropped() - before;
    snprintf(wanted, sizeof wanted, ",\"dropped\":%llu}", (unsigned long long)dropped);
    read_until("flood");
    while (!log_writer_flush(0)) {
        struct pollfd in = {.fd = ends[0], .events = POLLIN};
        if (poll(&in, 1, 1) == 1)
            cr_assert(read(ends[0], got, sizeof got) > 0);
    }
    got_len = 0;
    log_message(LOG_INFO, "after", "the flood");
    read_until("the flood");
    cr_expect(ne(ptr, strstr(got, wanted), NULL), "no %s", wanted);
    got_len = 0;
    log_message(LOG_INFO, "later", "on");
    read_until("later");
    cr_expect(eq(ptr, strstr(got, "dropped"), NULL));
    log_writer_stop(PATIENCE_MS);
    release_stderr();
}

Test(log_writer, l12_a_stalled_reader_does_not_keep_the_process_from_ending)
{
    static char line[LOG_WRITER_LINE_MAX];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    catch_in_pipe();
    start();
    while (log_writer_put(slice_make(line, sizeof line)))
        ;
    log_writer_stop(1); /* returns, though its thread hangs */
    dup2(kept_stderr, STDERR_FILENO);
}

static atomic_int rounds;

/* A line just when it is told to stop, a little later each time. */
static void *put_late(void *context)
{
    int delay = *(const int *)context;
    while (atomic_load(&rounds) == 0)
        ;
    while (delay-- > 0)
        atomic_fetch_add(&rounds, 1);
    (void)put("late\n");
    return NULL;
}

static void fill_pipe(void)
{
    static const char page[4096] = {1};
    while (write(ends[1], page, sizeof page) > 0)
        ;
}

static void empty_pipe(void)
{
    while (read(ends[0], got, sizeof got) > 0)
        ;
}

/* If it waited for an empty queue and then for the thread, it would hang here at times.
 */
Test(log_writer, l12_nor_does_a_line_that_comes_while_it_ends)
{
    catch_in_pipe();
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 100; i++) {
        pthread_t thread;
        int delay = i * 30;
        atomic_store(&rounds, 0);
        fill_pipe();
        start();
        pthread_create(&thread, NULL, put_late, &delay);
        atomic_store(&rounds, 1);
        log_writer_stop(1);
        pthread_join(thread, NULL);
        empty_pipe();
        log_writer_stop(PATIENCE_MS);
    }
    release_stderr();
}

/* Each write is whole lines and at most PIPE_BUF, so who else writes into the pipe does
 * not get between: in packet mode (pipe(2), O_DIRECT) a read gives what a write gave. */
Test(log_writer, writes_are_whole_lines_that_a_pipe_takes_in_one_piece)
{
    cr_assert(eq(int, pipe2(ends, O_DIRECT), 0));
    kept_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    start();
    static char line[1500];
    for (size_t len = 2; len < sizeof line; len += 7) {
        memset(line, 'a' + (int)(len % 26), len);
        line[len - 1] = '\n';
        while (!log_writer_put(slice_make(line, len)))
            ;
        if (len % 5 == 0) /* one packet at least is there */
            continue;
        struct pollfd in = {.fd = ends[0], .events = POLLIN};
        while (poll(&in, 1, 0) == 1) {
            ssize_t packet = read(ends[0], got, sizeof got);
            cr_assert(packet > 0 && packet <= PIPE_BUF);
            cr_assert(eq(chr, got[packet - 1], '\n'));
        }
    }
    signal(SIGPIPE, SIG_IGN); /* as serve.c does */
    close(ends[0]);
    log_writer_stop(PATIENCE_MS);
    release_stderr();
}

Test(log_writer, l12_lines_that_nobody_can_take_are_counted)
{
    kept_stderr = dup(STDERR_FILENO);
    int full = open("/dev/full", O_WRONLY);
    cr_assert(full >= 0);
    dup2(full, STDERR_FILENO);
    uint64_t before = log_writer_dropped();
    start();
    for (int i = 0; i < 10; i++)
        cr_expect(put("a line\n"));
    log_writer_stop(PATIENCE_MS);
    dup2(kept_stderr, STDERR_FILENO);
    cr_expect(eq(u64, log_writer_dropped() - before, 10));
}

Test(log_writer, a_descriptor_that_others_made_non_blocking_loses_nothing)
{
    catch_in_pipe();
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    start();
    static char line[1000];
    memset(line, 'y', sizeof line - 2);
    line[sizeof line - 2] = '\n';
    for (int i = 0; i < 300; i++) /* more than the pipe holds, less than the queue */
        cr_assert(put(line));
    cr_assert(put("end\n"));
    read_until("end\n");
    cr_expect(eq(sz, got_len, 300 * strlen(line) + 4));
    log_writer_stop(PATIENCE_MS);
    release_stderr();
}

static void *put_many(void *word)
{
    for (int i = 0; i < 2000; i++) {
        while (!put(word))
            ;
    }
    return NULL;
}

Test(log_writer, lines_of_several_threads_do_not_mix)
{
    static char words[4][60];
    pthread_t threads[4];
    catch_in_pipe();
    start();
    for (int i = 0; i < 4; i++) {
        memset(words[i], 'a' + i, sizeof words[i] - 2);
        words[i][sizeof words[i] - 2] = '\n';
        pthread_create(&threads[i], NULL, put_many, words[i]);
    }
    size_t wanted = 4 * 2000 * strlen(words[0]);
    while (got_len < wanted) {
        ssize_t len = read(ends[0], got + got_len, sizeof got - got_len);
        cr_assert(len > 0);
        got_len += (size_t)len;
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    log_writer_stop(PATIENCE_MS);
    release_stderr();
    for (size_t at = 0; at < got_len; at += strlen(words[0]))
        cr_assert(eq(int, memcmp(got + at, words[got[at] - 'a'], strlen(words[0])), 0));
}

Test(log_writer, without_its_thread_a_line_is_written_at_once_before_and_after)
{
    catch_in_pipe();
    cr_expect(put("before\n"));
    read_until("before\n");
    start();
    log_writer_stop(PATIENCE_MS);
    log_writer_stop(PATIENCE_MS);
    cr_expect(put("after\n"));
    read_until("after\n");
    cr_expect(log_writer_flush(0));
    release_stderr();
}
