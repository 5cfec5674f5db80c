/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks of a dispatched call: each limit has its own error code. Pure: marks and the
 * time in, verdict out. Waiting for a slot before the dispatch is not their business. */
#pragma once

#include "fetch/call.h"

#include <stdbool.h>
#include <stdint.h>

/* In ms; 0: no such limit. */
struct clock_limits {
    uint64_t total_ms;
    uint64_t connect_ms;
    uint64_t first_byte_ms;
    uint64_t idle_ms;
    /* The item asked for less than the gateway would have granted. */
    bool is_total_lowered;
    bool is_connect_lowered;
};

/* Loop clock. Those of phases not reached yet mean nothing. */
struct clock_marks {
    uint64_t started_ms; /* dispatch of the call */
    uint64_t hop_ms;     /* begin of this attempt or redirect: the connect clock runs */
    uint64_t sent_ms;    /* request sent */
    uint64_t active_ms;  /* last bytes, either way */
};

struct clock_verdict {
    bool is_out;
    enum call_code code; /* CALL_OK unless is_out */
    uint64_t limit_ms;   /* the limit that ran out, for the message */
    bool is_lowered;     /* … and it was the item's own */
    uint64_t next_ms;    /* when to look again; valid unless is_out */
};

struct clock_verdict clocks_judge(const struct clock_limits *limits,
                                  const struct clock_marks *marks, enum call_phase phase,
                                  uint64_t now_ms);

/* clocks_message writes "no reply within 500 ms" and the like. */
void clocks_message(const struct clock_verdict *verdict, char *text, size_t size);
