/* SPDX-License-Identifier: Apache-2.0 */
/* Responses as lines and as events. */
#include "http/stream_format.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *frame(enum reply_form form, enum stream_part part, uint64_t number,
                         const char *json)
{
    static char text[256];
    struct stream_frame made = stream_frame_make(form, part, number);
    cr_assert_lt(made.head_len, STREAM_HEAD_MAX);
    snprintf(text, sizeof text, "%.*s%s%.*s", (int)made.head_len, made.head, json,
             (int)made.tail.len, made.tail.data);
    return text;
}

Test(stream_format, a_response_is_a_line_or_an_event_with_its_number)
{
    cr_expect_str_eq(frame(REPLY_NDJSON, STREAM_RESPONSE, 1, "{\"id\":\"a\"}"),
                     "{\"id\":\"a\"}\n");
    cr_expect_str_eq(frame(REPLY_EVENTS, STREAM_RESPONSE, 1, "{\"id\":\"a\"}"),
                     "event: response\nid: 1\ndata: {\"id\":\"a\"}\n\n");
}

Test(stream_format, the_summary_is_an_object_with_one_member_or_an_event_of_its_name)
{
    cr_expect_str_eq(frame(REPLY_NDJSON, STREAM_SUMMARY, 3, "{\"ok\":2}"),
                     "{\"summary\":{\"ok\":2}}\n");
    cr_expect_str_eq(frame(REPLY_EVENTS, STREAM_SUMMARY, 3, "{\"ok\":2}"),
                     "event: summary\nid: 3\ndata: {\"ok\":2}\n\n");
}

Test(stream_format, the_largest_number_fits)
{
    cr_expect_str_eq(frame(REPLY_EVENTS, STREAM_RESPONSE, UINT64_MAX, "{}"),
                     "event: response\nid: 18446744073709551615\ndata: {}\n\n");
}

Test(stream_format, line_breaks_of_an_embedded_body_become_spaces)
{
    static const struct {
        const char *json;
        const char *flat;
    } rows[] = {
        {"", ""},
        {"{}", "{}"},
        {"\n", " "},
        {"\r\n", "  "},
        {"{\"a\":\n[1,\r2],\n\n\"b\": \"\\n\"}\r\n",
         "{\"a\": [1, 2],  \"b\": \"\\n\"}  "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", rows[i].json);
        stream_flatten(text, strlen(text));
        cr_expect_str_eq(text, rows[i].flat);
    }
}

Test(stream_format, a_comment_is_due_on_an_event_stream_after_15_s_of_silence)
{
    cr_expect_eq(stream_silence_due_ms(REPLY_EVENTS, 1000), 16000);
    cr_expect_eq(stream_silence_due_ms(REPLY_NDJSON, 1000), UINT64_MAX);
    cr_expect(slice_is(stream_comment(), ":\n\n"));
}
