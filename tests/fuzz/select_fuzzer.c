/* SPDX-License-Identifier: Apache-2.0 */
/* Selections: any pointers, any body. The response is JSON, and holds of each pointer
 * what jansson's own walk finds, as it stands in the body, and nothing else. Input:
 * pointers, one a line, then an empty line and the body. */
#include "fuzzer.h"

#include "base/json_text.h"
#include "batch/answer_shape.h"
#include "batch/batch.h"
#include "batch/render.h"

#include <jansson.h>
#include <string.h>

enum { PART_MAX = SHAPE_POINTER_BYTES_MAX };

struct asked {
    struct answer_shape shape;
    struct slice pointers[SHAPE_POINTERS_MAX];
    struct json_path paths[SHAPE_POINTERS_MAX];
    struct json_step steps[SHAPE_POINTERS_MAX][JSON_POINTER_STEPS_MAX];
    char rooms[SHAPE_POINTERS_MAX][PART_MAX];
};

/* What the parser lets through. */
static void ask(struct asked *asked, struct slice pointer)
{
    size_t i = asked->shape.pointer_count;
    const char *fault;
    for (size_t j = 0; j < i; j++) {
        if (slice_equal(asked->pointers[j], pointer))
            return;
    }
    asked->paths[i].steps = asked->steps[i];
    asked->pointers[i] = pointer;
    if (i == SHAPE_POINTERS_MAX - 1 || pointer.len > PART_MAX ||
        !utf8_is_valid(pointer) ||
        !json_pointer_parse(pointer, asked->rooms[i], asked->steps[i],
                            &asked->paths[i].count, &fault))
        return;
    asked->shape.pointer_count++;
}

/* The next part of the pointer at *at, decoded by rules of its own; false: no more. */
static bool next_part(struct slice pointer, size_t *at, char *part, size_t *ret_len)
{
    size_t len = 0;
    if (*at >= pointer.len)
        return false;
    for (++*at; *at < pointer.len && pointer.data[*at] != '/'; ++*at) {
        char byte = pointer.data[*at];
        if (byte == '~')
            byte = pointer.data[++*at] == '0' ? '~' : '/';
        part[len++] = byte;
    }
    *ret_len = len;
    return true;
}

static const json_t *element(const json_t *array, const char *part, size_t len)
{
    size_t index = 0;
    if (len < 1 || len > 9 || (len > 1 && part[0] == '0'))
        return NULL;
    for (size_t i = 0; i < len; i++) {
        if (part[i] < '0' || part[i] > '9')
            return NULL;
        index = index * 10 + (size_t)(part[i] - '0');
    }
    return json_array_get(array, index);
}

/* RFC 6901 on jansson's tree. */
static const json_t *walk(const json_t *value, struct slice pointer)
{
    char part[PART_MAX];
    size_t len, at = 0;
    while (value && next_part(pointer, &at, part, &len)) {
        if (json_is_array(value))
            value = element(value, part, len);
        else
            value = json_object_getn(value, part, len);
    }
    return value;
}

static void check_values(const struct asked *asked, struct slice body, const json_t *kept)
{
    json_t *document =
        json_loadb(body.data, body.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!document)
        return; /* its limits: NUL in a name, numbers too large */
    size_t found = 0;
    for (size_t i = 0; i < asked->shape.pointer_count; i++) {
        struct slice pointer = asked->pointers[i];
        const json_t *expected = walk(document, pointer);
        const json_t *value = json_object_getn(kept, pointer.data, pointer.len);
        MUST_HOLD((expected != NULL) == (value != NULL));
        MUST_HOLD(!value || json_equal(expected, value));
        found += value != NULL;
    }
    MUST_HOLD(json_object_size(kept) == found);
    json_decref(document);
}

/* Each value as its bytes stand in the body, and as json_find finds it. */
static void check_bytes(const struct asked *asked, struct slice body)
{
    struct slice values[SHAPE_POINTERS_MAX];
    json_select(body, asked->paths, asked->shape.pointer_count, values);
    for (size_t i = 0; i < asked->shape.pointer_count; i++) {
        struct slice one = {NULL, 0};
        const struct json_path *path = &asked->paths[i];
        bool is_there = json_find(body, path->steps, path->count, &one);
        MUST_HOLD(is_there == (values[i].data != NULL));
        MUST_HOLD(one.data == values[i].data && one.len == values[i].len);
        MUST_HOLD(!is_there || json_text_is_valid(one));
    }
}

static void check(const struct asked *asked, struct slice body)
{
    struct buffer out;
    const struct outcome outcome = {
        .code = CALL_OK, .status = 200, .has_body = body.len > 0, .body = body};
    buffer_init(&out, 64 << 20);
    render_response(
        &out, slice_from("0"), &outcome,
        &(struct render_wish){.include = INCLUDE_BODY, .shape = &asked->shape});
    MUST_HOLD(!out.failed && json_text_is_valid(buffer_slice(&out)));
    json_t *root = json_loadb(out.data, out.len, JSON_ALLOW_NUL, NULL);
    const json_t *kept = json_object_get(root, "body");
    bool is_json = json_text_is_valid(body);
    if (root) {
        MUST_HOLD((kept != NULL) == is_json);
        MUST_HOLD(json_is_true(json_object_get(root, "bodySelected")) == is_json);
    }
    if (is_json) {
        check_bytes(asked, body);
        if (root)
            check_values(asked, body, kept);
    }
    json_decref(root);
    buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct asked asked;
    struct slice rest = slice_make((const char *)data, size);
    asked.shape = (struct answer_shape){.pointers = asked.pointers, .paths = asked.paths};
    while (rest.len) {
        const char *end = memchr(rest.data, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.data) : rest.len;
        struct slice line = slice_make(rest.data, len);
        rest =
            slice_make(rest.data + len + (end != NULL), rest.len - len - (end != NULL));
        if (line.len == 0)
            break;
        ask(&asked, line);
    }
    if (asked.shape.pointer_count == 0)
        ask(&asked, slice_from(""));
    check(&asked, rest);
    return 0;
}
