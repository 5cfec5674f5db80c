/* SPDX-License-Identifier: Apache-2.0 */
/* The program's entry; everything is in commands.c and behind it. */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

/* Whoever starts us may have closed the standard streams. Then the next descriptor
 * opened, a listening socket, would be number 2, and the log would be written into it.
 * What is written to standard output is wanted, and what is read from standard input, so
 * that still fails. */
static bool hold_standard_streams(void)
{
    static const int modes[] = {
        [STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_RDWR};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", modes[fd]) != fd)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    return hold_standard_streams() ? commands_run(argc, argv) : 1;
}
