/* SPDX-License-Identifier: Apache-2.0 */
/* metrics/metrics.h: what is counted is what is written. */
#include "metrics/metrics.h"

#include "metrics/metrics_read.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *code_name(unsigned code)
{
    static char names[ITEM_CODE_COUNT][16];
    snprintf(names[code], sizeof names[code], "code_%u", code);
    return names[code];
}

/* The page of `count` shards, for free(). */
static char *page_of(struct metrics_shard **shards, size_t count)
{
    struct buffer page;
    buffer_init(&page, 1 << 20);
    metrics_write(&page, shards, count, code_name);
    cr_assert(buffer_text(&page) != NULL);
    size_t len;
    char *text = buffer_take(&page, &len);
    cr_assert(text != NULL);
    return text;
}

static void expect_line(const char *page, const char *line)
{
    char wanted[256];
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    cr_expect(strstr(page, wanted) != NULL, "%s", line);
}

Test(metrics, shards_are_summed)
{
    struct metrics_shard *shards[] = {metrics_shard_new(), metrics_shard_new()};
    metrics_add(shards[0], METRIC_ITEMS, 3, 5);
    metrics_add(shards[1], METRIC_ITEMS, 3, 7);
    metrics_add(shards[1], METRIC_BATCHES, BATCH_PARTIAL, 1);
    metrics_set(shards[0], METRIC_ITEMS_QUEUED, 10);
    metrics_set(shards[0], METRIC_ITEMS_QUEUED, 4);
    metrics_set(shards[1], METRIC_ITEMS_QUEUED, 1);
    char *page = page_of(shards, 2);
    expect_line(page, "gatherd_items_total{code=\"code_3\"} 12");
    expect_line(page, "gatherd_items_total{code=\"code_4\"} 0");
    expect_line(page, "gatherd_batches_total{result=\"partial\"} 1");
    expect_line(page, "gatherd_batches_total{result=\"complete\"} 0");
    expect_line(page, "gatherd_items_queued 5");
    free(page);
    metrics_shard_free(shards[0]);
    metrics_shard_free(shards[1]);
}

Test(metrics, a_histogram_is_cumulative_and_its_bounds_are_inclusive)
{
    struct metrics_shard *shard = metrics_shard_new();
    static const double seconds[] = {0, 0.0005, 0.00051, 0.3, 60, 61, 1e6};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
        metrics_observe(shard, METRIC_BATCH_SECONDS, 0, seconds[i]);
    metrics_observe(shard, METRIC_BATCH_SECONDS, 0, -1);
    char *page = page_of(&shard, 1);
    expect_line(page, "gatherd_batch_duration_seconds_bucket{le=\"0.0005\"} 2");
    expect_line(page, "gatherd_batch_duration_seconds_bucket{le=\"0.001\"} 3");
    expect_line(page, "gatherd_batch_duration_seconds_bucket{le=\"0.25\"} 3");
    expect_line(page, "gatherd_batch_duration_seconds_bucket{le=\"0.5\"} 4");
    expect_line(page, "gatherd_batch_duration_seconds_bucket{le=\"60\"} 5");
    expect_line(page, "gatherd_batch_duration_seconds_bucket{le=\"+Inf\"} 7");
    expect_line(page, "gatherd_batch_duration_seconds_count 7");
    expect_line(page, "gatherd_batch_duration_seconds_sum 1000121.301010");
    free(page);
    metrics_shard_free(shard);
}

Test(metrics, loop_lag_is_told_per_worker)
{
    struct metrics_shard *shards[] = {metrics_shard_new(), metrics_shard_new()};
    metrics_observe(shards[1], METRIC_LOOP_LAG_SECONDS, 0, 0.02);
    char *page = page_of(shards, 2);
    expect_line(page, "gatherd_loop_lag_seconds_count{worker=\"0\"} 0");
    expect_line(page, "gatherd_loop_lag_seconds_count{worker=\"1\"} 1");
    expect_line(page, "gatherd_loop_lag_seconds_bucket{worker=\"1\",le=\"0.025\"} 1");
    cr_expect(strstr(page, "gatherd_loop_lag_seconds_count ") == NULL,
              "an unlabelled sum beside them would count everything twice");
    free(page);
    metrics_shard_free(shards[0]);
    metrics_shard_free(shards[1]);
}

Test(metrics, labels_do_not_run_into_the_next_metric)
{
    struct metrics_shard *shard = metrics_shard_new();
    metrics_add(shard, METRIC_ITEMS, ITEM_CODE_COUNT - 1, 1);
    metrics_add(shard, METRIC_REQUESTS, STATUS_CLASS_COUNT - 1, 2);
    metrics_observe(shard, METRIC_PHASE_SECONDS, PHASE_LABEL_COUNT - 1, 0.1);
    metrics_observe(shard, METRIC_PHASE_SECONDS, PHASE_LABEL_BLOCKED, 0.1);
    char *page = page_of(&shard, 1);
    expect_line(page, "gatherd_items_total{code=\"code_26\"} 1");
    expect_line(page, "gatherd_http_requests_total{code=\"2xx\"} 0");
    expect_line(page, "gatherd_http_requests_total{code=\"5xx\"} 2");
    expect_line(page, "gatherd_client_connections_opened_total 0");
    expect_line(page, "gatherd_item_phase_duration_seconds_count{phase=\"total\"} 1");
    expect_line(page, "gatherd_item_phase_duration_seconds_count{phase=\"receive\"} 0");
    expect_line(page, "gatherd_item_phase_duration_seconds_count{phase=\"blocked\"} 1");
    expect_line(page, "gatherd_loop_lag_seconds_count{worker=\"0\"} 0");
    free(page);
    metrics_shard_free(shard);
}

/* The number behind `name` at the start of a line. */
static double figure(const char *page, const char *name)
{
    char start[128];
    snprintf(start, sizeof start, "\n%s ", name);
    const char *line = strstr(page, start);
    cr_assert(line != NULL, "%s", name);
    return strtod(line + strlen(start), NULL);
}

Test(metrics, the_process_tells_about_itself)
{
    struct metrics_shard *shard = metrics_shard_new();
    char *page = page_of(&shard, 1);
    cr_expect(gt(dbl, figure(page, "process_resident_memory_bytes"), 100e3));
    cr_expect(ge(dbl, figure(page, "process_virtual_memory_bytes"),
                 figure(page, "process_resident_memory_bytes")));
    cr_expect(ge(dbl, figure(page, "process_open_fds"), 3));
    cr_expect(ge(dbl, figure(page, "process_max_fds"), figure(page, "process_open_fds")));
    cr_expect(ge(dbl, figure(page, "process_threads"), 1));
    cr_expect(ge(dbl, figure(page, "process_cpu_seconds_total"), 0));
    double age_s = (double)time(NULL) - figure(page, "process_start_time_seconds");
    cr_expect(gt(dbl, age_s, -5));
    cr_expect(lt(dbl, age_s, 300));
    cr_expect(strstr(page, "gatherd_build_info{version=\"") != NULL);
    free(page);
    metrics_shard_free(shard);
}

Test(metrics, every_series_has_help_and_type_before_it)
{
    struct metrics_shard *shard = metrics_shard_new();
    char *page = page_of(&shard, 1);
    char family[128] = "";
    size_t series = 0;
    char *rest = page;
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        if (sscanf(line, "# TYPE %127s", family) == 1 || strncmp(line, "# HELP ", 7) == 0)
            continue;
        cr_expect(strncmp(line, family, strlen(family)) == 0, "%s in %s", line, family);
        cr_expect(strncmp(line, "gatherd_", 8) == 0 || strncmp(line, "process_", 8) == 0);
        series++;
    }
    cr_expect(gt(sz, series, 100));
    free(page);
    metrics_shard_free(shard);
}

Test(metrics, a_page_that_does_not_fit_fails_as_the_buffer_does)
{
    struct metrics_shard *shard = metrics_shard_new();
    struct buffer page;
    buffer_init(&page, 1000);
    metrics_write(&page, &shard, 1, code_name);
    cr_expect(page.failed);
    cr_expect(le(sz, page.len, 1000));
    buffer_done(&page);
    metrics_shard_free(shard);
}

static void *count_up(void *data)
{
    for (int i = 0; i < 100000; i++)
        metrics_add(data, METRIC_REPLY_BYTES, 0, 1);
    return NULL;
}

Test(metrics, a_scrape_beside_a_counting_worker_loses_nothing)
{
    struct metrics_shard *shard = metrics_shard_new();
    pthread_t thread;
    cr_assert(eq(int, pthread_create(&thread, NULL, count_up, shard), 0));
    for (int i = 0; i < 20; i++)
        free(page_of(&shard, 1));
    pthread_join(thread, NULL);
    char *page = page_of(&shard, 1);
    expect_line(page, "gatherd_reply_bytes_total 100000");
    free(page);
    metrics_shard_free(shard);
}

Test(metrics, one_figure_is_the_sum_over_shards)
{
    struct metrics_shard *shards[2] = {metrics_shard_new(), metrics_shard_new()};
    metrics_add(shards[0], METRIC_BATCHES, BATCH_PARTIAL, 2);
    metrics_add(shards[1], METRIC_BATCHES, BATCH_PARTIAL, 3);
    metrics_add(shards[1], METRIC_BATCHES, BATCH_GONE, 1);
    cr_assert(eq(u64, metrics_total(shards, 2, METRIC_BATCHES, BATCH_PARTIAL), 5));
    cr_assert(eq(u64, metrics_total(&shards[1], 1, METRIC_BATCHES, BATCH_PARTIAL), 3));
    metrics_shard_free(shards[0]);
    metrics_shard_free(shards[1]);
}

Test(metrics, a_histogram_is_read_bucket_by_bucket)
{
    struct metrics_shard *shards[2] = {metrics_shard_new(), metrics_shard_new()};
    metrics_observe(shards[0], METRIC_PHASE_SECONDS, PHASE_LABEL_TOTAL, 0.0004);
    metrics_observe(shards[1], METRIC_PHASE_SECONDS, PHASE_LABEL_TOTAL, 0.0004);
    metrics_observe(shards[1], METRIC_PHASE_SECONDS, PHASE_LABEL_TOTAL, 1000);
    metrics_observe(shards[1], METRIC_PHASE_SECONDS, PHASE_LABEL_WAIT, 1);
    struct metrics_histogram histogram;
    metrics_histogram(shards, 2, METRIC_PHASE_SECONDS, PHASE_LABEL_TOTAL, &histogram);
    cr_assert(eq(u64, histogram.counts[0], 2));
    cr_assert(eq(u64, histogram.counts[HISTOGRAM_BUCKETS - 1], 1));
    cr_assert(eq(u64, histogram.total, 3));
    cr_assert(epsilon_eq(dbl, metrics_bound_ms(0), 0.5, 1e-9));
    cr_assert(lt(dbl, metrics_bound_ms(HISTOGRAM_BUCKETS - 1), 0));
    metrics_shard_free(shards[0]);
    metrics_shard_free(shards[1]);
}

Test(metrics,
     openmetrics_names_counters_without_total_and_shows_the_last_traced_observation)
{
    struct metrics_shard *shards[2] = {metrics_shard_new(), metrics_shard_new()};
    struct exemplar exemplar = {.at_ms = 1000};
    memset(exemplar.trace_id, 'a', EXEMPLAR_TRACE_LEN);
    memset(exemplar.span_id, 'b', EXEMPLAR_SPAN_LEN);
    metrics_observe_traced(shards[0], METRIC_BATCH_SECONDS, 0, 0.0007, &exemplar);
    metrics_observe_traced(shards[0], METRIC_PHASE_SECONDS, PHASE_LABEL_DNS, 1,
                           &exemplar);
    metrics_observe_traced(shards[0], METRIC_PHASE_SECONDS, PHASE_LABEL_TOTAL, -1,
                           &exemplar);
    exemplar.at_ms = 2500;
    memset(exemplar.trace_id, 'c', EXEMPLAR_TRACE_LEN);
    metrics_observe_traced(shards[1], METRIC_BATCH_SECONDS, 0, 0.0008, &exemplar);
    metrics_observe_traced(shards[1], METRIC_PHASE_SECONDS, PHASE_LABEL_TOTAL, 99,
                           &exemplar);
    struct buffer page;
    buffer_init(&page, 1 << 20);
    metrics_write_open(&page, shards, 2, code_name);
    metrics_end_open(&page);
    const char *text = buffer_text(&page);
    expect_line(text, "# TYPE gatherd_batches counter");
    expect_line(text, "gatherd_batches_total{result=\"complete\"} 0");
    expect_line(text, "# TYPE process_cpu_seconds counter");
    expect_line(text, "gatherd_batch_duration_seconds_bucket{le=\"0.001\"} 2 # "
                      "{trace_id=\"cccccccccccccccccccccccccccccccc\",span_id="
                      "\"bbbbbbbbbbbbbbbb\"} 0.000800 2.500");
    expect_line(text, "gatherd_batch_duration_seconds_bucket{le=\"1.0\"} 2");
    expect_line(text,
                "gatherd_item_phase_duration_seconds_bucket{phase=\"dns\",le=\"1.0\"} 1");
    expect_line(text,
                "gatherd_item_phase_duration_seconds_bucket{phase=\"total\",le=\"+Inf\"}"
                " 1 # {trace_id=\"cccccccccccccccccccccccccccccccc\",span_id="
                "\"bbbbbbbbbbbbbbbb\"} 99.000000 2.500");
    cr_expect(strstr(text, "# EOF\n") == text + page.len - 6);
    buffer_done(&page);
    char *plain = page_of(shards, 2);
    cr_expect(strstr(plain, "trace_id") == NULL);
    expect_line(plain, "gatherd_batch_duration_seconds_bucket{le=\"0.001\"} 2");
    free(plain);
    metrics_shard_free(shards[0]);
    metrics_shard_free(shards[1]);
}
