/* SPDX-License-Identifier: Apache-2.0 */
/* Asking, and answering when all of the start has gone well. Called by serve.c. */
#include "successor.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    WAIT_S = 10,  /* for a loop that is asked between two of its turns */
    GONE_MS = 50, /* for a process that ends to close its sockets, one after the other */
};

static bool open_talk(struct successor *successor, const char *address, struct error *err)
{
    if (!handover_connect(address + strlen("unix:"), &successor->fd, err))
        return false;
    const struct timeval wait = {.tv_sec = WAIT_S};
    return successor->fd < 0 ||
           (setsockopt(successor->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0 &&
            setsockopt(successor->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) ==
                0) ||
           error_set_errno(err, errno, "server.handover: cannot set a time-out");
}

static bool ask(struct successor *successor, const char *address,
                struct socket_offers *offers, pid_t *ret_pid, struct error *err)
{
    return open_talk(successor, address, err) &&
           (successor->fd < 0 || (handover_peer(successor->fd, ret_pid, err) &&
                                  handover_receive_offers(successor->fd, offers, err)));
}

/* One that was killed leaves its addresses free, one that gives nothing is there still.
 */
static bool ask_again(struct successor *successor, const char *address,
                      struct socket_offers *offers, pid_t *ret_pid, struct error *err)
{
    const struct timespec pause = {.tv_nsec = GONE_MS * 1000000L};
    successor_done(successor);
    nanosleep(&pause, NULL);
    if (!ask(successor, address, offers, ret_pid, err))
        return false;
    if (successor->fd < 0)
        log_message(LOG_WARNING, "taking_over",
                    "the other process is gone and gave nothing; opening the listeners "
                    "anew: who waited there was lost");
    return true;
}

bool successor_ask(struct successor *successor, const char *address,
                   struct socket_offers *offers, struct error *err)
{
    *successor = (struct successor){.fd = -1};
    if (!*address)
        return true;
    pid_t pid;
    if (!ask(successor, address, offers, &pid, err) &&
        (err->kind != ERROR_GONE || !ask_again(successor, address, offers, &pid, err)))
        return false;
    if (successor->fd < 0)
        return true;
    successor->offered = offers->count;
    struct log_line line;
    log_begin(&line, LOG_INFO, "taking_over");
    log_int(&line, "from", offers->from ? offers->from : pid);
    log_int(&line, "sockets", (int64_t)offers->count);
    log_end(&line);
    return true;
}

void successor_note(struct successor *successor, const struct socket_offers *offers)
{
    handover_write_ready(offers, successor->offered, successor->ready);
}

static bool is_gone(ssize_t result)
{
    return result == 0 || (result < 0 && (errno == EPIPE || errno == ECONNRESET));
}

bool successor_finish(struct successor *successor, struct error *err)
{
    if (successor->fd < 0)
        return true;
    char word[16];
    ssize_t result =
        send(successor->fd, successor->ready, strlen(successor->ready), MSG_NOSIGNAL);
    if (result > 0)
        result = recv(successor->fd, word, sizeof word, 0);
    if (is_gone(result)) {
        log_message(LOG_WARNING, "taking_over", "the other process is gone; serving");
        return true;
    }
    if (result < 0)
        return error_set_errno(err, errno,
                               "server.handover: the running gatherd says "
                               "nothing; it goes on serving");
    return (result == 5 && memcmp(word, "yours", 5) == 0) ||
           error_set(err, ERROR_SYSTEM,
                     "server.handover: the running gatherd did not wait for this one; it "
                     "goes on serving");
}

void successor_done(struct successor *successor)
{
    if (successor->fd >= 0)
        close(successor->fd);
    successor->fd = -1;
}
