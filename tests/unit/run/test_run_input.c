/* SPDX-License-Identifier: Apache-2.0 */
/* run_input.h */
#include "run/run_input.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static struct loop loop;
static struct run_input input;
static struct buffer bytes;
static struct error err;

static void open_loop(void)
{
    cr_assert(loop_init(&loop, NULL));
    buffer_init(&bytes, 1 << 20);
}

static void close_loop(void)
{
    run_input_close(&input);
    buffer_done(&bytes);
    loop_done(&loop);
}

TestSuite(run_input, .init = open_loop, .fini = close_loop, .timeout = 60);

Test(run_input, a_file_is_read_in_chunks_to_its_end)
{
    char name[] = "/tmp/test_run_input.XXXXXX";
    int fd = mkstemp(name);
    static char text[150 << 10];
    cr_assert(eq(sz, (size_t)write(fd, text, sizeof text), sizeof text));
    close(fd);
    cr_assert(run_input_open(&input, &loop, name, &err));
    unlink(name);
    cr_assert(eq(u64, input.size, sizeof text));
    size_t reads = 0;
    while (run_input_read(&input, &bytes))
        reads++;
    cr_assert(input.is_ended && input.failure == 0);
    cr_assert(eq(sz, bytes.len, sizeof text));
    cr_assert(eq(u64, input.read, sizeof text));
    cr_assert_geq(reads, 3);
    cr_assert(not(run_input_read(&input, &bytes)));
}

Test(run_input, a_pipe_is_read_when_something_is_in_it)
{
    int fds[2];
    cr_assert(eq(int, pipe(fds), 0));
    cr_assert(eq(int, dup2(fds[0], STDIN_FILENO), STDIN_FILENO));
    close(fds[0]);
    cr_assert(run_input_open(&input, &loop, "-", &err));
    loop_wait(&loop, 0);
    cr_assert_not(run_input_read(&input, &bytes));
    cr_assert_not(input.is_ended);
    cr_assert(eq(int, (int)write(fds[1], "ab", 2), 2));
    loop_wait(&loop, 1000);
    cr_assert(run_input_read(&input, &bytes));
    cr_assert(eq(sz, bytes.len, 2));
    cr_assert_not(run_input_read(&input, &bytes));
    cr_assert_not(input.is_ended);
    close(fds[1]);
    loop_wait(&loop, 1000);
    cr_assert_not(run_input_read(&input, &bytes));
    cr_assert(input.is_ended);
    cr_assert(eq(int, input.failure, 0));
}

Test(run_input, what_cannot_be_read_says_why)
{
    cr_assert(not(run_input_open(&input, &loop, "/nonexistent/list", &err)));
    cr_assert_not_null(strstr(err.text, "/nonexistent/list"));
    cr_assert(run_input_open(&input, &loop, "/", &err));
    cr_assert_not(run_input_read(&input, &bytes));
    cr_assert(input.is_ended);
    cr_assert(eq(int, input.failure, EISDIR));
}

Test(run_input, more_than_there_is_room_for_is_a_failure)
{
    cr_assert(run_input_open(&input, &loop, "/dev/zero", &err));
    while (run_input_read(&input, &bytes))
        continue;
    cr_assert(input.is_ended);
    cr_assert(eq(int, input.failure, EFBIG));
    cr_assert(eq(sz, bytes.len, bytes.max));
}
