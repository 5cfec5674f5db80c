/* SPDX-License-Identifier: Apache-2.0 */
/* gatherd demo: a small well-behaved upstream to try gatherd against. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"

#include <stdbool.h>

/* demo_run serves on `listen` ("127.0.0.1:8081"; port 0: a free one, printed) until
 * SIGINT or SIGTERM; prints one line "demo upstream on http://…" when it is ready. The
 * two signals stay blocked afterwards: the process is about to end. */
bool demo_run(const char *listen, struct error *err) MUST_CHECK;
