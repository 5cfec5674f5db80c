/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, with epoll where the kernel takes the descriptor. Called by run.c. */
#include "run/run_input.h"

#include "base/list.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 << 10 };

/* Watched only while somebody waits for it, or an unread pipe would keep the loop
 * awake. */
static void on_ready(struct watch *watch, uint32_t ready)
{
    (void)ready;
    struct run_input *input = container_of(watch, struct run_input, watch);
    input->is_ready = true;
    loop_unwatch(input->loop, watch);
}

bool run_input_open(struct run_input *input, struct loop *loop, const char *name,
                    struct error *err)
{
    bool is_stdin = strcmp(name, "-") == 0;
    struct stat status;
    *input = (struct run_input){.loop = loop, .is_own = !is_stdin};
    input->fd = is_stdin ? STDIN_FILENO
                         : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (input->fd < 0)
        return error_set_errno(err, errno, "cannot read %s", name);
    if (fstat(input->fd, &status) == 0 && S_ISREG(status.st_mode))
        input->size = (uint64_t)status.st_size;
    input->watch.on_ready = on_ready;
    input->is_polled = loop_watch(loop, &input->watch, input->fd, EPOLLIN);
    return true;
}

void run_input_close(struct run_input *input)
{
    if (!input->loop)
        return;
    loop_unwatch(input->loop, &input->watch);
    if (input->is_own && input->fd >= 0)
        close(input->fd);
    input->fd = -1;
}

static bool can_read(struct run_input *input)
{
    if (input->is_ended)
        return false;
    if (!input->is_polled || input->is_ready)
        return true;
    if (!input->watch.is_watched &&
        !loop_watch(input->loop, &input->watch, input->fd, EPOLLIN)) {
        input->failure = errno;
        input->is_ended = true;
    }
    return false;
}

bool run_input_read(struct run_input *input, struct buffer *to)
{
    if (!can_read(input))
        return false;
    size_t room = to->max - to->len < CHUNK ? to->max - to->len : CHUNK;
    char *data = room > 0 ? buffer_reserve(to, room) : NULL;
    ssize_t got = data ? read(input->fd, data, room) : -1;
    if (!data)
        errno = EFBIG;
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        input->is_ready = false;
        return errno == EINTR && !input->is_polled;
    }
    input->is_ready = false;
    if (got <= 0) {
        input->failure = got < 0 ? errno : 0;
        input->is_ended = true;
        return false;
    }
    buffer_commit(to, (size_t)got);
    input->read += (uint64_t)got;
    return true;
}
