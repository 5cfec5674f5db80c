/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp: the system calls that are left. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"

#include <stdbool.h>

/* sandbox_calls_restrict filters the system calls of every thread of the process. What
 * is not needed fails with EPERM; what only an intruder asks for (execve, ptrace, …)
 * ends the process with SIGSYS. `may_remove` leaves unlink, for a unix listener's file.
 * Needs no_new_privs. Returns false, and names process.sandbox, when the kernel has no
 * seccomp filters or may not be asked for one here. */
bool sandbox_calls_restrict(bool may_remove, struct error *err) MUST_CHECK;
