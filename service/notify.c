/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol is lines of NAME=value in a datagram (sd_notify(3), "Notes"): few enough
 * to do without libsystemd. Called by serve.c and departure.c. */
#include "notify.h"

#include "base/attributes.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* "/path", or "@name" in the abstract namespace. 0: it is neither. */
static socklen_t address_of(const char *text, struct sockaddr_un *ret_address)
{
    size_t len = strlen(text);
    if ((*text != '/' && *text != '@') || len >= sizeof ret_address->sun_path)
        return 0;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, text, len);
    if (*text == '@')
        ret_address->sun_path[0] = '\0'; /* and there the length counts */
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

bool notify_open(struct notify *notify)
{
    notify->fd = -1;
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    if (!name || !*name)
        return true;
    socklen_t len = address_of(name, &address);
    if (len == 0)
        return false;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    if (connect(fd, (const struct sockaddr *)&address, len) != 0) {
        close(fd);
        return false;
    }
    notify->fd = fd;
    return true;
}

void notify_close(struct notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

static void tell(const struct notify *notify, const char *format, ...) PRINTF_LIKE(2, 3);

static void tell(const struct notify *notify, const char *format, ...)
{
    if (notify->fd < 0)
        return;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (len < 0)
        return;
    size_t size = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    ssize_t sent = send(notify->fd, text, size, MSG_NOSIGNAL);
    (void)sent; /* a manager that is gone or busy: the service goes on */
}

void notify_ready(const struct notify *notify, const char *status)
{
    tell(notify, "READY=1\nSTATUS=%s", status);
}

void notify_reloading(const struct notify *notify)
{
    /* The time is what Type=notify-reload (systemd 253) asks for; others pass it over. */
    tell(notify, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now_us());
}

void notify_stopping(const struct notify *notify, uint64_t within_ms, const char *status)
{
    tell(notify, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64 "\nSTATUS=%s",
         within_ms * 1000, status);
}
