/* SPDX-License-Identifier: Apache-2.0 */
/* The lines about circuits that opened: which origin keeps failing, which no metric says.
 * At most one line a second over all workers, however many origins callers name
 * ("heldBack" in the next one says how many there were besides); the
 * counter circuits_opened_total knows them all. */
#pragma once

#include "base/log_class.h"
#include "fetch/circuits.h"

struct circuit_log {
    struct log_class lines;
};

void circuit_log_init(struct circuit_log *log);
/* circuit_log_write: any thread. */
void circuit_log_write(struct circuit_log *log, const struct circuit_notice *notice,
                       uint64_t now_us);
