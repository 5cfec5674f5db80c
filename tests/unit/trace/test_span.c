/* SPDX-License-Identifier: Apache-2.0 */
/* trace/span.h: the text of whole spans. Whether it is OTLP, tests/e2e/test_tracing.py
 * asks the official definition. */
#include "trace/span.h"

#include "base/json_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void expect_text(const char *actual, const char *expected)
{
    cr_assert(actual && strcmp(actual, expected) == 0, "\n  is       %s\n  expected %s",
              actual, expected);
}

static void expect_part(const char *text, const char *part)
{
    cr_assert(text && strstr(text, part), "\n  %s\n  does not hold %s", text, part);
}

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define ID "00f067aa0ba902b7"
#define PARENT "b7ad6b7169203331"

static const struct span client = {
    .trace_id = TRACE,
    .id = ID,
    .parent_id = PARENT,
    .name = {"GET", 3},
    .kind = SPAN_SIDE_CLIENT,
    .start_us = 1795692232144691,
    .end_us = 1795692232144736,
};

static void expect_span(struct buffer *out, const char *expected)
{
    cr_assert(!out->failed);
    cr_assert(json_text_is_valid(buffer_slice(out)), "%s", buffer_text(out));
    expect_text(buffer_text(out), expected);
    buffer_done(out);
}

Test(span, has_ids_times_attributes_events_and_why_it_failed)
{
    struct buffer out;
    buffer_init(&out, 64 << 10);
    span_open(&out, &client);
    span_put(&out, SPAN_KEY("url.full"), slice_from("http://x/\"\n"));
    span_put_number(&out, SPAN_KEY("server.port"), 80);
    span_put_flag(&out, SPAN_KEY("yes"), true);
    span_put_flag(&out, SPAN_KEY("no"), false);
    span_events(&out);
    span_event(&out, SPAN_KEY("send"), 1795692232144700);
    span_event(&out, SPAN_KEY("wait"), 1795692232144701);
    span_links(&out);
    span_link(&out, TRACE, PARENT);
    span_link(&out, TRACE, ID);
    span_close(&out, true, "the \"name\" is gone");
    expect_span(
        &out,
        "{\"traceId\":\"" TRACE "\",\"spanId\":\"" ID "\",\"parentSpanId\":\"" PARENT
        "\",\"name\":\"GET\",\"kind\":3,\"startTimeUnixNano\":\"1795692232144691000\","
        "\"endTimeUnixNano\":\"1795692232144736000\",\"attributes\":["
        "{\"key\":\"url.full\",\"value\":{\"stringValue\":\"http://x/\\\"\\n\"}},"
        "{\"key\":\"server.port\",\"value\":{\"intValue\":\"80\"}},"
        "{\"key\":\"yes\",\"value\":{\"boolValue\":true}},"
        "{\"key\":\"no\",\"value\":{\"boolValue\":false}}],\"events\":["
        "{\"timeUnixNano\":\"1795692232144700000\",\"name\":\"send\"},"
        "{\"timeUnixNano\":\"1795692232144701000\",\"name\":\"wait\"}],\"links\":["
        "{\"traceId\":\"" TRACE "\",\"spanId\":\"" PARENT "\"},"
        "{\"traceId\":\"" TRACE "\",\"spanId\":\"" ID "\"}],"
        "\"status\":{\"code\":2,\"message\":\"the \\\"name\\\" is gone\"}}");
}

Test(span, of_a_root_that_went_well_has_neither_parent_nor_status)
{
    struct span root = client;
    struct buffer out;
    buffer_init(&out, 64 << 10);
    root.parent_id = NULL;
    root.kind = SPAN_SIDE_SERVER;
    span_open(&out, &root);
    span_close(&out, false, "not shown");
    expect_span(&out, "{\"traceId\":\"" TRACE "\",\"spanId\":\"" ID
                      "\",\"name\":\"GET\",\"kind\":2,"
                      "\"startTimeUnixNano\":\"1795692232144691000\","
                      "\"endTimeUnixNano\":\"1795692232144736000\",\"attributes\":[]}");
}

Test(span, has_the_state_of_its_trace_escaped)
{
    struct span stated = client;
    struct buffer out;
    buffer_init(&out, 64 << 10);
    stated.state = slice_from("a=\"");
    span_open(&out, &stated);
    span_close(&out, false, "");
    expect_span(&out, "{\"traceId\":\"" TRACE "\",\"spanId\":\"" ID
                      "\",\"parentSpanId\":\"" PARENT "\",\"name\":\"GET\",\"kind\":3,"
                      "\"startTimeUnixNano\":\"1795692232144691000\","
                      "\"endTimeUnixNano\":\"1795692232144736000\","
                      "\"traceState\":\"a=\\\"\",\"attributes\":[]}");
}

Test(span, fails_without_a_sentence_too)
{
    struct buffer out;
    buffer_init(&out, 64 << 10);
    span_open(&out, &client);
    span_close(&out, true, "");
    expect_part(buffer_text(&out), "],\"status\":{\"code\":2}}");
    buffer_done(&out);
}

Test(span, times_are_written_whatever_their_digits)
{
    static const uint64_t times[] = {0, 1, 999999, 1000000000000000, 9999999999999999};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char expected[64];
        struct buffer out;
        buffer_init(&out, 256);
        span_event(&out, SPAN_KEY("x"), times[i]);
        snprintf(expected, sizeof expected, "\"%016llu000\"",
                 (unsigned long long)times[i]);
        expect_part(buffer_text(&out), expected);
        buffer_done(&out);
    }
}

/* A time is cut into numbers of four digits, each written by itself. */
Test(span, times_are_written_with_every_four_digits)
{
    struct buffer out;
    buffer_init(&out, 256);
    for (uint64_t four = 0; four < 10000; four++) {
        const uint64_t us = four * 1000100010001;
        char expected[64];
        snprintf(expected, sizeof expected, "\"%016llu000\"", (unsigned long long)us);
        buffer_clear(&out);
        span_event(&out, SPAN_KEY("x"), us);
        expect_part(buffer_text(&out), expected);
    }
    buffer_done(&out);
}

Test(span, numbers_have_all_64_bits)
{
    struct buffer out;
    buffer_init(&out, 4096);
    span_put_number(&out, SPAN_KEY("a"), INT64_MIN);
    span_put_number(&out, SPAN_KEY("b"), INT64_MAX);
    span_put_number(&out, SPAN_KEY("c"), -1);
    expect_part(buffer_text(&out), "\"-9223372036854775808\"");
    expect_part(buffer_text(&out), "\"9223372036854775807\"");
    expect_part(buffer_text(&out), "\"-1\"");
    buffer_done(&out);
}

Test(span, texts_are_any_bytes_and_cut)
{
    char text[SPAN_TEXT_MAX + 100];
    struct buffer out;
    memset(text, 0xff, sizeof text);
    buffer_init(&out, 64 << 10);
    span_open(&out, &client);
    span_put(&out, SPAN_KEY("x"), slice_make(text, sizeof text));
    span_close(&out, false, "");
    cr_assert(json_text_is_valid(buffer_slice(&out)));
    cr_assert(out.len < 7 * SPAN_TEXT_MAX);
    buffer_done(&out);
}

Test(span, a_buffer_that_is_full_says_so)
{
    size_t whole = 0;
    for (size_t size = 1; size < 600; size++) {
        struct buffer out;
        buffer_init(&out, size);
        span_open(&out, &client);
        span_put(&out, SPAN_KEY("x"), slice_from("y"));
        SPAN_PUT_PLAIN(&out, "plain", slice_from("z"));
        span_events(&out);
        span_event(&out, SPAN_KEY("send"), 1);
        span_close(&out, true, "why");
        cr_assert(out.failed || json_text_is_valid(buffer_slice(&out)), "%zu", size);
        cr_assert(out.failed || whole == 0 || out.len == whole, "%zu", size);
        whole = out.failed ? whole : out.len;
        buffer_done(&out);
    }
    cr_assert(whole > 0, "some had room");
}

Test(span, a_document_begins_with_who_made_it)
{
    const struct span_resource resource = {
        .service_name = "my \"gate\"", .service_version = "1", .instance_id = "2"};
    struct buffer out;
    buffer_init(&out, 64 << 10);
    span_resource(&out, &resource);
    buffer_append_text(&out, span_document_end);
    expect_span(
        &out,
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
        "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"my \\\"gate\\\"\"}},"
        "{\"key\":\"service.version\",\"value\":{\"stringValue\":\"1\"}},"
        "{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"2\"}}]},"
        "\"scopeSpans\":[{\"scope\":{\"name\":\"gatherd\",\"version\":\"1\"},\"spans\":["
        "]}]}]}");
}
