/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/lane_socket.h: whom a socket works for, who is told of its end, and what is held
 * against the origin at its other end. libcurl's part is played here. */
#include "fetch/lane_socket.h"

#include "fetch/taint.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEY = 77, WAIT_MS = 2000 };

static struct loop loop;
static struct budgets budgets = {.sockets.max = 10};
static struct metrics_shard *metrics;
static struct taints *taints;
static struct lane_sockets *sockets;
static struct lane_user user, other;
static struct lane_user *told_event, *told_closed;
static int lane, events, closings;
static int ours, theirs; /* the two ends of one connection */

static void on_event(void *of_lane, struct lane_user *of_user, int fd, uint32_t ready)
{
    cr_assert(of_lane == &lane && fd == ours && ready == EPOLLIN);
    told_event = of_user;
    events++;
}

static void on_closed(struct lane_user *of_user)
{
    told_closed = of_user;
    closings++;
}

static void connect_both(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(listener, (struct sockaddr *)&address, len) == 0);
    cr_assert(listen(listener, 1) == 0);
    cr_assert(getsockname(listener, (struct sockaddr *)&address, &len) == 0);
    const struct curl_sockaddr wanted = {.family = AF_INET, .socktype = SOCK_STREAM};
    struct lane_peer peer = {.origin = 1, .taint_key = KEY};
    bool is_short;
    ours = lane_sockets_open(sockets, &lane, peer, &wanted, &is_short);
    cr_assert(ours >= 0);
    (void)connect(ours, (struct sockaddr *)&address, len); /* non-blocking */
    theirs = accept(listener, NULL, NULL);
    cr_assert(theirs >= 0);
    close(listener);
}

static void setup(void)
{
    struct error err = {0};
    cr_assert(loop_init(&loop, &err));
    loop_touch(&loop);
    metrics = metrics_shard_new();
    taints = taints_new();
    struct lane_sockets_setup wanted = {.loop = &loop,
                                        .budgets = &budgets,
                                        .metrics = metrics,
                                        .taints = taints,
                                        .on_event = on_event,
                                        .on_closed = on_closed};
    sockets = lane_sockets_new(&wanted);
    lane_user_init(&user);
    lane_user_init(&other);
    lane_sockets_enter(sockets);
    connect_both();
}

static void teardown(void)
{
    close(theirs);
    lane_sockets_free(sockets);
    taints_free(taints);
    metrics_shard_free(metrics);
    loop_done(&loop);
}

TestSuite(lane_socket, .init = setup, .fini = teardown);

/* One call of libcurl, and what it tells in it. */
static void want(struct lane_user *of_user, int what)
{
    lane_sockets_enter(sockets);
    lane_sockets_want(sockets, &lane, of_user, ours, what);
}

static void end(void)
{
    lane_sockets_want(sockets, &lane, NULL, ours, CURL_POLL_REMOVE);
    lane_sockets_on_close(sockets, ours);
}

static void receive(const char *bytes, size_t len)
{
    cr_assert(write(theirs, bytes, len) == (ssize_t)len);
    loop_wait(&loop, WAIT_MS);
}

static bool is_tainted(void)
{
    return taints_has(taints, KEY, loop.now_ms);
}

Test(lane_socket, whoever_it_works_for_is_told_of_events)
{
    want(&user, CURL_POLL_IN);
    receive("H", 1);
    cr_expect(told_event == &user && events == 1);
    end();
    lane_sockets_leave(sockets, &user);
    cr_expect(told_closed == &user && closings == 1);
}

Test(lane_socket, one_that_is_kept_ends_without_a_word)
{
    want(&user, CURL_POLL_IN);
    want(&user, CURL_POLL_REMOVE);
    lane_sockets_leave(sockets, &user);
    lane_sockets_enter(sockets);
    lane_sockets_on_close(sockets, ours);
    cr_expect(closings == 0);
}

Test(lane_socket, one_that_is_shut_down_slowly_works_for_nobody_who_has_left)
{
    want(&user, CURL_POLL_IN);
    lane_sockets_leave(sockets, &user);
    cr_expect(told_closed == &user && closings == 1); /* it is not being kept */
    receive("farewell", 8);
    cr_expect(told_event == NULL && events == 1);
    lane_sockets_enter(sockets);
    end();
    cr_expect(closings == 1);
    lane_sockets_leave(sockets, &user);
    cr_expect(closings == 1);
    cr_expect_not(is_tainted());
}

Test(lane_socket, it_works_for_whoever_had_it_last)
{
    want(&user, CURL_POLL_IN);
    want(&user, CURL_POLL_REMOVE);
    want(&other, CURL_POLL_IN);
    lane_sockets_leave(sockets, &user);
    receive("H", 1);
    cr_expect(told_event == &other && events == 1 && closings == 0);
    end();
    cr_expect(told_closed == &other && closings == 1);
}

Test(lane_socket, what_comes_on_an_idle_one_taints_its_origin)
{
    want(&user, CURL_POLL_IN);
    want(&user, CURL_POLL_REMOVE);
    receive("HTTP/1.1 200 OK\r\n", 17);
    cr_expect(events == 0);
    cr_expect(is_tainted());
    end();
}

Test(lane_socket, what_comes_on_one_that_merely_seems_idle_does_not)
{
    want(&user, CURL_POLL_IN);
    want(&user, CURL_POLL_REMOVE);
    lane_sockets_excuse_all(sockets, &other); /* no lane of this one */
    lane_sockets_excuse_all(sockets, &lane);
    receive("HTTP/1.1 200 OK\r\n", 17);
    cr_expect_not(is_tainted());
    end();
}

Test(lane_socket, an_excuse_ends_when_it_is_used_again)
{
    want(&user, CURL_POLL_IN);
    lane_sockets_enter(sockets);
    lane_sockets_excuse(sockets, ours);
    lane_sockets_want(sockets, &lane, &user, ours, CURL_POLL_REMOVE);
    lane_sockets_excuse(sockets, ours + 1); /* none of ours */
    want(&other, CURL_POLL_IN);
    want(&other, CURL_POLL_REMOVE);
    receive("HTTP/1.1 200 OK\r\n", 17);
    cr_expect(is_tainted());
    end();
}
