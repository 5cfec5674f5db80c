/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h: what a manager's datagram socket receives. */
#include "notify.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char got[1024];

/* A manager's socket; its address is in the environment. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    memcpy(address.sun_path, name, len);
    if (*name == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    cr_assert(eq(int, bind(fd, (struct sockaddr *)&address, size), 0));
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static char *receive(int fd)
{
    ssize_t len = recv(fd, got, sizeof got - 1, 0);
    got[len > 0 ? len : 0] = '\0';
    return got;
}

Test(notify, without_a_manager_nothing_is_told_and_nothing_fails)
{
    unsetenv("NOTIFY_SOCKET");
    struct notify notify;
    cr_assert(notify_open(&notify));
    cr_assert(eq(int, notify.fd, -1));
    notify_ready(&notify, "x");
    notify_close(&notify);
    setenv("NOTIFY_SOCKET", "", 1);
    cr_assert(notify_open(&notify));
    cr_assert(eq(int, notify.fd, -1));
}

Test(notify, every_state_is_a_datagram_of_lines)
{
    char folder[] = "/tmp/notify-XXXXXX";
    char path[64];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    int manager = listen_at(path);
    struct notify notify;
    cr_assert(notify_open(&notify));
    notify_ready(&notify, "serving");
    cr_assert(eq(str, receive(manager), "READY=1\nSTATUS=serving"));
    notify_reloading(&notify);
    cr_assert(eq(int, strncmp(receive(manager), "RELOADING=1\nMONOTONIC_USEC=", 27), 0));
    notify_stopping(&notify, 1500, "ending");
    cr_assert(eq(str, receive(manager),
                 "STOPPING=1\nEXTEND_TIMEOUT_USEC=1500000\nSTATUS=ending"));
    notify_close(&notify);
    close(manager);
    unlink(path);
    rmdir(folder);
}

Test(notify, an_abstract_name_works_too)
{
    char name[64];
    snprintf(name, sizeof name, "@gatherd-test-%d", (int)getpid());
    int manager = listen_at(name);
    struct notify notify;
    cr_assert(notify_open(&notify));
    notify_ready(&notify, "serving");
    cr_assert(eq(str, receive(manager), "READY=1\nSTATUS=serving"));
    notify_close(&notify);
    close(manager);
}

Test(notify, a_manager_that_does_not_read_is_not_waited_for)
{
    char name[64];
    snprintf(name, sizeof name, "@gatherd-full-%d", (int)getpid());
    int manager = listen_at(name);
    struct notify notify;
    cr_assert(notify_open(&notify));
    for (int i = 0; i < 10000; i++)
        notify_ready(&notify, "serving");
    notify_close(&notify);
    close(manager);
}

Test(notify, a_text_that_is_too_long_is_cut)
{
    char name[64];
    snprintf(name, sizeof name, "@gatherd-long-%d", (int)getpid());
    int manager = listen_at(name);
    struct notify notify;
    cr_assert(notify_open(&notify));
    char status[2000];
    memset(status, 'a', sizeof status - 1);
    status[sizeof status - 1] = '\0';
    notify_ready(&notify, status);
    cr_assert(eq(sz, strlen(receive(manager)), 511));
    notify_close(&notify);
    close(manager);
}

Test(notify, a_name_that_leads_nowhere_is_said)
{
    static const char *const names[] = {"/nonexistent/socket", "relative", "vsock:2:1"};
    struct notify notify;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        cr_assert(not(notify_open(&notify)), "%s", names[i]);
        cr_assert(eq(int, notify.fd, -1));
    }
    char name[200] = "/";
    memset(name + 1, 'a', 150);
    setenv("NOTIFY_SOCKET", name, 1);
    cr_assert(not(notify_open(&notify)));
}
