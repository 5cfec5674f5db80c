/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands, one row each; main.c picks one. */
#pragma once

/* commands_run runs `gatherd NAME …` (argv[0] is the program) and returns the exit
 * status: 0 fine, 1 failed, 2 the command line or the configuration is wrong. */
int commands_run(int argc, char **argv);
