/* SPDX-License-Identifier: Apache-2.0 */
/* Small answers, as text and read back by a JSON library. */
#include "batch/render.h"

#include "base/json_text.h"
#include "batch/answer_shape.h"
#include "batch/batch.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>

static struct buffer out;
static struct answer_shape shape;
static struct slice pointers[SHAPE_POINTERS_MAX];
static struct json_path paths[SHAPE_POINTERS_MAX];
static struct json_step steps[SHAPE_POINTERS_MAX][JSON_POINTER_STEPS_MAX];
static char rooms[SHAPE_POINTERS_MAX][100];

static void select_one(const char *pointer)
{
    size_t i = shape.pointer_count++;
    const char *fault;
    pointers[i] = slice_from(pointer);
    paths[i].steps = steps[i];
    cr_assert(
        json_pointer_parse(pointers[i], rooms[i], steps[i], &paths[i].count, &fault));
    shape.pointers = pointers;
    shape.paths = paths;
}

/* The response to "x" with status 200, without its beginning and end. */
static const char *render_outcome(const struct outcome *outcome, unsigned include)
{
    static const char head[] = "{\"id\":\"x\",\"status\":200";
    json_error_t error;
    buffer_done(&out);
    buffer_init(&out, 1 << 20);
    render_response(&out, slice_from("x"), outcome,
                    &(struct render_wish){.include = include, .shape = &shape});
    cr_assert_not(out.failed);
    json_t *root =
        json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    cr_assert_not_null(root, "%s in %.*s", error.text, (int)out.len, out.data);
    json_decref(root);
    out.len--;
    const char *text = buffer_text(&out);
    cr_assert(strncmp(text, head, sizeof head - 1) == 0, "%s", text);
    return text + sizeof head - 1;
}

static const char *render_bytes(const char *type, struct slice body)
{
    const struct outcome outcome = {.code = CALL_OK,
                                    .status = 200,
                                    .content_type = slice_from(type),
                                    .has_body = body.len > 0,
                                    .body = body};
    return render_outcome(&outcome, INCLUDE_BODY);
}

static const char *render(const char *body)
{
    return render_bytes("application/json", slice_from(body));
}

Test(render_shape, a_selection_keeps_values_as_they_stand_in_the_order_asked_for)
{
    select_one("/b/1");
    select_one("/nothing");
    select_one("/a");
    cr_expect_str_eq(render(" {\"a\": 1.50, \"b\" : [0, {\"c\" : 1E9 }]}\n"),
                     ",\"body\":{\"/b/1\":{\"c\" : 1E9 },\"/a\":1.50}"
                     ",\"bodyEncoding\":\"json\",\"bodySelected\":true");
}

Test(render_shape, a_selection_that_finds_nothing_is_an_empty_object)
{
    select_one("/a");
    cr_expect_str_eq(render("[1]"),
                     ",\"body\":{},\"bodyEncoding\":\"json\",\"bodySelected\":true");
}

Test(render_shape, pointers_are_escaped_as_names)
{
    select_one("/\"\n~1");
    select_one("");
    cr_expect_str_eq(render("{\"\\\"\\n\\/\":null}"),
                     ",\"body\":{\"/\\\"\\n~1\":null,\"\":{\"\\\"\\n\\/\":null}}"
                     ",\"bodyEncoding\":\"json\",\"bodySelected\":true");
}

Test(render_shape, json_is_selected_from_whatever_its_type_says)
{
    select_one("/a");
    cr_expect(strstr(render_bytes("text/plain", slice_from("{\"a\":1}")), "\"/a\":1"));
}

Test(render_shape, what_is_no_json_is_left_out_and_marked)
{
    static const char *const bodies[] = {"", "{", "<html>", "[1] x", "\xff"};
    select_one("");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        cr_expect_str_eq(render(bodies[i]), ",\"bodySelected\":false");
}

Test(render_shape, without_a_body_its_size_is_told)
{
    shape.body_mode = BODY_MODE_NONE;
    cr_expect_str_eq(render("{\"a\":1}"), ",\"bodyBytes\":7");
    cr_expect_str_eq(render(""), ",\"bodyBytes\":0");
}

Test(render_shape, a_digest_is_of_the_bytes)
{
    shape.body_mode = BODY_MODE_SHA256;
    cr_expect_str_eq(render("abc"),
                     ",\"bodyBytes\":3,\"bodySha256\":\"ba7816bf8f01cfea414140de5dae2223"
                     "b00361a396177a9cb410ff61f20015ad\"");
    cr_expect_str_eq(render(""),
                     ",\"bodyBytes\":0,\"bodySha256\":\"e3b0c44298fc1c149afbf4c8996fb924"
                     "27ae41e4649b934ca495991b7852b855\"");
}

Test(render_shape, first_bytes_are_text_or_base64_and_never_json)
{
    shape.body_mode = BODY_MODE_FIRST_BYTES;
    shape.first_bytes = 4;
    cr_expect_str_eq(render("[1]"),
                     ",\"body\":\"[1]\",\"bodyEncoding\":\"text\",\"bodyBytes\":3");
    cr_expect_str_eq(render("[1, 2]"), ",\"body\":\"[1, \",\"bodyEncoding\":\"text\","
                                       "\"bodyBytes\":6,\"bodyTruncated\":true");
    cr_expect_str_eq(render("abc\xc3\xa9"), ",\"body\":\"abc\",\"bodyEncoding\":\"text\","
                                            "\"bodyBytes\":5,\"bodyTruncated\":true");
    cr_expect_str_eq(render("\xff\xfe\xfd\xfc\xfb"),
                     ",\"body\":\"//79/A==\",\"bodyEncoding\":\"base64\","
                     "\"bodyBytes\":5,\"bodyTruncated\":true");
    cr_expect_str_eq(render(""), ",\"bodyBytes\":0");
}

Test(render_shape, a_full_body_is_written_as_without_a_shape)
{
    shape.body_mode = BODY_MODE_FULL;
    cr_expect_str_eq(render("[1]"), ",\"body\":[1],\"bodyEncoding\":\"json\"");
    cr_expect_str_eq(render(""), "");
}

static const struct slice names[] = {{"X-B", 3}, {"etag", 4}};

static const char *render_headers_of(size_t count)
{
    static struct call_header headers[100];
    const struct outcome outcome = {
        .code = CALL_OK, .status = 200, .headers = headers, .header_count = count};
    for (size_t i = 0; i < count; i++)
        headers[i] = (struct call_header){slice_from("x-a"), slice_from("1")};
    headers[1] = (struct call_header){slice_from("x-b"), slice_from("2")};
    headers[count - 1] = (struct call_header){slice_from("x-b"), slice_from("3")};
    return render_outcome(&outcome, INCLUDE_HEADERS | INCLUDE_BODY);
}

Test(render_shape, only_the_headers_asked_for_are_kept_with_all_their_values)
{
    shape.header_names = names;
    shape.header_count = 2;
    shape.has_headers = true;
    cr_expect_str_eq(render_headers_of(4), ",\"headers\":{\"x-b\":[\"2\",\"3\"]}");
    cr_expect_str_eq(render_headers_of(100), ",\"headers\":{\"x-b\":[\"2\",\"3\"]}");
    shape.header_count = 0;
    cr_expect_str_eq(render_headers_of(4), ",\"headers\":{}");
}

Test(render_shape, what_is_not_included_is_not_written)
{
    const struct outcome outcome = {.code = CALL_OK, .status = 200};
    shape.body_mode = BODY_MODE_SHA256;
    shape.has_headers = true;
    cr_expect_str_eq(render_outcome(&outcome, 0), "");
}

Test(render_shape, a_reply_that_was_not_as_expected_is_shaped_as_well)
{
    const struct outcome outcome = {.code = CALL_EXPECT_FAILED,
                                    .status = 404,
                                    .message = "m",
                                    .has_body = true,
                                    .body = slice_from("long")};
    shape.body_mode = BODY_MODE_NONE;
    buffer_done(&out);
    buffer_init(&out, 1 << 20);
    render_response(&out, slice_from("x"), &outcome,
                    &(struct render_wish){.include = INCLUDE_BODY, .shape = &shape});
    cr_expect_str_eq(buffer_text(&out),
                     "{\"id\":\"x\",\"status\":502,\"error\":{\"code\":\"expect_failed\","
                     "\"message\":\"m\",\"retryable\":false,\"upstreamStatus\":404},"
                     "\"bodyBytes\":4}");
}
