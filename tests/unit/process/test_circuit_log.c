/* SPDX-License-Identifier: Apache-2.0 */
/* circuit_log.h: one line a second, with the origin and whose call it was. */
#include "circuit_log.h"
#include "fetch/flow.h"
#include "support/expect.h"
#include "unit/process/log_capture.h"

static struct caller caller = {.name = "billing"}, everybody = {.name = ""};
static struct flow flow = {.caller = &caller, .request_id = "r-1"},
                   nameless = {.caller = &everybody};
static const struct target target = {.scheme = "http", .host = "a.example", .port = 8080};
static struct circuit_log log_of_circuits;

static void write_at(uint64_t now_us, const struct flow *whose)
{
    const struct circuit_notice notice = {
        .flow = whose, .target = &target, .open_ms = 5321};
    circuit_log_write(&log_of_circuits, &notice, now_us);
}

Test(circuit_log, l10_there_is_one_line_a_second)
{
    circuit_log_init(&log_of_circuits);
    begin_capture();
    for (uint64_t i = 0; i < 1000; i++)
        write_at(5 * SECOND_US + i, &flow);
    write_at(6 * SECOND_US + 1, &flow);
    cr_expect(eq(sz, end_capture(), 2));
}

Test(circuit_log, a_line_says_which_origin_for_how_long_and_whose_call_it_was)
{
    circuit_log_init(&log_of_circuits);
    begin_capture();
    write_at(SECOND_US, &flow);
    cr_expect(eq(sz, end_capture(), 1));
    expect_part(written, "\"event\":\"circuit_opened\",\"requestId\":\"r-1\","
                         "\"caller\":\"billing\",\"scheme\":\"http\","
                         "\"host\":\"a.example\",\"port\":8080,\"openMs\":5321");
}

Test(circuit_log, what_is_not_known_is_left_out)
{
    circuit_log_init(&log_of_circuits);
    begin_capture();
    write_at(SECOND_US, &nameless);
    cr_expect(eq(sz, end_capture(), 1));
    cr_expect(strstr(written, "caller") == NULL && strstr(written, "requestId") == NULL);
}
