/* SPDX-License-Identifier: Apache-2.0 */
/* egress_log.h: one line a second and rule, without path and query. */
#include "egress_log.h"
#include "fetch/flow.h"
#include "support/expect.h"
#include "unit/process/log_capture.h"

static struct caller caller = {.name = "billing"};
static struct flow flow = {.caller = &caller, .request_id = "r-1"};
static const struct target target = {.scheme = "http", .host = "a.example", .port = 8080};

static struct egress_notice notice_of(enum egress_reason reason, const char *text)
{
    return (struct egress_notice){
        .flow = &flow, .target = &target, .text = text, .reason = reason};
}

Test(egress_log, l10_a_rule_gets_one_line_a_second)
{
    struct egress_log log;
    struct egress_notice private = notice_of(EGRESS_PRIVATE, "the address is not public");
    struct egress_notice port = notice_of(EGRESS_PORT, "the port");
    egress_log_init(&log);
    begin_capture();
    for (uint64_t i = 0; i < 1000; i++)
        egress_log_write(&log, &private, 5 * SECOND_US + i);
    egress_log_write(&log, &port, 5 * SECOND_US);
    egress_log_write(&log, &private, 6 * SECOND_US + 1);
    cr_expect(eq(sz, end_capture(), 3));
}

Test(egress_log, a_line_says_who_what_and_why)
{
    struct egress_log log;
    struct egress_notice notice = notice_of(EGRESS_PORT, "the port is not allowed");
    egress_log_init(&log);
    begin_capture();
    egress_log_write(&log, &notice, SECOND_US);
    cr_expect(eq(sz, end_capture(), 1));
    expect_part(written, "\"event\":\"egress_would_refuse\",\"requestId\":\"r-1\","
                         "\"caller\":\"billing\",\"reason\":\"the port is not allowed\","
                         "\"scheme\":\"http\",\"host\":\"a.example\",\"port\":8080");
}

Test(egress_log, what_is_not_known_is_left_out)
{
    struct egress_log log;
    struct egress_notice notice = notice_of(EGRESS_PORT, "the port is not allowed");
    struct caller everybody = {.name = ""};
    struct flow nameless = {.caller = &everybody};
    notice.flow = &nameless;
    egress_log_init(&log);
    begin_capture();
    egress_log_write(&log, &notice, SECOND_US);
    cr_expect(eq(sz, end_capture(), 1));
    cr_expect(strstr(written, "caller") == NULL && strstr(written, "requestId") == NULL);
}
