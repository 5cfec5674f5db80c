/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a reload: lines of the log, and the text for who asked by request.
 * main's thread. */
#pragma once

#include "base/buffer.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RELOAD_LINES_MAX = 100 }; /* options of which the log says what they were */

struct reload_report {
    struct buffer
        changed; /* JSON: [{"option", "before", "after"}, …], without brackets */
    struct buffer waiting; /* JSON: names of options that need a restart, likewise */
    struct buffer names;   /* the same for people */
    size_t changed_count;
    size_t waiting_count;
};

/* reload_report_make compares. `first`: what the process was started with, of which some
 * options (needs_restart) stay in use until it ends. `is_ca_new`: fetch.ca_file, or the
 * system's authorities, hold something else now. Begins with zeroed memory. */
void reload_report_make(struct reload_report *report, const struct config *first,
                        const struct config *before, const struct config *after,
                        bool is_ca_new);
void reload_report_done(struct reload_report *report);

/* reload_report_log writes that configuration `generation` is in use, what has changed,
 * and what waits for a restart. */
void reload_report_log(const struct reload_report *report, const struct config *before,
                       const struct config *after, uint64_t generation);
/* reload_report_answer appends the JSON object. */
void reload_report_answer(const struct reload_report *report, uint64_t generation,
                          struct buffer *out);

/* reload_report_faults writes each line of `faults` to the log, as an error or, when the
 * configuration is in use, as a warning. */
void reload_report_faults(struct slice faults, bool is_in_use);
