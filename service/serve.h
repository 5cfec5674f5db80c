/* SPDX-License-Identifier: Apache-2.0 */
/* gatherd serve: the service from the configuration to the exit status. */
#pragma once

#include "config/config.h"
#include "reload.h"

/* serve_run starts everything, serves until SIGTERM or SIGINT, drains, and returns the
 * exit status: 0 after a drain, 1 when it could not start. A second signal ends at once.
 * Of `config` it wipes what nobody reads again; `source` is where it came from and comes
 * from again. */
int serve_run(struct config *config, const struct reload_source *source);
