/* SPDX-License-Identifier: Apache-2.0 */
/* writer.h, on pipes. */
#include "run/writer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct loop loop;
static int pipe_fds[2];
static struct writer *writer;
static int changes;

static void on_change(void *context)
{
    cr_assert_eq(context, &changes);
    changes++;
}

static void open_writer(void)
{
    cr_assert(loop_init(&loop, NULL));
    cr_assert(eq(int, pipe(pipe_fds), 0));
    signal(SIGPIPE, SIG_IGN);
    writer = writer_new(pipe_fds[1], &loop, on_change, &changes, NULL);
    cr_assert_not_null(writer);
}

static void close_writer(void)
{
    writer_free(writer);
    close(pipe_fds[1]);
    loop_done(&loop);
}

TestSuite(writer, .init = open_writer, .fini = close_writer, .timeout = 60);

static void give(size_t len)
{
    struct buffer text;
    buffer_init(&text, SIZE_MAX / 4);
    char *to = buffer_reserve(&text, len);
    cr_assert_not_null(to);
    memset(to, 'x', len);
    buffer_commit(&text, len);
    writer_give(writer, &text);
    cr_assert(eq(sz, text.len, 0));
    buffer_done(&text);
}

/* Until the loop heard of something. */
static void wait_for_change(void)
{
    int before = changes;
    while (changes == before)
        loop_wait(&loop, 100);
}

static void read_all_of(size_t len, char byte)
{
    static char bytes[1 << 16];
    while (len > 0) {
        ssize_t got = read(pipe_fds[0], bytes, len < sizeof bytes ? len : sizeof bytes);
        cr_assert_gt(got, 0);
        ssize_t same = 0;
        while (same < got && bytes[same] == byte)
            same++;
        cr_assert(eq(sz, (size_t)same, (size_t)got));
        len -= (size_t)got;
    }
}

static void read_all(size_t len)
{
    read_all_of(len, 'x');
}

Test(writer, what_is_given_is_written_and_told)
{
    give(5);
    while (!writer_is_empty(writer))
        wait_for_change();
    cr_expect(eq(sz, writer_held(writer), 0));
    read_all(5);
    cr_expect(eq(int, writer_failure(writer), 0));
    close(pipe_fds[0]);
}

Test(writer, a_slow_reader_is_waited_for_and_seen)
{
    for (int i = 0; i < 6; i++) /* more than a pipe holds, and than two of them */
        give(WRITER_BEHIND / 4);
    cr_expect(writer_is_behind(writer));
    read_all(WRITER_BEHIND / 2);
    cr_expect_geq(writer_held(writer), WRITER_BEHIND / 2);
    read_all(WRITER_BEHIND);
    while (!writer_is_empty(writer))
        wait_for_change();
    cr_expect(not(writer_is_behind(writer)));
    close(pipe_fds[0]);
}

Test(writer, a_non_blocking_descriptor_is_waited_for_too)
{
    cr_assert(eq(int, fcntl(pipe_fds[1], F_SETFL, O_NONBLOCK), 0));
    give(8 * WRITER_BEHIND);
    read_all(8 * WRITER_BEHIND);
    while (!writer_is_empty(writer))
        wait_for_change();
    cr_expect(eq(int, writer_failure(writer), 0));
    close(pipe_fds[0]);
}

/* Each in another letter, in sizes that are joined, stand alone, and are given back. */
Test(writer, pieces_of_all_sizes_come_in_order)
{
    static const size_t sizes[] = {1, 70000, 3, 65536, 65535, 1, 1, 300000, 65537, 17};
    enum { COUNT = sizeof sizes / sizeof *sizes, ROUNDS = 20 };
    struct buffer text;
    buffer_init(&text, SIZE_MAX / 4);
    for (size_t i = 0; i < ROUNDS * COUNT; i++) {
        size_t len = sizes[i % COUNT];
        char *to = buffer_reserve(&text, len);
        cr_assert_not_null(to);
        memset(to, 'a' + (int)(i % 26), len);
        buffer_commit(&text, len);
        writer_give(writer, &text); /* the same one: it comes back with other memory */
        if (i % COUNT != COUNT - 1)
            continue;
        for (size_t k = i + 1 - COUNT; k <= i; k++)
            read_all_of(sizes[k % COUNT], (char)('a' + (int)(k % 26)));
    }
    while (!writer_is_empty(writer))
        wait_for_change();
    buffer_done(&text);
    close(pipe_fds[0]);
}

Test(writer, a_reader_that_went_away_is_a_failure_and_the_rest_is_dropped)
{
    close(pipe_fds[0]);
    give(5);
    while (writer_failure(writer) == 0)
        wait_for_change();
    cr_expect(eq(int, writer_failure(writer), EPIPE));
    give(5);
    cr_expect(eq(sz, writer_held(writer), 0));
}
