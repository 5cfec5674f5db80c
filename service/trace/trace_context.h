/* SPDX-License-Identifier: Apache-2.0 */
/* W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context-1/): the headers
 * traceparent and tracestate, read and written. Pure. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    TRACE_ID_LEN = 32,
    SPAN_ID_LEN = 16,
    TRACEPARENT_LEN = 55, /* of version 00 */
    /* What must be passed on of a tracestate (3.3.1.5), and all that is. */
    TRACESTATE_MAX = 512,
    TRACESTATE_MEMBERS_MAX = 32,
};

/* Where in which trace something happens. The ids are lower-case hex digits, as they
 * stand in the header and in all that is made of them; no NUL. */
struct trace_context {
    char trace_id[TRACE_ID_LEN];
    char span_id[SPAN_ID_LEN];
    bool is_sampled;
};

/* trace_context_parse reads the value of the one traceparent there is, blanks around it
 * ignored. Of a version above 00 it reads what 00 has, and what follows must be behind
 * another hyphen. False: it is none, and the trace begins anew. */
bool trace_context_parse(struct slice text, struct trace_context *ret_context) MUST_CHECK;

/* trace_context_write writes the traceparent, of version 00 and without NUL; flags other
 * than `sampled` are not passed on (3.2.2.5.2). */
void trace_context_write(const struct trace_context *context, char text[TRACEPARENT_LEN]);

/* trace_state_join writes the members of all tracestate lines, in their order, as one
 * list, and returns its length. 0: there are none, or the lines are no list, or of more
 * than TRACESTATE_MEMBERS_MAX members, and must be ignored. Of a list longer than
 * TRACESTATE_MAX the members of more than 128 bytes are left out first, then others, the
 * last ones first (3.3.1.5). */
size_t trace_state_join(const struct slice *lines, size_t count,
                        char text[TRACESTATE_MAX]);
