/* SPDX-License-Identifier: Apache-2.0 */
/* listener.h: which sockets, clients and files are left to another process. There are no
 * workers: accepting anybody would be seen. */
#include "listener.h"

#include "listen_address.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[32];
static char address[64];
static struct loop loop;
static struct process_state state;
static struct listener *listener;
static struct socket_offers offers;
static struct error err;

static void start(void)
{
    strcpy(folder, "/tmp/listener-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(address, sizeof address, "unix:%s/web", folder);
    cr_assert(loop_init(&loop, &err));
    const struct listener_setup setup = {.loop = &loop, .state = &state};
    listener = listener_new(&setup);
}

static void stop(void)
{
    listener_free(listener);
    loop_done(&loop);
    unlink(address + 5);
    rmdir(folder);
}

TestSuite(listener, .init = start, .fini = stop);

static void open_address(const char *text)
{
    cr_assert(listener_open(listener, text, FRONT_MAIN, &err), "%s", err.text);
    cr_assert(listener_start(listener, &err), "%s", err.text);
}

static bool has_file(void)
{
    return access(address + 5, F_OK) == 0;
}

/* The listening socket, as another process has it. */
static int copy_of_socket(void)
{
    cr_assert(listener_describe(listener, &offers));
    return dup(offers.items[0].fd);
}

static int connect_to(int listening)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    getsockname(listening, (struct sockaddr *)&name, &len);
    int fd = socket(name.ss_family, SOCK_STREAM, 0);
    cr_assert(eq(int, connect(fd, (struct sockaddr *)&name, len), 0));
    return fd;
}

Test(listener, what_waits_at_a_socket_that_was_given_away_is_left_to_the_other_process)
{
    open_address("127.0.0.1:0");
    int other = copy_of_socket();
    int client = connect_to(other);
    listener_give(listener, 0);
    listener_close(listener, FRONT_MAIN);
    int accepted = accept4(other, NULL, NULL, SOCK_NONBLOCK);
    cr_assert(ge(int, accepted, 0), "it still waits");
    close(accepted);
    close(client);
    close(other);
}

Test(listener, a_unix_sockets_file_goes_with_its_own_socket)
{
    open_address(address);
    cr_assert(has_file());
    listener_close(listener, FRONT_MAIN);
    cr_assert(not(has_file()));
}

Test(listener, a_unix_sockets_file_stays_when_another_process_has_the_socket)
{
    open_address(address);
    int other = copy_of_socket();
    listener_give(listener, 0);
    listener_close(listener, FRONT_MAIN);
    cr_assert(has_file());
    close(other);
}

Test(listener, what_was_taken_is_the_other_processes_until_it_is_kept)
{
    open_address(address);
    int other = copy_of_socket();
    listener_give(listener, 0);
    listener_close(listener, FRONT_MAIN);
    for (int is_kept = 0; is_kept < 2; is_kept++) {
        offers.items[0].fd = dup(other);
        listener_use(listener, &offers);
        open_address(address);
        listener_use(listener, NULL);
        if (is_kept)
            listener_keep(listener);
        listener_close(listener, FRONT_MAIN);
        cr_assert(eq(int, has_file(), !is_kept));
    }
    close(other);
}

Test(listener, a_managers_socket_is_borrowed_with_its_file)
{
    struct listen_sockets made;
    cr_assert(listen_address_open(address, &made, &err), "%s", err.text);
    cr_assert(socket_offers_add(&offers, OFFER_NAMED, "web", dup(made.fds[0]), true));
    listener_use(listener, &offers);
    open_address("fd:web");
    listener_use(listener, NULL);
    cr_assert(listener_is_borrowed(listener, FRONT_MAIN));
    int client = connect_to(made.fds[0]);
    listener_close(listener, FRONT_MAIN);
    cr_assert(has_file());
    int accepted = accept4(made.fds[0], NULL, NULL, SOCK_NONBLOCK);
    cr_assert(ge(int, accepted, 0));
    close(accepted);
    close(client);
    close(made.fds[0]);
}

Test(listener, one_that_is_not_borrowed_is_enough_to_be_not)
{
    open_address("127.0.0.1:0");
    cr_assert(not(listener_is_borrowed(listener, FRONT_MAIN)));
    cr_assert(listener_is_borrowed(listener, FRONT_OPS), "there is none");
}
