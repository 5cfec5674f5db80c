/* SPDX-License-Identifier: Apache-2.0 */
/* Response objects, each read back by a JSON library. */
#include "batch/render.h"

#include "batch/batch.h"
#include "batch/gather.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>

enum { ALL = INCLUDE_HEADERS | INCLUDE_BODY | INCLUDE_TIMING };

static struct buffer out;

/* Renders and parses; the text stays in `out`. */
static json_t *render(const struct outcome *outcome, unsigned include)
{
    buffer_done(&out);
    buffer_init(&out, 64 << 20);
    render_response(&out, slice_from("an id"), outcome,
                    &(struct render_wish){.include = include, .start_ms = 1.5});
    cr_assert_not(out.failed);
    json_error_t error;
    json_t *root =
        json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    cr_assert_not_null(root, "%s in %.*s", error.text, (int)out.len, out.data);
    return root;
}

static const char *text_of(const json_t *root, const char *name)
{
    const char *text = json_string_value(json_object_get(root, name));
    return text ? text : "(none)";
}

static const char *rendered(void)
{
    return buffer_text(&out);
}

static struct outcome ok_with(const char *type, struct slice body)
{
    return (struct outcome){
        .code = CALL_OK,
        .status = 200,
        .content_type = slice_from(type),
        .has_body = true,
        .body = body,
    };
}

Test(render, a_plain_success_is_exactly_this)
{
    struct call_header header = {slice_from("content-type"),
                                 slice_from("application/json")};
    struct outcome outcome = ok_with("application/json", slice_from("{\"a\": 1}"));
    outcome.headers = &header;
    outcome.header_count = 1;
    json_decref(render(&outcome, INCLUDE_DEFAULT));
    cr_expect_str_eq(
        rendered(),
        "{\"id\":\"an id\",\"status\":200,\"headers\":{\"content-type\":"
        "\"application/json\"},\"body\":{\"a\": 1},\"bodyEncoding\":\"json\"}");
}

Test(render, a_failure_is_exactly_this)
{
    struct outcome outcome = {.code = CALL_TIMEOUT_FIRST_BYTE,
                              .message = "no reply in 500 ms"};
    json_decref(render(&outcome, INCLUDE_DEFAULT));
    cr_expect_str_eq(
        rendered(),
        "{\"id\":\"an id\",\"status\":504,\"error\":{\"code\":\"timeout_first_byte\","
        "\"message\":\"no reply in 500 ms\",\"retryable\":true}}");
}

Test(render, what_was_shared_is_marked)
{
    struct outcome outcome = ok_with("text/plain", slice_from("x"));
    outcome.is_coalesced = true;
    json_decref(render(&outcome, 0));
    cr_assert_str_eq(rendered(), "{\"id\":\"an id\",\"status\":200,\"coalesced\":true}");
    outcome =
        (struct outcome){.code = CALL_RESET, .message = "gone", .is_coalesced = true};
    json_t *root = render(&outcome, INCLUDE_DEFAULT);
    cr_assert(json_is_true(json_object_get(root, "coalesced")));
    json_decref(root);
}

Test(render, every_code_renders_its_row)
{
    for (unsigned code = CALL_OK + 1; code < CALL_CODE_COUNT; code++) {
        if (code == CALL_EXPECT_FAILED)
            continue; /* keeps its reply */
        struct outcome outcome = {.code = (enum call_code)code, .message = "m"};
        const struct call_code_row *row = call_code_row((enum call_code)code);
        json_t *root = render(&outcome, ALL);
        json_t *error = json_object_get(root, "error");
        cr_expect_eq(json_integer_value(json_object_get(root, "status")), row->status);
        cr_expect_str_eq(text_of(error, "code"), row->name);
        cr_expect_eq(json_is_true(json_object_get(error, "retryable")),
                     row->is_retryable);
        cr_expect_null(json_object_get(root, "headers"));
        cr_expect_null(json_object_get(root, "body"));
        cr_expect_not_null(json_object_get(root, "timing"));
        json_decref(root);
    }
}

Test(render, a_reply_that_was_not_as_expected_is_kept_with_its_status)
{
    struct outcome outcome = ok_with("text/plain", slice_from("busy"));
    outcome.code = CALL_EXPECT_FAILED;
    outcome.status = 503;
    outcome.message = "m";
    json_decref(render(&outcome, INCLUDE_BODY));
    cr_expect_str_eq(
        rendered(),
        "{\"id\":\"an id\",\"status\":502,\"error\":{\"code\":\"expect_failed\","
        "\"message\":\"m\",\"retryable\":false,\"upstreamStatus\":503},"
        "\"body\":\"busy\",\"bodyEncoding\":\"text\"}");
}

Test(render, a_failure_never_carries_what_the_upstream_sent)
{
    struct call_header header = {slice_from("a"), slice_from("b")};
    struct outcome outcome = ok_with("text/plain", slice_from("half"));
    outcome.code = CALL_TRUNCATED;
    outcome.message = "m";
    outcome.headers = &header;
    outcome.header_count = 1;
    json_t *root = render(&outcome, ALL);
    cr_expect_null(json_object_get(root, "headers"));
    cr_expect_null(json_object_get(root, "body"));
    json_decref(root);
}

Test(render, a_long_or_broken_message_stays_a_short_string)
{
    char message[2000];
    for (size_t i = 0; i < sizeof message - 1; i++)
        message[i] = "\xe2\x82\xac"[i % 3];
    message[sizeof message - 1] = '\0';
    struct outcome outcome = {.code = CALL_DNS, .message = message};
    json_t *root = render(&outcome, 0);
    cr_expect_eq(strlen(text_of(json_object_get(root, "error"), "message")), 399);
    json_decref(root);
    outcome.message = "bad \xff byte";
    root = render(&outcome, 0);
    cr_expect_str_eq(text_of(json_object_get(root, "error"), "message"),
                     "bad \xc3\xbf byte");
    json_decref(root);
    outcome.message = NULL;
    root = render(&outcome, 0);
    cr_expect_str_eq(text_of(json_object_get(root, "error"), "message"), "dns");
    json_decref(root);
}

static const char *encoding_of(const char *type, const char *body, size_t len)
{
    static char encoding[16];
    struct outcome outcome = ok_with(type, slice_make(body, len));
    json_t *root = render(&outcome, INCLUDE_BODY);
    snprintf(encoding, sizeof encoding, "%s", text_of(root, "bodyEncoding"));
    json_decref(root);
    return encoding;
}

Test(render, json_media_types_are_recognised)
{
    static const char *const types[] = {"application/json",
                                        "Application/JSON",
                                        "application/json; charset=utf-8",
                                        "application/json;charset=latin-1",
                                        "application/problem+json",
                                        "application/json ;x",
                                        " application/json\t",
                                        "application/vnd.a.b+json;v=1",
                                        "text/x+JSON"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        cr_expect_str_eq(encoding_of(types[i], "[1]", 3), "json", "%s", types[i]);
}

Test(render, other_media_types_are_not)
{
    static const char *const types[] = {"",
                                        "text/plain",
                                        "text/json5",
                                        "application/jsonx",
                                        "application/json-seq",
                                        "text/html",
                                        "+json",
                                        "json",
                                        "application/xml; a=application/json",
                                        "application/json, text/plain",
                                        "text/plain;x+json"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        cr_expect_str_eq(encoding_of(types[i], "[1]", 3), "text", "%s", types[i]);
}

Test(render, valid_json_is_embedded_byte_for_byte)
{
    static const char *const bodies[] = {
        "{\"z\":123456789012345678901234567890,\"e\":1e400}",
        " [1]\n",
        "\"alone\"",
        "12",
        "null",
        "-0.0e-5",
        "{\"a\":1,\"a\":2}",
        "\"</script>\""};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct outcome outcome = ok_with("application/json", slice_from(bodies[i]));
        buffer_done(&out);
        buffer_init(&out, 1 << 20);
        render_response(&out, slice_from("0"), &outcome,
                        &(struct render_wish){.include = INCLUDE_BODY, .start_ms = 0});
        char expected[300];
        snprintf(expected, sizeof expected,
                 "{\"id\":\"0\",\"status\":200,\"body\":%s,\"bodyEncoding\":\"json\"}",
                 bodies[i]);
        cr_expect_str_eq(rendered(), expected);
    }
}

Test(render, what_is_not_json_is_text_and_comes_back_exactly)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bodies[] = {{"{", 1},
                  {"[1,]", 4},
                  {"[1] x", 5},
                  {"NaN", 3},
                  {"'a'", 3},
                  {"01", 2},
                  {"\"\t\"", 3},
                  {"\"\\x\"", 4},
                  {"\xef\xbb\xbf[1]", 6},
                  {"\0", 1},
                  {"[1]\0", 4},
                  {"\"\\ud800\"", 8},
                  {"tru", 3},
                  {"\x0b"
                   "1",
                   2},
                  {"</script>\xe2\x80\xa8\x7f", 13}};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct outcome outcome =
            ok_with("application/json", slice_make(bodies[i].bytes, bodies[i].len));
        json_t *root = render(&outcome, INCLUDE_BODY);
        json_t *body = json_object_get(root, "body");
        cr_expect_str_eq(text_of(root, "bodyEncoding"), "text");
        cr_expect(
            slice_equal(slice_make(json_string_value(body), json_string_length(body)),
                        slice_make(bodies[i].bytes, bodies[i].len)),
            "row %zu", i);
        json_decref(root);
    }
}

Test(render, what_is_no_utf8_is_base64)
{
    struct outcome outcome = ok_with("text/plain", slice_make("\xff\xfe\x00", 3));
    json_t *root = render(&outcome, INCLUDE_BODY);
    cr_expect_str_eq(text_of(root, "bodyEncoding"), "base64");
    cr_expect_str_eq(text_of(root, "body"), "//4A");
    json_decref(root);
    cr_expect_str_eq(encoding_of("application/json", "[\"\xff\"]", 5), "base64");
}

Test(render, no_body_is_no_body_and_no_encoding)
{
    struct outcome outcome = ok_with("application/json", slice_make(NULL, 0));
    for (int has_body = 0; has_body < 2; has_body++) {
        outcome.has_body = has_body;
        json_t *root = render(&outcome, INCLUDE_BODY);
        cr_expect_null(json_object_get(root, "body"));
        cr_expect_null(json_object_get(root, "bodyEncoding"));
        json_decref(root);
    }
}

Test(render, include_chooses_the_parts)
{
    struct call_header header = {slice_from("a"), slice_from("b")};
    struct outcome outcome = ok_with("text/plain", slice_from("x"));
    outcome.headers = &header;
    outcome.header_count = 1;
    for (unsigned include = 0; include < 8; include++) {
        json_t *root = render(&outcome, include);
        cr_expect_eq(json_object_get(root, "headers") != NULL,
                     (include & INCLUDE_HEADERS) != 0);
        cr_expect_eq(json_object_get(root, "body") != NULL,
                     (include & INCLUDE_BODY) != 0);
        cr_expect_eq(json_object_get(root, "timing") != NULL,
                     (include & INCLUDE_TIMING) != 0);
        json_decref(root);
    }
}

Test(render, without_headers_the_object_is_empty)
{
    struct outcome outcome = {.code = CALL_OK, .status = 204};
    json_t *root = render(&outcome, INCLUDE_DEFAULT);
    cr_expect(json_is_object(json_object_get(root, "headers")));
    cr_expect_eq(json_object_size(json_object_get(root, "headers")), 0);
    json_decref(root);
}

Test(render, timing_is_exactly_this)
{
    struct outcome outcome = {
        .code = CALL_OK,
        .status = 200,
        .timing = {.blocked = 0.25,
                   .dns = -1,
                   .connect = 12,
                   .ssl = -1,
                   .send = 0.0004,
                   .wait = 100.1235,
                   .receive = 1.05,
                   .total = 113.4,
                   .is_reused = true,
                   .http_version = "1.1",
                   .remote_address = "[::1]:80",
                   .bytes = 4294967296},
    };
    json_decref(render(&outcome, INCLUDE_TIMING));
    cr_expect_str_eq(
        rendered(),
        "{\"id\":\"an id\",\"status\":200,\"timing\":{\"start\":1.5,\"blocked\":0.25,"
        "\"dns\":-1,\"connect\":12.0,\"ssl\":-1,\"send\":0.0,\"wait\":100.124,"
        "\"receive\":1.05,\"total\":113.4,\"reused\":true,\"httpVersion\":\"1.1\","
        "\"remoteAddress\":\"[::1]:80\",\"bytes\":4294967296}}");
}

Test(render, odd_durations_are_numbers_all_the_same)
{
    static const struct {
        double ms;
        const char *text;
    } rows[] = {{0.0 / 0.0, "-1"}, {1.0 / 0.0, "-1"}, {-0.5, "-1"},
                {1e300, "-1"},     {0, "0.0"},        {0.0005, "0.001"},
                {0.9999, "1.0"},   {9.9996, "10.0"},  {1234567.891, "1234567.891"},
                {0.01, "0.01"},    {0.1, "0.1"},      {0.001, "0.001"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome outcome = {
            .code = CALL_OK, .status = 200, .timing = {.wait = rows[i].ms}};
        json_decref(render(&outcome, INCLUDE_TIMING));
        char expected[64];
        snprintf(expected, sizeof expected, "\"wait\":%s,", rows[i].text);
        cr_expect(strstr(rendered(), expected) != NULL, "%s in %s", expected, rendered());
    }
}

Test(render, start_and_total_are_never_negative)
{
    struct outcome outcome = {
        .code = CALL_BAD_URL, .message = "m", .timing = {.total = -1}};
    buffer_done(&out);
    buffer_init(&out, 1 << 20);
    render_response(&out, slice_from("0"), &outcome,
                    &(struct render_wish){.include = INCLUDE_TIMING, .start_ms = -1});
    cr_expect(strstr(rendered(), "\"start\":0.0,") &&
                  strstr(rendered(), "\"total\":0.0,"),
              "%s", rendered());
}

Test(render, odd_ids_are_escaped)
{
    struct outcome outcome = {.code = CALL_OK, .status = 200};
    struct buffer text;
    buffer_init(&text, 4096);
    render_response(&text, slice_from("\"\\\n\xe2\x80\xa8</script>"), &outcome,
                    &(struct render_wish){.include = 0, .start_ms = 0});
    json_t *root = json_loadb(text.data, text.len, 0, NULL);
    cr_assert_not_null(root);
    cr_expect_str_eq(text_of(root, "id"), "\"\\\n\xe2\x80\xa8</script>");
    json_decref(root);
    buffer_done(&text);
}

Test(render, what_does_not_fit_says_so)
{
    struct outcome outcome = ok_with("text/plain", slice_from("0123456789"));
    struct buffer whole;
    buffer_init(&whole, 4096);
    render_response(&whole, slice_from("0"), &outcome,
                    &(struct render_wish){.include = ALL, .start_ms = 0});
    for (size_t max = 0; max < whole.len; max++) {
        struct buffer small;
        buffer_init(&small, max);
        render_response(&small, slice_from("0"), &outcome,
                        &(struct render_wish){.include = ALL, .start_ms = 0});
        cr_expect(small.failed, "%zu", max);
        buffer_done(&small);
    }
    buffer_done(&whole);
}

Test(render, the_summary_is_exactly_this)
{
    struct gather_summary summary = {
        .total = 3, .ok = 2, .failed = 1, .elapsed_ms = 501.8};
    struct buffer text;
    buffer_init(&text, 4096);
    render_summary(&text, &summary);
    cr_expect_str_eq(buffer_text(&text),
                     "{\"total\":3,\"ok\":2,\"failed\":1,\"complete\":false,"
                     "\"elapsedMs\":501.8}");
    buffer_clear(&text);
    summary.is_complete = true;
    render_summary(&text, &summary);
    cr_expect(strstr(buffer_text(&text), "\"failed\":1,\"complete\":true,") != NULL);
    buffer_done(&text);
}

Test(render, attempts_and_the_fallback_stand_before_the_timing)
{
    struct attempt_record attempts[] = {
        {.code = CALL_OK, .status = 503, .total_ms = 1.25, .remote_address = "[::1]:80"},
        {.code = CALL_CONNECT,
         .start_ms = 9,
         .total_ms = 2,
         .url = slice_from("http://b/")},
        {.code = CALL_EXPECT_FAILED, .status = 200, .start_ms = 20.5, .total_ms = 0},
    };
    struct outcome outcome = ok_with("text/plain", slice_from("x"));
    outcome.is_fallback = true;
    outcome.attempts = attempts;
    outcome.attempt_count = 3;
    json_decref(render(&outcome, INCLUDE_BODY));
    cr_expect_str_eq(
        rendered(),
        "{\"id\":\"an id\",\"status\":200,\"body\":\"x\",\"bodyEncoding\":\"text\","
        "\"fallback\":true,\"attempts\":["
        "{\"status\":503,\"startMs\":0.0,\"totalMs\":1.25,\"remoteAddress\":\"[::1]:80\"}"
        ","
        "{\"error\":\"connect\",\"startMs\":9.0,\"totalMs\":2.0,\"url\":\"http://b/\"},"
        "{\"status\":200,\"error\":\"expect_failed\",\"startMs\":20.5,\"totalMs\":0.0}]"
        "}");
    json_t *root = render(&outcome, ALL);
    cr_expect_not_null(json_object_get(root, "timing"));
    json_decref(root);
}

Test(render, a_fallback_there_was_no_room_for_is_none)
{
    struct outcome outcome = {
        .code = CALL_TOO_LARGE, .message = "m", .is_fallback = true};
    json_t *root = render(&outcome, ALL);
    cr_expect_null(json_object_get(root, "fallback"));
    json_decref(root);
}

Test(render, behind_a_redirect_an_unsafe_request_was_sent_whatever_the_code_says)
{
    struct outcome outcome = {
        .code = CALL_CONNECT, .method = METHOD_POST, .message = "m"};
    for (unsigned hops = 0; hops < 2; hops++) {
        outcome.hops = hops;
        json_t *root = render(&outcome, ALL);
        json_t *error = json_object_get(root, "error");
        cr_expect_eq(json_is_true(json_object_get(error, "retryable")), hops == 0);
        json_decref(root);
    }
    outcome.method = METHOD_PUT;
    json_t *root = render(&outcome, ALL);
    cr_expect(json_is_true(json_object_get(json_object_get(root, "error"), "retryable")));
    json_decref(root);
}
