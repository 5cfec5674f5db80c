/* SPDX-License-Identifier: Apache-2.0 */
/* A reply held against what was expected of it; the sentence names the first thing that
 * is not so. Called for each attempt: attempts.c. */
#include "batch/expect.h"

#include "base/field_text.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 100 }; /* bytes of what a body should contain, in a message */

/* --------------------------------------------------------------------- status */

static bool has_status(const struct expectation *expect, int status)
{
    for (size_t i = 0; i < expect->status_count; i++) {
        int wanted = expect->statuses[i];
        if (wanted == status || wanted == status / 100)
            return true;
    }
    return expect->status_count == 0;
}

static void tell_statuses(const struct expectation *expect, int status, char *message)
{
    size_t used =
        (size_t)snprintf(message, EXPECT_MESSAGE_MAX, "the status is %d, not ", status);
    for (size_t i = 0; i < expect->status_count; i++) {
        unsigned wanted = expect->statuses[i];
        const char *between = i == 0 ? "" : i + 1 == expect->status_count ? " or " : ", ";
        used += (size_t)snprintf(message + used, EXPECT_MESSAGE_MAX - used, "%s%u%s",
                                 between, wanted, wanted < 100 ? "xx" : "");
        assert(used < EXPECT_MESSAGE_MAX);
    }
}

/* --------------------------------------------------------------- content type */

bool expect_type_is_valid(struct slice type)
{
    if (type.len == 0 || type.len > EXPECT_TYPE_MAX)
        return false;
    const char *slash = memchr(type.data, '/', type.len);
    if (!slash)
        return type.data[0] == '+' &&
               field_is_token(slice_make(type.data + 1, type.len - 1));
    size_t at = (size_t)(slash - type.data);
    struct slice main_type = slice_make(type.data, at);
    struct slice subtype = slice_make(slash + 1, type.len - at - 1);
    bool has_star = memchr(main_type.data, '*', main_type.len) ||
                    (subtype.len > 1 && memchr(subtype.data, '*', subtype.len));
    return !has_star && field_is_token(main_type) && field_is_token(subtype);
}

static bool has_suffix(struct slice type, struct slice suffix)
{
    const char *slash = type.len ? memchr(type.data, '/', type.len) : NULL;
    if (!slash)
        return false;
    struct slice subtype =
        slice_make(slash + 1, type.len - (size_t)(slash + 1 - type.data));
    struct slice bare = slice_make(suffix.data + 1, suffix.len - 1);
    if (subtype.len <= suffix.len)
        return slice_equal_ignoring_case(subtype, bare);
    size_t before = subtype.len - suffix.len;
    return slice_equal_ignoring_case(slice_make(subtype.data + before, suffix.len),
                                     suffix);
}

static bool has_type(struct slice wanted, struct slice type)
{
    if (!wanted.data)
        return true;
    type = field_media_type(type);
    if (wanted.data[0] == '+')
        return has_suffix(type, wanted);
    if (wanted.data[wanted.len - 1] == '*' && type.len >= wanted.len)
        return slice_equal_ignoring_case(slice_make(type.data, wanted.len - 1),
                                         slice_make(wanted.data, wanted.len - 1));
    return slice_equal_ignoring_case(type, wanted);
}

static void tell_type(struct slice wanted, struct slice type, char *message)
{
    char shown[EXPECT_TYPE_MAX + 1]; /* what the upstream sent may be anything */
    type = field_media_type(type);
    size_t len = type.len < sizeof shown ? type.len : sizeof shown - 1;
    for (size_t i = 0; i < len; i++)
        shown[i] = type.data[i] > ' ' && type.data[i] < 0x7f ? type.data[i] : '?';
    shown[len] = '\0';
    if (len > 0)
        snprintf(message, EXPECT_MESSAGE_MAX, "the content-type is %s, not %.*s", shown,
                 (int)wanted.len, wanted.data);
    else
        snprintf(message, EXPECT_MESSAGE_MAX, "there is no content-type, not %.*s",
                 (int)wanted.len, wanted.data);
}

/* ----------------------------------------------------------------------- body */

static bool contains(struct slice body, struct slice part)
{
    return body.len >= part.len && memmem(body.data, body.len, part.data, part.len);
}

static void tell_missing(struct slice body, struct slice part, char *message)
{
    int len = (int)utf8_cut(part, SHOWN_MAX).len;
    snprintf(message, EXPECT_MESSAGE_MAX,
             "the body of %zu bytes does not contain \"%.*s%s\"", body.len, len,
             part.data, (size_t)len < part.len ? "…" : "");
}

/* ------------------------------------------------------------------------ all */

bool expect_check(const struct expectation *expect, const struct outcome *outcome,
                  char *message)
{
    struct slice body = outcome->has_body ? outcome->body : slice_make(NULL, 0);
    if (!has_status(expect, outcome->status)) {
        tell_statuses(expect, outcome->status, message);
        return false;
    }
    if (!has_type(expect->content_type, outcome->content_type)) {
        tell_type(expect->content_type, outcome->content_type, message);
        return false;
    }
    if (expect->max_body_bytes >= 0 && body.len > (uint64_t)expect->max_body_bytes) {
        snprintf(message, EXPECT_MESSAGE_MAX,
                 "the body has %zu bytes, which is more than %lld", body.len,
                 (long long)expect->max_body_bytes);
        return false;
    }
    if (expect->body_contains.data && !contains(body, expect->body_contains)) {
        tell_missing(body, expect->body_contains, message);
        return false;
    }
    return true;
}

void expect_judge(const struct expectation *expect, struct outcome *outcome,
                  char *message)
{
    if (outcome->code != CALL_OK || expect_check(expect, outcome, message))
        return;
    outcome->code = CALL_EXPECT_FAILED;
    outcome->message = message;
}
