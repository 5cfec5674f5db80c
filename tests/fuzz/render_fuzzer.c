/* SPDX-License-Identifier: Apache-2.0 */
/* Replies: whatever an upstream sent, one JSON object that a JSON library reads, and what
 * it reads are the bytes that went in. Input: flags, then header lines, an empty line and
 * the body. */
#include "fuzzer.h"

#include "base/json_text.h"
#include "batch/batch.h"
#include "batch/render.h"

#include <jansson.h>
#include <string.h>

enum { LINES_MAX = 64 };

/* Equal, or equal after each byte became the character of its number. */
static void check_text(const json_t *value, struct slice text)
{
    MUST_HOLD(json_is_string(value));
    const char *read = json_string_value(value);
    size_t len = json_string_length(value);
    if (utf8_is_valid(text)) {
        MUST_HOLD(len == text.len && (len == 0 || memcmp(read, text.data, len) == 0));
        return;
    }
    size_t at = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte >= 0x80)
            MUST_HOLD((unsigned char)read[at++] == (0xc0 | byte >> 6));
        MUST_HOLD((unsigned char)read[at++] ==
                  (byte < 0x80 ? byte : (0x80 | (byte & 0x3f))));
    }
    MUST_HOLD(at == len);
}

static void check_headers(const json_t *object, const struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->header_count; i++) {
        struct call_header line = outcome->headers[i];
        size_t before = 0, same = 0;
        for (size_t j = 0; j < outcome->header_count; j++) {
            bool is_same = slice_equal(outcome->headers[j].name, line.name);
            same += is_same;
            before += is_same && j < i;
        }
        const json_t *value = json_object_getn(object, line.name.data, line.name.len);
        check_text(same > 1 ? json_array_get(value, before) : value, line.value);
    }
}

static void check_body(const json_t *root, struct slice body)
{
    const json_t *value = json_object_get(root, "body");
    const char *encoding = json_string_value(json_object_get(root, "bodyEncoding"));
    MUST_HOLD(value && encoding);
    if (strcmp(encoding, "json") == 0) {
        json_t *mine =
            json_loadb(body.data, body.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        MUST_HOLD(!mine || json_equal(mine, value));
        json_decref(mine);
    } else if (strcmp(encoding, "text") == 0) {
        check_text(value, body);
    } else {
        struct buffer back;
        buffer_init(&back, 16 << 20);
        MUST_HOLD(strcmp(encoding, "base64") == 0);
        MUST_HOLD(base64_decode(
            &back, slice_make(json_string_value(value), json_string_length(value))));
        MUST_HOLD(slice_equal(buffer_slice(&back), body));
        buffer_done(&back);
    }
}

static bool is_limit_of_jansson(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    return code == json_error_numeric_overflow || code == json_error_stack_overflow;
}

static void check(struct slice id, const struct outcome *outcome, unsigned include)
{
    struct buffer out;
    json_error_t error;
    buffer_init(&out, 16 << 20);
    render_response(&out, id, outcome,
                    &(struct render_wish){.include = include, .start_ms = 1.5});
    MUST_HOLD(!out.failed && json_text_is_valid(buffer_slice(&out)));
    json_t *root = json_loadb(out.data, out.len, JSON_ALLOW_NUL, &error);
    MUST_HOLD(root || is_limit_of_jansson(&error));
    if (root) {
        check_text(json_object_get(root, "id"), id);
        bool is_ok = outcome->code == CALL_OK;
        MUST_HOLD(is_ok == !json_object_get(root, "error"));
        if (is_ok && (include & INCLUDE_HEADERS))
            check_headers(json_object_get(root, "headers"), outcome);
        if (is_ok && (include & INCLUDE_BODY) && outcome->body.len > 0)
            check_body(root, outcome->body);
    }
    json_decref(root);
    buffer_done(&out);
}

/* Names are tokens in lower case, as reply_head.h hands them on. */
static size_t read_headers(struct slice *rest, struct call_header *lines, char *names)
{
    size_t count = 0;
    while (rest->len && count < LINES_MAX) {
        const char *end = memchr(rest->data, '\n', rest->len);
        size_t len = end ? (size_t)(end - rest->data) : rest->len;
        struct slice line = slice_make(rest->data, len);
        size_t skip = end ? len + 1 : len;
        *rest = slice_make(rest->data + skip, rest->len - skip);
        if (line.len < 2)
            break;
        names[count] = (char)('a' + (unsigned char)line.data[0] % 26);
        lines[count].name = slice_make(names + count, 1);
        lines[count++].value = slice_make(line.data + 1, line.len - 1);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"application/json", "text/plain", "a/b+json", ""};
    struct call_header lines[LINES_MAX];
    char names[LINES_MAX];
    char message[200];
    if (size < 3)
        return 0;
    struct slice rest = slice_make((const char *)data + 3, size - 3);
    struct outcome outcome = {
        .code = data[0] % 4 ? CALL_OK : (enum call_code)(data[0] / 4 % CALL_CODE_COUNT),
        .status = 200 + data[1],
        .method = METHOD_GET,
        .headers = lines,
        .header_count = read_headers(&rest, lines, names),
        .content_type = slice_from(types[data[2] % 4]),
        .has_body = rest.len > 0,
        .body = rest,
        .timing = {.total = data[1], .dns = -1},
    };
    size_t len = rest.len < sizeof message - 1 ? rest.len : sizeof message - 1;
    if (len)
        memcpy(message, rest.data, len);
    message[len] = '\0';
    outcome.message = message;
    struct slice id = rest.len && utf8_is_valid(rest) ? rest : slice_from("0");
    check(id, &outcome, data[2] / 4 % 8);
    return 0;
}
