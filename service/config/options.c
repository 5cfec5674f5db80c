/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options, and nothing else: no parsing, no printing. The rows of a section
 * stand in options/<section>.inc; this order is that of the shipped file and of the
 * reference. The defaults are written as in the file and go through the same parser and
 * checks, so a wrong default fails the first unit test. */
#include "config/options.h"

#include "config/options_entries.h"
#include "config/syntax.h"

#include <stddef.h>

/* No clock runs longer than this. */
enum { HOUR = 3600 * 1000 };

const struct option_section option_sections[] = {
    {"server", "The front: who may connect, and how long a client may take"},
    {"server.tls", "TLS for server.listen; certificate and key together switch it on"},
    {"ops", "Health, readiness and metrics on addresses of their own"},
    {"auth", "Who may send batches"},
    {"batch", "The ceilings of one batch"},
    {"fetch", "The upstream side: the clocks and ceilings of one item"},
    {"breaker",
     "Circuit breaker: an origin (scheme, host, port) that keeps failing is "
     "left alone for a while, its items answer circuit_open at once. Off until "
     "consecutive_failures or failure_ratio is given"},
    {"dns", "Name resolution, done by gatherd itself"},
    {"egress", "What callers may reach through gatherd"},
    {"webhooks", "Signatures for items that ask for one (sign)"},
    {"memory", "What the process as a whole may hold"},
    {"process", "What the process gives up when it has started"},
    {"tracing", "W3C Trace Context and spans for OpenTelemetry"},
    {"log", "One line per batch and per event, on standard error"},
};
const size_t option_sections_count = sizeof option_sections / sizeof *option_sections;

const struct option options_table[] = {
#include "config/options/server.inc"
#include "config/options/ops.inc"
#include "config/options/auth.inc"
#include "config/options/batch.inc"
#include "config/options/fetch.inc"
#include "config/options/breaker.inc"
#include "config/options/dns.inc"
#include "config/options/egress.inc"
#include "config/options/webhooks.inc"
#include "config/options/memory.inc"
#include "config/options/process.inc"
#include "config/options/tracing.inc"
#include "config/options/log.inc"
};
const size_t options_count = sizeof options_table / sizeof *options_table;
