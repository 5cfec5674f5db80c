/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of run_status.h. Called by run.c at the end. */
#include "run/run_status.h"

#include "run/run.h"
#include "run/run_text.h"

#include <errno.h>
#include <signal.h>

enum { SIGNAL_BASE = 128 }; /* POSIX shells, 2.8.2 */

int run_status_of(const struct run_result *result)
{
    if (result->signal)
        return SIGNAL_BASE + result->signal;
    if (result->output_failure == EPIPE)
        return SIGNAL_BASE + SIGPIPE;
    if (result->output_failure)
        return RUN_FAILED;
    if (result->wrong_status)
        return result->wrong_status;
    if (result->is_complete)
        return RUN_COMPLETE;
    return result->ok > 0 ? RUN_PARTIAL : RUN_FAILED;
}

static void append_count(struct buffer *out, uint64_t count, const char *code)
{
    char text[RUN_TEXT_MAX];
    run_text_count(count, text);
    buffer_append_format(out, "hint: %s item%s ended with %s: ", text,
                         count == 1 ? "" : "s", code);
}

void run_status_hints(struct buffer *out, const uint64_t codes[CALL_CODE_COUNT],
                      bool allows_private)
{
    if (codes[CALL_BLOCKED_ADDRESS] > 0) {
        append_count(out, codes[CALL_BLOCKED_ADDRESS], "blocked_address");
        buffer_append_text(
            out, allows_private
                     ? "the egress policy refuses it; --set 'egress.allow=[\"HOST\"]' "
                       "lets one host through\n"
                     : "private addresses are refused, as a URL from elsewhere may name "
                       "them; --allow-private lets them through, --set "
                       "'egress.allow=[\"HOST\"]' one host\n");
    }
    if (codes[CALL_BLOCKED_URL] > 0) {
        append_count(out, codes[CALL_BLOCKED_URL], "blocked_url");
        buffer_append_text(out, "a scheme or port that is refused; gatherd options says "
                                "more of egress.ports and egress.deny_ports\n");
    }
    if (codes[CALL_DEADLINE] > 0) {
        append_count(out, codes[CALL_DEADLINE], "deadline");
        buffer_append_text(out, "--deadline gives the run more time\n");
    }
}
