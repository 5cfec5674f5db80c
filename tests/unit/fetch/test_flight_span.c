/* SPDX-License-Identifier: Apache-2.0 */
/* Whose trace has the attempt that several calls share (flight_span.c, coalesce.c). */
#include "fetch_rig.h"

#include "trace/trace.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig *rig;

static void setup(void)
{
    /* Nobody there: what is recorded stays in the queue for longer than a test. */
    static const char *const overrides[] = {"tracing.otlp_endpoint=http://127.0.0.1:9/",
                                            NULL};
    rig = rig_new(false, overrides);
}

static void teardown(void)
{
    rig_free(rig);
}

TestSuite(flight_span, .init = setup, .fini = teardown);

/* A batch of its own, whose trace is recorded. */
struct batch {
    struct flow flow;
    struct trace trace;
    struct rig_call *call;
};

static void start(struct batch *batch, char digit, const char *path)
{
    *batch = (struct batch){.flow = {.caller = rig->flow.caller,
                                     .terms = rig->flow.terms,
                                     .trace = &batch->trace},
                            .trace = {.is_recorded = true}};
    memset(batch->trace.context.trace_id, digit, TRACE_ID_LEN);
    memset(batch->trace.context.span_id, digit, SPAN_ID_LEN);
    batch->call = rig_call(rig, path);
    batch->call->call.flow = &batch->flow;
    batch->call->call.coalesces = true;
    fetcher_start(rig->fetcher, &batch->call->call);
}

/* What was recorded so far; freed by free(). */
static char *spans(size_t *ret_count)
{
    struct span_queue *queue = tracer_queue(rig->tracer);
    struct span_pack *pack = span_queue_take(queue, true);
    cr_assert(pack != NULL);
    char *text = strndup(pack->text.data, pack->text.len);
    *ret_count = pack->count;
    span_queue_drop(queue, pack);
    return text;
}

/* The span with this id, by which its trace's goes ahead; NULL: there is none. */
static const char *find(const char *text, char digit, const char *span_id)
{
    char trace_id[TRACE_ID_LEN + 1] = {0}, own[128];
    memset(trace_id, digit, TRACE_ID_LEN);
    snprintf(own, sizeof own, "\"traceId\":\"%s\",\"spanId\":\"%s\"", trace_id, span_id);
    return strstr(text, own);
}

Test(flight_span, who_shares_an_attempt_has_a_span_that_leads_to_it)
{
    struct batch first, second;
    size_t count;
    start(&first, '1', "/delay/30");
    start(&second, '2', "/delay/30");
    rig_run(rig, 2);
    char *text = spans(&count);
    cr_assert_eq(count, 2);
    cr_assert(find(text, '1', first.call->span_id) != NULL);
    const char *joined = find(text, '2', second.call->span_id);
    cr_assert(joined && strstr(joined, "\"coalesced\""));
    free(text);
}

/* Every id that is told belongs to a span that was recorded. */
static void expect_left_behind(struct batch *first, struct batch *second)
{
    size_t count;
    memset(first, 'x', sizeof *first);
    rig_run(rig, 1);
    char *text = spans(&count);
    cr_assert_eq(count, 2);
    const char *joined = find(text, '2', second->call->span_id);
    cr_assert(joined && strstr(joined, "\"coalesced\""), "%s in %s",
              second->call->span_id, text);
    free(text);
}

/* Between the end of the attempt and its outcome there may be a turn. */
Test(flight_span, one_that_leaves_when_the_attempt_is_over_keeps_it_in_its_trace)
{
    struct batch first, second;
    start(&first, '1', "http://127.0.0.1:1/refused"); /* ends at once, told next turn */
    start(&second, '2', "http://127.0.0.1:1/refused");
    fetcher_cancel(rig->fetcher, &first.call->call);
    expect_left_behind(&first, &second);
}

Test(flight_span, one_that_leaves_while_it_runs_closes_it_and_the_next_opens_its_own)
{
    struct batch first, second;
    size_t count;
    start(&first, '1', "/delay/100");
    start(&second, '2', "/delay/100");
    rig_run_ms(rig, 30);
    fetcher_cancel(rig->fetcher, &first.call->call);
    memset(&first, 'x', sizeof first);
    rig_run(rig, 1);
    char *text = spans(&count);
    cr_assert_eq(count, 2);
    cr_assert(strstr(text, "\"cancelled\"") != NULL);
    cr_assert(find(text, '2', second.call->span_id) != NULL);
    cr_assert(strstr(text, "\"coalesced\"") == NULL);
    free(text);
}

/* Nothing is told of a trace that nobody records. */
Test(flight_span, one_whose_trace_is_not_recorded_gets_no_span)
{
    struct batch first, second;
    size_t count;
    start(&first, '1', "/delay/100");
    start(&second, '2', "/delay/100");
    second.trace.is_recorded = false;
    rig_run_ms(rig, 30);
    fetcher_cancel(rig->fetcher, &first.call->call);
    rig_run(rig, 1);
    char *text = spans(&count);
    cr_assert_eq(count, 1);
    cr_assert_str_empty(second.call->span_id);
    free(text);
}
