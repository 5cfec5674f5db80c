/* SPDX-License-Identifier: Apache-2.0 */
/* `gatherd run`: its command line, made into a run. */
#pragma once

#include "command_line.h"

/* command_run runs it and returns the exit status (run/run.h). */
int command_run(struct arguments *arguments);
