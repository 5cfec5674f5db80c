/* SPDX-License-Identifier: Apache-2.0 */
/* The program's entry; everything is in commands.c and behind it. */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

/* Whoever starts us may have closed the standard streams. Then the next descriptor
 * opened, a listening socket, would be number 2, and the log would be written into it.
 * What is written to standard output is wanted, so that still fails. */
static bool hold_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        int mode = fd == STDOUT_FILENO ? O_RDONLY : O_RDWR;
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", mode) != fd)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    return hold_standard_streams() ? commands_run(argc, argv) : 1;
}
