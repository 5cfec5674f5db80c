/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line says of itself, from its table: help for a terminal, the manual
 * page, completions. Pure: rows in, text out. */
#pragma once

#include "base/buffer.h"
#include "command_table.h"

/* command_write_usage appends "gatherd check FILE [--set PATH=VALUE]…", one line.
 * command_write_list: all commands. command_write_help: one with all it takes. */
void command_write_usage(struct buffer *out, const struct command *command);
void command_write_list(struct buffer *out);
void command_write_help(struct buffer *out, const struct command *command);

/* command_write_manual appends the source of gatherd(1) for scdoc(5). */
void command_write_manual(struct buffer *out);

/* command_write_completions appends the completions for "bash", "zsh" or "fish". */
void command_write_completions(struct buffer *out, const char *shell);
