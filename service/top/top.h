/* SPDX-License-Identifier: Apache-2.0 */
/* `gatherd top`: the live figures of a running service, in the terminal or as text. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct top_setup {
    const char *url;       /* of the document */
    const char *unix_path; /* NULL: by TCP */
    const char *address;   /* as a person writes it */
    uint64_t interval_ms;
    bool is_once;
    bool is_json; /* the documents themselves, one a line */
};

enum { TOP_FINE = 0, TOP_FAILED = 1 };

/* top_run shows the figures on standard output until it is told to end (or once) and
 * returns the exit status. On a terminal it takes it over, and gives it back whatever
 * ends it. A service that does not answer is asked again and again, but for text. */
int top_run(const struct top_setup *setup);
