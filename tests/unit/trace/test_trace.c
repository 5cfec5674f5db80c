/* SPDX-License-Identifier: Apache-2.0 */
/* trace/trace.h */
#include "trace/trace.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(trace, a_copy_lies_in_the_room_it_is_given_and_has_everything)
{
    for (size_t len = 0; len <= TRACESTATE_MAX; len++) {
        char state[TRACESTATE_MAX];
        memset(state, 'a', sizeof state);
        struct trace *trace = trace_new(slice_make(state, len));
        cr_expect(!trace->is_passed_on && !trace->is_recorded);
        trace->is_passed_on = true;
        memset(trace->context.trace_id, '7', TRACE_ID_LEN);
        size_t size = trace_size(trace);
        cr_expect_eq(size % _Alignof(max_align_t), 0);
        void *room = malloc(size);
        struct trace *copy = trace_copy(trace, room);
        cr_expect(copy == room && copy->is_passed_on);
        cr_expect_eq(copy->state_len, len);
        cr_expect(memcmp(copy->state, state, len) == 0);
        cr_expect_eq(copy->context.trace_id[31], '7');
        free(trace);
        free(room);
    }
}

Test(trace, an_exemplar_has_its_ids_and_the_time_of_day)
{
    struct trace *trace = trace_new(slice_from(""));
    memset(trace->context.trace_id, '7', TRACE_ID_LEN);
    trace->wall_us = 1700000000000000;
    struct exemplar exemplar;
    trace_exemplar(trace, "0123456789abcdef", 2500, &exemplar);
    cr_expect(memcmp(exemplar.trace_id, trace->context.trace_id, TRACE_ID_LEN) == 0);
    cr_expect(memcmp(exemplar.span_id, "0123456789abcdef", SPAN_ID_LEN) == 0);
    cr_expect_eq(exemplar.at_ms, 1700000000002);
    free(trace);
}
