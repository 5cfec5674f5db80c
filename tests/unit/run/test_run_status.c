/* SPDX-License-Identifier: Apache-2.0 */
/* run_status.h */
#include "run/run_status.h"

#include "run/run.h"
#include "unit/run/run_fixture.h"

#include <errno.h>
#include <signal.h>

TestSuite(run_status, .init = open_drawing, .fini = close_drawing);

Test(run_status, it_tells_complete_partial_and_failed)
{
    const struct {
        struct run_result result;
        int status;
    } rows[] = {
        {{.is_complete = true, .ok = 1}, RUN_COMPLETE},
        {{.is_complete = true}, RUN_COMPLETE}, /* nothing was asked for */
        {{.ok = 1}, RUN_PARTIAL},
        {{.ok = 0}, RUN_FAILED},
        {{.wrong_status = RUN_USAGE}, RUN_USAGE},
        {{.wrong_status = RUN_FAILED, .ok = 5}, RUN_FAILED},
        {{.output_failure = ENOSPC, .is_complete = true}, RUN_FAILED},
        {{.output_failure = EPIPE, .is_complete = true}, 128 + SIGPIPE},
        {{.signal = SIGINT, .ok = 5}, 130},
        {{.signal = SIGTERM, .output_failure = EPIPE}, 143},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect(eq(int, run_status_of(&rows[i].result), rows[i].status), "row %zu", i);
}

Test(run_status, a_hint_stands_for_what_has_a_remedy)
{
    uint64_t codes[CALL_CODE_COUNT] = {[CALL_OK] = 3, [CALL_DNS] = 4};
    run_status_hints(&drawn, codes, false);
    cr_expect(eq(sz, drawn.len, 0));
    codes[CALL_BLOCKED_ADDRESS] = 1;
    codes[CALL_BLOCKED_URL] = 2000;
    codes[CALL_DEADLINE] = 1;
    run_status_hints(&drawn, codes, false);
    cr_expect(shows("1 item ended with blocked_address") && shows("--allow-private"));
    cr_expect(shows("2,000 items ended with blocked_url") && shows("--deadline"));
    buffer_clear(&drawn);
    run_status_hints(&drawn, codes, true);
    cr_expect_not(shows("--allow-private"));
    cr_expect(shows("egress.allow"));
}
