/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager is told of the process: the datagrams of sd_notify(3), to the
 * socket that $NOTIFY_SOCKET names. Without one every call does nothing. main's thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct notify {
    int fd; /* connected; -1: nobody wants to know */
};

/* notify_open connects, before the sandbox, in which there are no more unix sockets.
 * Returns false when there is a name but nobody behind it: then nothing is told. */
bool notify_open(struct notify *notify);
void notify_close(struct notify *notify);

/* notify_ready: it serves (READY=1); also what follows notify_reloading.
 * notify_reloading: the configuration is being read again. notify_stopping: it ends,
 * which may take `within_ms`, whatever TimeoutStopSec= says. `status` is for people:
 * systemctl status shows it. A manager that does not read its socket is not waited for.
 */
void notify_ready(const struct notify *notify, const char *status);
void notify_reloading(const struct notify *notify);
void notify_stopping(const struct notify *notify, uint64_t within_ms, const char *status);
