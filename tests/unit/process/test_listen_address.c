/* SPDX-License-Identifier: Apache-2.0 */
/* listen_address.h: real sockets on free ports. */
#include "listen_address.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void close_all(struct listen_sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++)
        close(sockets->fds[i]);
}

Test(listen_address, a_free_port_is_bound_and_told)
{
    struct listen_sockets sockets;
    struct error err = {0};
    cr_assert(listen_address_open("127.0.0.1:0", &sockets, &err), "%s", err.text);
    cr_assert(eq(sz, sockets.count, 1));
    char text[160];
    listen_address_text(sockets.fds[0], text, sizeof text);
    cr_assert(eq(int, strncmp(text, "127.0.0.1:", 10), 0));
    cr_assert(gt(int, atoi(text + 10), 0));
    close_all(&sockets);
}

Test(listen_address, a_port_in_use_is_said_with_the_remedy)
{
    struct listen_sockets sockets, second;
    struct error err = {0};
    cr_assert(listen_address_open("127.0.0.1:0", &sockets, &err));
    char text[160];
    listen_address_text(sockets.fds[0], text, sizeof text);
    cr_assert(not(listen_address_open(text, &second, &err)));
    cr_assert(ne(ptr, strstr(err.text, "the address is in use"), NULL), "%s", err.text);
    cr_assert(ne(ptr, strstr(err.text, "server.listen"), NULL));
    close_all(&sockets);
}

Test(listen_address, what_is_no_address_is_said)
{
    static const char *const wrong[] = {"",      "8080",    ":8080",
                                        "host:", "unix:",   "fd:0",
                                        "fd:x",  "fd:9999", "127.0.0.1:port",
                                        "[::1]"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct listen_sockets sockets;
        struct error err = {0};
        cr_assert(not(listen_address_open(wrong[i], &sockets, &err)), "%s", wrong[i]);
        cr_assert(gt(sz, strlen(err.text), 0));
    }
}

Test(listen_address, a_stale_unix_socket_is_replaced_and_a_live_one_is_not)
{
    char folder[] = "/tmp/gatherd-test-XXXXXX";
    cr_assert(ne(ptr, mkdtemp(folder), NULL));
    char address[64];
    snprintf(address, sizeof address, "unix:%s/s", folder);
    struct listen_sockets sockets, second;
    struct error err = {0};
    cr_assert(listen_address_open(address, &sockets, &err), "%s", err.text);
    cr_assert(not(listen_address_open(address, &second, &err)), "live");
    char text[160];
    listen_address_text(sockets.fds[0], text, sizeof text);
    cr_assert(eq(str, text, address));
    close_all(&sockets);
    cr_assert(listen_address_open(address, &sockets, &err), "stale: %s", err.text);
    close_all(&sockets);
    unlink(address + 5);
    rmdir(folder);
}

Test(listen_address, an_inherited_socket_is_taken_over)
{
    struct listen_sockets sockets, taken;
    struct error err = {0};
    cr_assert(listen_address_open("127.0.0.1:0", &sockets, &err));
    char address[16];
    snprintf(address, sizeof address, "fd:%d", sockets.fds[0]);
    cr_assert(listen_address_open(address, &taken, &err), "%s", err.text);
    cr_assert(eq(int, taken.fds[0], sockets.fds[0]));
    close_all(&taken);
}
