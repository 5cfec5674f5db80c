/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h: each promise is tried from the inside. A test forks, the child enters the
 * sandbox and attempts; its end tells what became of it. */
#pragma once

#include "sandbox.h"
#include "support/expect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* How the child ends: an attempt's errno, 0 when it succeeded, or one of these. */
enum { NOT_ENTERED = 200, NO_LANDLOCK = 201, KILLED = 1000 };

/* One readable folder with a file in it, one of which files may be removed, one of which
 * nothing was said. */
static char readable[] = "/tmp/gatherd-sandbox-readable-XXXXXX";
static char removable[] = "/tmp/gatherd-sandbox-removable-XXXXXX";
static char outside[] = "/tmp/gatherd-sandbox-outside-XXXXXX";

static inline const char *in(const char *folder)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/file", folder);
    return path;
}

static inline void make_folder(char *name)
{
    cr_assert(ne(ptr, mkdtemp(name), NULL));
    int fd = open(in(name), O_CREAT | O_WRONLY, 0600);
    cr_assert(ge(int, fd, 0));
    close(fd);
}

static inline void make_folders(void)
{
    make_folder(readable);
    make_folder(removable);
    make_folder(outside);
}

static inline void remove_folder(const char *name)
{
    unlink(in(name));
    rmdir(name);
}

static inline void remove_folders(void)
{
    remove_folder(readable);
    remove_folder(removable);
    remove_folder(outside);
}

static inline int outcome(bool has_worked)
{
    return has_worked ? 0 : errno;
}

static inline bool enter(struct sandbox_report *report, bool may_remove)
{
    struct sandbox_setup setup = {.readable = {readable, "/no/such/folder"},
                                  .readable_count = 2,
                                  .removable = {removable},
                                  .removable_count = may_remove};
    struct error err = {0};
    return sandbox_enter(&setup, report, &err);
}

/* In the child. _exit, as a sanitizer's leak check needs what the sandbox takes away. */
static inline void enter_and_try(int (*attempt)(void), bool may_remove,
                                 bool needs_landlock)
{
    struct sandbox_report report;
    if (!enter(&report, may_remove))
        _exit(NOT_ENTERED);
    if (needs_landlock && report.landlock_abi == 0)
        _exit(NO_LANDLOCK);
    _exit(attempt());
}

static inline int end_of(pid_t child)
{
    int status;
    cr_assert(eq(int, waitpid(child, &status, 0), child));
    return WIFSIGNALED(status) ? KILLED + WTERMSIG(status) : WEXITSTATUS(status);
}

static inline int try_with(int (*attempt)(void), bool may_remove, bool needs_landlock)
{
    pid_t child = fork();
    cr_assert(ge(int, child, 0));
    if (child == 0)
        enter_and_try(attempt, may_remove, needs_landlock);
    int end = end_of(child);
    if (end == NO_LANDLOCK)
        cr_skip("this kernel has no Landlock");
    return end;
}

static inline int try_inside(int (*attempt)(void))
{
    return try_with(attempt, false, false);
}

static inline int try_file(int (*attempt)(void))
{
    return try_with(attempt, true, true);
}

/* The attempt that more than one file makes. */
static inline int make_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return outcome(child > 0);
}
