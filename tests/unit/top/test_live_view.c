/* SPDX-License-Identifier: Apache-2.0 */
/* top/live_view.h: whatever answers, it is read or refused. */
#include "top/live_view.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct live_view view;

static bool parse(const char *text)
{
    struct error err = {0};
    return live_view_parse(slice_from(text), &view, &err);
}

Test(live_view, every_member_is_read)
{
    cr_assert(parse(
        "{\"version\":\"1.2\",\"startedAtMs\":5,\"uptimeMs\":6,\"state\":\"ready\","
        "\"configuration\":{\"generation\":3},"
        "\"batches\":{\"inFlight\":1,\"total\":10,\"complete\":4,\"partial\":3,\"gone\":"
        "2,"
        "\"refused\":1},"
        "\"items\":{\"inFlight\":7,\"queued\":8,\"total\":9,\"byCode\":{\"ok\":6,\"dns\":"
        "3}},"
        "\"latencyMs\":{\"batch\":[[1,2],[null,3]],\"item\":[[0.5,4]]},"
        "\"connections\":{\"clients\":11,\"upstream\":12},"
        "\"memory\":{\"replyBytes\":13,\"replyBudget\":14,\"requestBytes\":15,"
        "\"requestBudget\":16},"
        "\"process\":{\"cpuMs\":17,\"residentBytes\":18},"
        "\"circuits\":{\"open\":19,\"halfOpen\":20},"
        "\"workers\":[{\"inFlight\":1,\"queued\":2,\"busyMs\":3,\"loopLagMs\":4.5,"
        "\"clients\":5,\"origins\":6},{\"busyMs\":null,\"missing\":true}],"
        "\"origins\":[{\"origin\":\"http://a:80\",\"inFlight\":1,\"waiting\":2,"
        "\"circuit\":\"open\",\"total\":3,\"failed\":4,\"cancelled\":5,\"meanMs\":6.5}],"
        "\"originsLeftOff\":21}"));
    cr_assert(eq(str, view.version, "1.2"));
    cr_assert(eq(str, view.state, "ready"));
    cr_assert(view.started_at_ms == 5 && view.uptime_ms == 6 && view.generation == 3);
    cr_assert(view.batches.in_flight == 1 && view.batches.total == 10);
    cr_assert(view.batches.complete == 4 && view.batches.partial == 3);
    cr_assert(view.batches.gone == 2 && view.batches.refused == 1);
    cr_assert(view.items.in_flight == 7 && view.items.queued == 8);
    cr_assert(view.items.total == 9 && view.code_count == 2);
    cr_assert(eq(str, view.codes[1].name, "dns"));
    cr_assert(view.codes[1].count == 3 && view.batch_ms.count == 2);
    cr_assert(view.batch_ms.counts[1] == 3 && view.batch_ms.bounds_ms[1] < 0);
    cr_assert(view.item_ms.count == 1 && view.item_ms.counts[0] == 4);
    cr_assert(view.clients == 11 && view.upstream == 12);
    cr_assert(view.reply_bytes == 13 && view.reply_budget == 14);
    cr_assert(view.request_bytes == 15 && view.request_budget == 16);
    cr_assert(view.cpu_ms == 17 && view.resident_bytes == 18);
    cr_assert(view.open == 19 && view.half_open == 20 && view.left_off == 21);
    cr_assert(view.worker_count == 2 && view.workers[1].is_missing);
    cr_assert(view.workers[0].in_flight == 1 && view.workers[0].queued == 2);
    cr_assert(view.workers[0].busy_ms == 3 && view.workers[0].clients == 5);
    cr_assert(view.workers[0].origins == 6 && !view.workers[0].is_missing);
    cr_assert(eq(dbl, view.workers[0].loop_lag_ms, 4.5));
    cr_assert(eq(str, view.origins[0].name, "http://a:80"));
    cr_assert(eq(str, view.origins[0].circuit, "open"));
    cr_assert(view.origin_count == 1 && view.origins[0].waiting == 2);
    cr_assert(view.origins[0].total == 3 && view.origins[0].failed == 4);
    cr_assert(eq(dbl, view.origins[0].mean_ms, 6.5));
}

Test(live_view, what_is_missing_or_of_another_type_is_nothing)
{
    cr_assert(
        parse("{\"batches\":{\"total\":\"x\"},\"items\":{\"total\":-5,\"byCode\":[]},"
              "\"workers\":7,\"origins\":[5],\"latencyMs\":{\"item\":[7,[1],[2,-1]]},"
              "\"version\":4,\"uptimeMs\":1e300}"));
    cr_assert(view.batches.total == 0 && view.items.total == 0 && view.uptime_ms == 0);
    cr_assert(view.worker_count == 0 && view.origin_count == 1 && !*view.version);
    cr_assert(view.item_ms.count == 3 && view.item_ms.counts[2] == 0);
}

Test(live_view, what_is_no_document_is_refused_and_the_view_kept)
{
    cr_assert(parse("{\"batches\":{\"total\":3},\"items\":{}}"));
    static const char *const others[] = {
        "",       "{}", "[]", "{\"batches\":{}}",
        "<html>", "5",  "{",  "{\"batches\":[],\"items\":[]}"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_assert(not(parse(others[i])));
    cr_assert(view.batches.total == 3);
    struct error err = {0};
    cr_assert(not(live_view_parse(slice_make(NULL, 0), &view, &err)));
    cr_assert(err.text[0] != 0);
}

/* `count` times "{…}", with commas. */
static char *repeated(const char *text, unsigned count)
{
    char *all = calloc(count + 1, strlen(text) + 1);
    for (unsigned i = 0; i < count; i++)
        sprintf(all + strlen(all), "%s%s", i ? "," : "", text);
    return all;
}

Test(live_view, more_than_there_is_room_for_is_left_out)
{
    char *workers = repeated("{}", LIVE_VIEW_WORKERS + 5);
    char *origins = repeated("{\"origin\":\"x\"}", LIVE_VIEW_ORIGINS + 5);
    char *buckets = repeated("[1,1]", LIVE_VIEW_BUCKETS + 5);
    size_t size = strlen(workers) + strlen(origins) + strlen(buckets) + 4096;
    char *text = calloc(1, size);
    int len = snprintf(text, size,
                       "{\"batches\":{},\"workers\":[%s],\"origins\":[%s],"
                       "\"latencyMs\":{\"item\":[%s]},\"items\":{\"byCode\":{",
                       workers, origins, buckets);
    for (unsigned i = 0; i < LIVE_VIEW_CODES + 5; i++)
        len +=
            snprintf(text + len, size - (size_t)len, "%s\"code_%u\":1", i ? "," : "", i);
    snprintf(text + len, size - (size_t)len, "}}}");
    cr_assert(parse(text));
    cr_assert(view.worker_count == LIVE_VIEW_WORKERS);
    cr_assert(view.origin_count == LIVE_VIEW_ORIGINS);
    cr_assert(view.item_ms.count == LIVE_VIEW_BUCKETS);
    cr_assert(view.code_count == LIVE_VIEW_CODES);
    free(workers);
    free(origins);
    free(buckets);
    free(text);
}

Test(live_view, long_names_are_cut)
{
    char text[1024];
    char name[500];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(text, sizeof text,
             "{\"batches\":{},\"items\":{},\"origins\":[{\"origin\":\"%s\"}]}", name);
    cr_assert(parse(text));
    cr_assert(eq(sz, strlen(view.origins[0].name), LIVE_VIEW_NAME - 1));
}

Test(live_view, a_problem_document_says_why)
{
    char detail[16] = "";
    cr_assert(live_view_problem(slice_from("{\"detail\":\"not here\"}"), detail,
                                sizeof detail));
    cr_assert(eq(str, detail, "not here"));
    cr_assert(not(live_view_problem(slice_from("<html>"), detail, sizeof detail)));
    cr_assert(not(live_view_problem(slice_from("{}"), detail, sizeof detail)));
    cr_assert(not(live_view_problem(slice_make(NULL, 0), detail, sizeof detail)));
}
