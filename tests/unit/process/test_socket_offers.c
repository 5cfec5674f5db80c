/* SPDX-License-Identifier: Apache-2.0 */
/* socket_offers.h: which socket is for which address, and what a manager's environment
 * says. Descriptors are duplicates of real sockets where the address counts. */
#include "listen_address.h"
#include "socket_offers.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SOMEWHERE = 700 /* above whatever the test program has open */ };

static struct socket_offers offers;

static void offer(enum socket_offer_kind kind, const char *label, int fd)
{
    cr_assert(socket_offers_add(&offers, kind, label, fd, false));
}

/* The descriptor for an address, or -1. */
static int taken(enum front_role role, const char *address)
{
    struct socket_offer got;
    return socket_offers_take(&offers, role, address, &got) ? got.fd : -1;
}

Test(socket_offers, a_gatherds_are_for_the_same_text_in_the_same_list)
{
    offer(OFFER_MAIN, "localhost:80", 10);
    offer(OFFER_OPS, "localhost:90", 11);
    cr_assert(eq(int, taken(FRONT_OPS, "localhost:80"), -1));
    cr_assert(eq(int, taken(FRONT_MAIN, "localhost:90"), -1));
    cr_assert(eq(int, taken(FRONT_MAIN, "127.0.0.1:80"), -1));
    cr_assert(eq(int, taken(FRONT_MAIN, "localhost:80"), 10));
    cr_assert(eq(int, taken(FRONT_OPS, "localhost:90"), 11));
}

Test(socket_offers, a_socket_is_taken_once_and_a_name_may_have_several)
{
    offer(OFFER_NAMED, "web", 10);
    offer(OFFER_NAMED, "web", 11);
    cr_assert(eq(int, taken(FRONT_MAIN, "fd:web"), 10));
    cr_assert(eq(int, taken(FRONT_MAIN, "fd:web"), 11));
    cr_assert(eq(int, taken(FRONT_MAIN, "fd:web"), -1));
}

Test(socket_offers, a_managers_are_named_by_number_too)
{
    offer(OFFER_NAMED, "", 10);
    cr_assert(eq(int, taken(FRONT_MAIN, "fd:11"), -1));
    cr_assert(eq(int, taken(FRONT_MAIN, "fd:10"), 10));
    offer(OFFER_NAMED, "web", 12);
    cr_assert(eq(int, taken(FRONT_OPS, "fd:12"), 12));
}

Test(socket_offers, a_managers_socket_that_is_bound_to_the_address_is_used)
{
    struct listen_sockets sockets;
    struct error err = {0};
    cr_assert(listen_address_open("127.0.0.1:0", &sockets, &err), "%s", err.text);
    char bound[LISTEN_ADDRESS_TEXT];
    listen_address_text(sockets.fds[0], bound, sizeof bound);
    offer(OFFER_NAMED, "web", sockets.fds[0]);
    cr_assert(eq(int, taken(FRONT_MAIN, "127.0.0.1:1"), -1));
    cr_assert(eq(int, taken(FRONT_MAIN, bound), sockets.fds[0]));
    close(sockets.fds[0]);
}

Test(socket_offers, the_one_for_the_next_hand_over_is_for_no_address)
{
    offer(OFFER_HANDOVER, "unix:/h", 10);
    cr_assert(eq(int, taken(FRONT_MAIN, "unix:/h"), -1));
    cr_assert(eq(int, socket_offers_take_handover(&offers), 10));
    cr_assert(eq(int, socket_offers_take_handover(&offers), -1));
}

Test(socket_offers, there_is_a_ceiling)
{
    for (int i = 0; i < SOCKET_OFFERS_MAX; i++)
        offer(OFFER_MAIN, "x", 1000 + i);
    cr_assert(not(socket_offers_add(&offers, OFFER_MAIN, "x", 9, false)));
    offers.count = 0;
    char label[SOCKET_LABEL_MAX + 1];
    memset(label, 'a', SOCKET_LABEL_MAX);
    label[SOCKET_LABEL_MAX] = '\0';
    cr_assert(not(socket_offers_add(&offers, OFFER_MAIN, label, 9, false)));
    cr_assert(eq(sz, offers.count, 0));
}

Test(socket_offers, what_is_left_is_closed_and_a_managers_are_counted)
{
    int null = open("/dev/null", O_RDONLY);
    for (int i = 0; i < 3; i++)
        cr_assert(eq(int, dup2(null, SOMEWHERE + i), SOMEWHERE + i));
    offer(OFFER_NAMED, "a", SOMEWHERE);
    offer(OFFER_NAMED, "b", SOMEWHERE + 1);
    offer(OFFER_MAIN, "c", SOMEWHERE + 2);
    struct socket_offer kept;
    cr_assert(socket_offers_take(&offers, FRONT_MAIN, "fd:a", &kept));
    cr_assert(eq(sz, socket_offers_close(&offers), 1));
    cr_assert(eq(sz, offers.count, 0));
    cr_assert(ge(int, fcntl(SOMEWHERE, F_GETFD), 0), "a taken one stays open");
    cr_assert(lt(int, fcntl(SOMEWHERE + 1, F_GETFD), 0));
    cr_assert(lt(int, fcntl(SOMEWHERE + 2, F_GETFD), 0));
    close(SOMEWHERE);
    close(null);
}

/* ------------------------------------------------------------ a manager's environment */

static void say(const char *pid, const char *count, const char *names)
{
    char own[16];
    snprintf(own, sizeof own, "%d", (int)getpid());
    setenv("LISTEN_PID", pid ? pid : own, 1);
    setenv("LISTEN_FDS", count, 1);
    unsetenv("LISTEN_FDNAMES");
    if (names)
        setenv("LISTEN_FDNAMES", names, 1);
}

/* Some are open already: Criterion's, which must stay as they are. */
static void open_from_3(int count)
{
    for (int fd = 3; fd < 3 + count; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            cr_assert(eq(int, dup2(STDERR_FILENO, fd), fd));
    }
}

Test(socket_offers, names_of_the_environment_are_in_the_order_of_the_descriptors)
{
    open_from_3(4);
    say(NULL, "4", "web::ops");
    struct error err = {0};
    cr_assert(socket_offers_from_manager(&offers, &err), "%s", err.text);
    cr_assert(eq(sz, offers.count, 4));
    static const char *const names[] = {"web", "", "ops", ""};
    for (size_t i = 0; i < 4; i++) {
        cr_assert(eq(str, offers.items[i].label, (char *)names[i]));
        cr_assert(eq(int, offers.items[i].fd, (int)i + 3));
        cr_assert(offers.items[i].is_borrowed);
    }
}

Test(socket_offers, descriptors_are_not_passed_on)
{
    open_from_3(1);
    say(NULL, "1", NULL);
    struct error err = {0};
    cr_assert(socket_offers_from_manager(&offers, &err), "%s", err.text);
    cr_assert(eq(int, fcntl(3, F_GETFD), FD_CLOEXEC));
}

Test(socket_offers, what_is_meant_for_another_process_is_not_taken)
{
    struct error err = {0};
    static const char *const pids[] = {"1", "", "x", "-1", "99999999999999999999"};
    for (size_t i = 0; i < sizeof pids / sizeof *pids; i++) {
        say(pids[i], "1", NULL);
        cr_assert(socket_offers_from_manager(&offers, &err));
        cr_assert(eq(sz, offers.count, 0), "%s", pids[i]);
    }
    unsetenv("LISTEN_PID");
    cr_assert(socket_offers_from_manager(&offers, &err));
    cr_assert(eq(sz, offers.count, 0));
}

Test(socket_offers, a_count_that_is_none_offers_nothing)
{
    struct error err = {0};
    static const char *const counts[] = {"0", "", "-2", "2x"};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        say(NULL, counts[i], NULL);
        cr_assert(socket_offers_from_manager(&offers, &err));
        cr_assert(eq(sz, offers.count, 0), "%s", counts[i]);
    }
}

Test(socket_offers, a_count_that_cannot_be_right_is_refused)
{
    struct error err = {0};
    say(NULL, "100000", NULL);
    cr_assert(not(socket_offers_from_manager(&offers, &err)));
    cr_assert(ne(ptr, strstr(err.text, "250"), NULL), "%s", err.text);
    say(NULL, "200", NULL);
    cr_assert(not(socket_offers_from_manager(&offers, &err)));
    cr_assert(ne(ptr, strstr(err.text, "is not open"), NULL), "%s", err.text);
}
