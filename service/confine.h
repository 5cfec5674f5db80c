/* SPDX-License-Identifier: Apache-2.0 */
/* What the process gives up before it meets the first client: core dumps, debuggers, new
 * privileges, and with process.sandbox nearly everything else. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "config/config.h"

/* confine_memory keeps what the process holds (keys, bodies) to itself: no core file, no
 * debugger, no /proc/PID/mem for others of the same user; and no new privileges. Called
 * first. Warns when the process is root. */
void confine_memory(const struct config *config);

/* confine_process enters the sandbox if process.sandbox is on, and logs what is in force.
 * Called when everything that needs more has been opened (listeners, certificates, the
 * authorities, the resolver's configuration) and before the worker threads start, which
 * inherit it. `config_file` names the folder that stays readable, as do the system's
 * authorities and resolver files. Returns false where system calls cannot be filtered. */
bool confine_process(const struct config *config, const char *config_file,
                     struct error *err) MUST_CHECK;
