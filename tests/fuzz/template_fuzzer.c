/* SPDX-License-Identifier: Apache-2.0 */
/* References: whatever the template and the values, a URL keeps its scheme and host, the
 * number of its segments and of its query's parameters, a header stays one line, and JSON
 * stays JSON. The input is a kind, a template, and values, with NULs between them. */
#include "fuzzer.h"

#include "base/json_text.h"
#include "batch/body_template.h"
#include "fetch/url.h"

#include <string.h>

enum { VALUES = 4, OUT_MAX = 1 << 20 };

static struct slice next_part(struct slice *rest)
{
    const char *nul = rest->len ? memchr(rest->data, '\0', rest->len) : NULL;
    size_t len = nul ? (size_t)(nul - rest->data) : rest->len;
    struct slice part = slice_make(rest->data, len);
    size_t used = nul ? len + 1 : len;
    *rest = slice_make(rest->data + used, rest->len - used);
    return part;
}

/* Valid JSON as it is; anything else as the bytes of a header. */
static struct template_value value_of(struct slice text)
{
    struct template_value value = {.is_text = true, .bytes = text};
    if (json_text_is_valid(text)) {
        while (strchr(" \t\r\n", value.bytes.data[0]))
            value.bytes = slice_make(value.bytes.data + 1, value.bytes.len - 1);
        while (strchr(" \t\r\n", value.bytes.data[value.bytes.len - 1]))
            value.bytes.len--;
        value.is_text = false;
    }
    return value;
}

static size_t count_bytes(const char *text, const char *which)
{
    size_t count = 0;
    for (; *text; text++)
        count += strchr(which, *text) != NULL;
    return count;
}

/* The template with x for every reference. */
static char *outline(const struct template *url)
{
    struct buffer out;
    buffer_init(&out, OUT_MAX);
    for (size_t i = 0; i < url->count; i++) {
        const struct template_part *part = &url->parts[i];
        buffer_append(&out, part->literal.data, part->literal.len);
        if (part->reference != TEMPLATE_END)
            buffer_append_byte(&out, 'x');
    }
    buffer_append_byte(&out, '\0');
    MUST_HOLD(!out.failed);
    return out.data;
}

/* What libcurl makes of the path must have as many steps: none was climbed over. */
static void check_target(const char *before, const char *after)
{
    struct target expected;
    struct target found;
    const char *reason;
    if (!url_parse(slice_from(before), &expected, &reason))
        return;
    MUST_HOLD(url_parse(slice_from(after), &found, &reason));
    MUST_HOLD(strcmp(expected.scheme, found.scheme) == 0);
    MUST_HOLD(strcmp(expected.host, found.host) == 0);
    MUST_HOLD(expected.port == found.port);
    char *plain = url_join(after, "");
    char *outlined = url_join(before, "");
    MUST_HOLD((plain == NULL) == (outlined == NULL));
    if (plain)
        MUST_HOLD(count_bytes(plain, "/") == count_bytes(outlined, "/"));
    free(plain);
    free(outlined);
}

static void check_url(const struct template *url, struct buffer *out)
{
    if (template_is_one(url))
        return;
    char *before = outline(url);
    const char *after = buffer_text(out);
    MUST_HOLD(after != NULL && strlen(after) == out->len);
    MUST_HOLD(count_bytes(before, "/?#&=+@:;[]") == count_bytes(after, "/?#&=+@:;[]"));
    const char *separator = strstr(before, "://");
    size_t authority = separator ? (size_t)(separator + 3 - before) : strlen(before);
    authority += strcspn(before + authority, "/?#");
    MUST_HOLD(strncmp(before, after, authority) == 0);
    check_target(before, after);
    free(before);
}

static void check_line(struct slice line)
{
    for (size_t i = 0; i < line.len; i++)
        MUST_HOLD(line.data[i] != '\r' && line.data[i] != '\n' && line.data[i] != '\0');
}

/* As parse_headers.c refuses them. */
static bool is_line(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    }
    return true;
}

struct trial {
    struct template_reader reader;
    struct expansion expansion;
    struct buffer out;
};

static void try_url(struct trial *trial, struct slice text)
{
    struct template url;
    const char *fault = NULL;
    if (template_read(&trial->reader, text, &url, &fault) && !template_url_fault(&url) &&
        expand_url(&trial->expansion, &url, &trial->out))
        check_url(&url, &trial->out);
}

static void try_header(struct trial *trial, struct slice text)
{
    struct template value;
    const char *fault = NULL;
    if (is_line(text) && template_read(&trial->reader, text, &value, &fault) &&
        expand_header(&trial->expansion, &value, &trial->out))
        check_line(buffer_slice(&trial->out));
}

static void try_json(struct trial *trial, struct slice text)
{
    struct body_template body;
    const char *fault = NULL;
    bool flag;
    if (json_text_is_valid(text) &&
        body_template_read_json(&trial->reader, text, &body, &flag, &fault) &&
        expand_body(&trial->expansion, &body, &trial->out, &flag)) {
        /* Values nest as deep as replies may, and so does what they stand in. */
        bool is_flat = count_bytes(buffer_text(&trial->out), "[{") < JSON_TEXT_DEPTH_MAX;
        MUST_HOLD(!is_flat || json_text_is_valid(buffer_slice(&trial->out)));
    }
}

static void try_text(struct trial *trial, struct slice text)
{
    struct body_template body;
    const char *fault = NULL;
    bool is_json;
    if (!body_template_read_text(&trial->reader, text, BODY_TEMPLATE_WHOLE, &body,
                                 &fault) ||
        !expand_body(&trial->expansion, &body, &trial->out, &is_json))
        return;
    if (is_json)
        MUST_HOLD(json_text_is_valid(buffer_slice(&trial->out)));
    buffer_clear(&trial->out);
    if (expand_form(&trial->expansion, &body.text, &trial->out)) {
        size_t literal = 0;
        for (size_t i = 0; i < body.text.count; i++) {
            struct slice part = body.text.parts[i].literal;
            for (size_t j = 0; j < part.len; j++)
                literal += part.data[j] == '&';
        }
        MUST_HOLD(count_bytes(buffer_text(&trial->out), "&") == literal);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_make((const char *)data, size);
    struct slice kind = next_part(&rest);
    struct slice text = next_part(&rest);
    struct template_value values[REFERENCES_MAX];
    struct arena arena = {0};
    for (size_t i = 0; i < VALUES; i++)
        values[i] = value_of(next_part(&rest));
    for (size_t i = VALUES; i < REFERENCES_MAX; i++)
        values[i] = values[i % VALUES];
    struct trial trial = {
        .reader = {.setup = {.arena = &arena, .element = {"item", 4}}},
        .expansion = {.values = values},
    };
    buffer_init(&trial.expansion.scratch, OUT_MAX);
    buffer_init(&trial.out, OUT_MAX);
    switch (kind.len ? kind.data[0] : '\0') {
    case 'h':
        try_header(&trial, text);
        break;
    case 'j':
        try_json(&trial, text);
        break;
    case 't':
        try_text(&trial, text);
        break;
    default:
        try_url(&trial, text);
        break;
    }
    buffer_done(&trial.out);
    buffer_done(&trial.expansion.scratch);
    arena_done(&arena);
    return 0;
}
