/* SPDX-License-Identifier: Apache-2.0 */
/* How the descriptors a process may open are divided between clients and upstreams. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct descriptors {
    uint64_t max_in_flight;   /* calls at once; also the upstream sockets' ceiling */
    uint64_t max_connections; /* clients at once */
    bool is_cut;              /* less than was asked for */
};

/* descriptors_divide (pure): `limit` descriptors, `reserve` of them for the process
 * itself. In-flight calls get up to three quarters of the rest, clients what is left: a
 * gateway's fan-out is larger than its fan-in. Fails, with the limit to set in the
 * sentence, when not even 16 of each fit. */
bool descriptors_divide(uint64_t limit, uint64_t reserve, uint64_t max_in_flight,
                        uint64_t max_connections, struct descriptors *ret_descriptors,
                        struct error *err) MUST_CHECK;

/* descriptors_limit raises the soft limit of open files to the hard one and returns it.
 */
uint64_t descriptors_limit(void);
