/* SPDX-License-Identifier: Apache-2.0 */
/* predecessor.h: the running process, turn by turn, with the other one played by the
 * test.
 */
#include "predecessor.h"

#include "base/buffer.h"
#include "handover_socket.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char folder[32];
static char address[64];
static const char *path;
static struct loop loop;
static struct process_state state;
static struct listener *listener;
static struct predecessor *predecessor;
static struct socket_offers offers;
static struct error err;
static int taken;

static void on_taken(void *context)
{
    (void)context;
    taken++;
}

static void start(void)
{
    strcpy(folder, "/tmp/handover-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(address, sizeof address, "unix:%s/door", folder);
    path = address + 5;
    cr_assert(loop_init(&loop, &err));
    loop_touch(&loop);
    const struct listener_setup setup = {.loop = &loop, .state = &state};
    listener = listener_new(&setup);
    cr_assert(listener_open(listener, "127.0.0.1:0", FRONT_MAIN, &err), "%s", err.text);
    struct predecessor_setup predecessor_setup = {
        .loop = &loop, .listener = listener, .address = address, .on_taken = on_taken};
    cr_assert(handover_listen(path, &predecessor_setup.fd, &err), "%s", err.text);
    predecessor = predecessor_start(&predecessor_setup, &err);
    cr_assert_not_null(predecessor, "%s", err.text);
}

static void stop(void)
{
    predecessor_end(predecessor);
    listener_free(listener);
    loop_done(&loop);
    unlink(path);
    rmdir(folder);
}

TestSuite(predecessor, .init = start, .fini = stop);

static void turn(void)
{
    loop_wait(&loop, 0);
    loop_run_due(&loop);
}

static int knock(void)
{
    int fd;
    cr_assert(handover_connect(path, &fd, &err), "%s", err.text);
    cr_assert(ge(int, fd, 0));
    turn();
    return fd;
}

static int knock_and_receive(void)
{
    int fd = knock();
    cr_assert(handover_receive_offers(fd, &offers, &err), "%s", err.text);
    return fd;
}

/* What the running one says, "" when it hung up. */
static const char *heard(int fd)
{
    static char text[16];
    ssize_t got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    text[got > 0 ? got : 0] = '\0';
    return got < 0 ? "nothing" : text;
}

static void say(int fd, const char *text)
{
    cr_assert(eq(int, (int)send(fd, text, strlen(text), 0), (int)strlen(text)));
    turn();
}

Test(predecessor, the_sockets_are_offered_with_that_for_the_next_time)
{
    int fd = knock_and_receive();
    cr_assert(eq(sz, offers.count, 2));
    cr_assert(eq(int, offers.items[0].kind, OFFER_MAIN));
    cr_assert(eq(str, offers.items[0].label, "127.0.0.1:0"));
    cr_assert(eq(int, offers.items[1].kind, OFFER_HANDOVER));
    cr_assert(eq(int, taken, 0));
    (void)socket_offers_close(&offers);
    close(fd);
}

Test(predecessor, it_is_over_when_the_other_is_ready)
{
    int fd = knock_and_receive();
    say(fd, "ready 11");
    cr_assert(eq(int, taken, 1));
    cr_assert(eq(str, (char *)heard(fd), "yours"));
    predecessor_end(predecessor);
    predecessor = NULL;
    cr_assert(eq(int, access(path, F_OK), 0), "the file is the other's");
    (void)socket_offers_close(&offers);
    close(fd);
}

Test(predecessor, whoever_hangs_up_or_says_nonsense_leaves_it_waiting_for_the_next)
{
    static const char *const said[] = {NULL, "ready 1", "ready 111", "hello",
                                       "ready 1x1"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        int fd = knock_and_receive();
        if (said[i])
            say(fd, said[i]);
        close(fd);
        turn();
        cr_assert(eq(int, taken, 0), "%zu", i);
        (void)socket_offers_close(&offers);
    }
    int fd = knock_and_receive();
    say(fd, "ready 11");
    cr_assert(eq(int, taken, 1));
    (void)socket_offers_close(&offers);
    close(fd);
}

Test(predecessor, one_that_is_ready_and_then_ends_leaves_it_serving)
{
    int fd = knock_and_receive();
    cr_assert(eq(int, (int)send(fd, "ready 11", 8, 0), 8));
    (void)socket_offers_close(&offers);
    close(fd);
    turn();
    cr_assert(eq(int, taken, 0));
    fd = knock_and_receive();
    say(fd, "ready 11");
    cr_assert(eq(int, taken, 1));
    (void)socket_offers_close(&offers);
    close(fd);
}

Test(predecessor, one_at_a_time)
{
    int first = knock_and_receive();
    int second = knock();
    struct socket_offers none = {0};
    cr_assert(not(handover_receive_offers(second, &none, &err)));
    say(first, "ready 11");
    cr_assert(eq(int, taken, 1));
    (void)socket_offers_close(&offers);
    close(first);
    close(second);
}

Test(predecessor, one_that_is_not_ready_within_a_minute_is_told_so)
{
    int fd = knock_and_receive();
    loop.now_ms += 59000;
    loop_run_due(&loop);
    cr_assert(eq(str, (char *)heard(fd), "nothing"));
    loop.now_ms += 1000;
    loop_run_due(&loop);
    cr_assert(eq(str, (char *)heard(fd), "late"));
    cr_assert(eq(str, (char *)heard(fd), ""));
    cr_assert(eq(int, taken, 0));
    (void)socket_offers_close(&offers);
    close(fd);
}

Test(predecessor, the_end_of_this_process_is_the_end_of_it_and_of_its_file)
{
    int fd = knock_and_receive();
    predecessor_end(predecessor);
    predecessor = NULL;
    cr_assert(eq(str, (char *)heard(fd), ""));
    cr_assert(ne(int, access(path, F_OK), 0));
    (void)socket_offers_close(&offers);
    close(fd);
}

Test(predecessor, an_address_that_the_other_does_not_want_stays_this_ones)
{
    int fd = knock_and_receive();
    (void)socket_offers_close(&offers);
    say(fd, "ready 01");
    cr_assert(eq(int, taken, 1));
    struct buffer addresses;
    buffer_init(&addresses, 4096);
    listener_addresses(listener, FRONT_MAIN, &addresses);
    cr_assert(gt(sz, addresses.len, 0));
    buffer_done(&addresses);
    close(fd);
}
