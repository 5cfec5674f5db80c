/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox: after it the process can serve and do nothing else. What an attacker who
 * runs code in here would want is taken away by the kernel, for good:
 *
 *   system calls (sandbox_calls.h): no program is started, no process made, nothing is
 *       opened for writing, no memory becomes executable, no socket but TCP and UDP, no
 *       new listener, no look into other processes
 *   files (sandbox_files.h): what is named here can be read; the rest of the file system
 *       is not there
 *
 * Nothing in these files knows what gatherd needs but sandbox_calls.c; confine.h does. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { SANDBOX_PATHS_MAX = 256 };

struct sandbox_setup {
    /* Files, and folders with all that is in them, that stay readable. What does not
     * exist is passed over. A file that is replaced by another of its name is a new file
     * and out of reach: name its folder where that happens. */
    const char *readable[SANDBOX_PATHS_MAX];
    size_t readable_count;
    /* Folders out of which entries may be removed: a unix listener's, at the end. */
    const char *removable[SANDBOX_PATHS_MAX];
    size_t removable_count;
};

struct sandbox_report {
    int landlock_abi; /* 0: this kernel has no Landlock, or it may not be used here */
    unsigned free_threads; /* started before, whose files Landlock does not restrict */
};

/* sandbox_enter puts the calling thread into the sandbox, and with it every thread that
 * it starts from now on; the system call filter also binds the threads there are. Files
 * are restricted where the kernel can do it, which *ret_report tells. Returns false when
 * system calls cannot be filtered; the process is then half restricted and must end. */
bool sandbox_enter(const struct sandbox_setup *setup, struct sandbox_report *ret_report,
                   struct error *err) MUST_CHECK;
