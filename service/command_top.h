/* SPDX-License-Identifier: Apache-2.0 */
/* `gatherd top`: its command line. */
#pragma once

#include "command_line.h"

/* command_top runs it and returns the exit status: 0 fine, 1 the service does not answer,
 * 2 the command line or the configuration is wrong. */
int command_top(struct arguments *arguments);
