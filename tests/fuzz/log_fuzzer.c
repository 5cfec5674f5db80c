/* SPDX-License-Identifier: Apache-2.0 */
/* O8: values in the log. Whatever they hold, the line is one line of clean UTF-8, and in
 * JSON an object from which a JSON library reads the same text. And URLs without their
 * secrets. */
#include "fuzzer.h"

#include "base/log.h"
#include "base/redact.h"
#include "base/utf8.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

static void write_nowhere(struct log_line *line)
{
    static int nowhere = -1;
    if (nowhere < 0)
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int kept = dup(STDERR_FILENO);
    dup2(nowhere, STDERR_FILENO);
    log_end(line);
    dup2(kept, STDERR_FILENO);
    close(kept);
}

static void check_bytes(const struct log_line *line)
{
    struct slice text = slice_make(line->text, line->len);
    MUST_HOLD(line->len >= 2 && line->len <= sizeof line->text);
    MUST_HOLD(memchr(text.data, '\n', text.len) == text.data + text.len - 1);
    MUST_HOLD(utf8_is_valid(text));
    for (size_t i = 0; i + 1 < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        MUST_HOLD(byte >= ' ' && byte != 0x7f);
        /* C1 in UTF-8 */
        MUST_HOLD(byte != 0xc2 || (unsigned char)text.data[i + 1] >= 0xa0);
    }
}

static void check_json(const struct log_line *line, struct slice value)
{
    json_t *root = json_loadb(line->text, line->len, JSON_ALLOW_NUL, NULL);
    MUST_HOLD(json_is_object(root));
    const json_t *read = json_object_get(root, "value");
    if (!line->is_cut && utf8_is_valid(value)) {
        MUST_HOLD(json_string_length(read) == value.len);
        MUST_HOLD(value.len == 0 ||
                  memcmp(json_string_value(read), value.data, value.len) == 0);
    }
    json_decref(root);
}

/* A URL grows by what is hidden in it, and not beyond what http/item_log.c has room for;
 * and what is hidden once stays hidden. */
static void check_redacted(struct slice url, enum redact_mode mode)
{
    struct buffer once, twice;
    buffer_init(&once, 2 * url.len + 16);
    buffer_init(&twice, 4 * url.len + 64);
    redact_url(&once, url, mode);
    MUST_HOLD(!once.failed);
    redact_url(&twice, buffer_slice(&once), mode);
    MUST_HOLD(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
    buffer_done(&once);
    buffer_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice value = slice_make((const char *)data, size);
    check_redacted(value, REDACT_SECRETS);
    check_redacted(value, REDACT_QUERY);
    for (int format = LOG_JSON; format <= LOG_TEXT; format++) {
        struct log_line line;
        log_setup(LOG_INFO, (enum log_format)format);
        log_begin(&line, LOG_INFO, "event");
        log_slice(&line, "value", value);
        log_int(&line, "number", (int64_t)size);
        log_slice(&line, "again", value);
        write_nowhere(&line);
        check_bytes(&line);
        if (format == LOG_JSON)
            check_json(&line, value);
    }
    return 0;
}
