/* SPDX-License-Identifier: Apache-2.0 */
/* The words for methods and phases: one table each. Pure; used by the parser of batches,
 * by the transfer (what to send) and by messages. */
#include "fetch/call.h"

#include <assert.h>

struct method_row {
    const char *name;
    bool is_idempotent;
};

static const struct method_row methods[METHOD_COUNT] = {
    [METHOD_GET] = {"GET", true},         [METHOD_HEAD] = {"HEAD", true},
    [METHOD_POST] = {"POST", false},      [METHOD_PUT] = {"PUT", true},
    [METHOD_PATCH] = {"PATCH", false},    [METHOD_DELETE] = {"DELETE", true},
    [METHOD_OPTIONS] = {"OPTIONS", true},
};

/* Each completes "the deadline came while …". */
static const char *const phases[] = {
    [PHASE_IDLE] = "not started",
    [PHASE_QUEUED] = "waiting in the queue",
    [PHASE_CONNECTING] = "connecting",
    [PHASE_SENDING] = "sending the request",
    [PHASE_WAITING] = "waiting for the first byte",
    [PHASE_RECEIVING] = "receiving the reply",
    [PHASE_BACKOFF] = "waiting to be tried again",
};

const char *call_method_name(enum call_method method)
{
    assert((unsigned)method < METHOD_COUNT);
    return methods[method].name;
}

bool call_method_parse(struct slice text, enum call_method *ret_method)
{
    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        if (slice_is(text, methods[i].name)) {
            *ret_method = (enum call_method)i;
            return true;
        }
    }
    return false;
}

bool call_method_is_idempotent(enum call_method method)
{
    assert((unsigned)method < METHOD_COUNT);
    return methods[method].is_idempotent;
}

bool call_is_retryable(enum call_code code, enum call_method method)
{
    const struct call_code_row *row = call_code_row(code);
    return row->is_retryable && (row->is_unsent || call_method_is_idempotent(method));
}

const char *call_phase_name(enum call_phase phase)
{
    assert((unsigned)phase < sizeof phases / sizeof *phases);
    return phases[phase];
}
