/* SPDX-License-Identifier: Apache-2.0 */
/* Headers first, then all texts and the body. Called by handover.c. */
#include "fetch/call_result.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static size_t size_of(const struct outcome *outcome)
{
    size_t size = sizeof(struct call_result) + text_size(outcome->message) +
                  text_size(outcome->timing.remote_address) +
                  text_size(outcome->timing.http_version) + outcome->content_type.len +
                  outcome->body.len + outcome->header_count * sizeof(struct call_header);
    for (size_t i = 0; i < outcome->header_count; i++)
        size += outcome->headers[i].name.len + outcome->headers[i].value.len;
    return size;
}

static struct slice copy(char **at, struct slice bytes)
{
    if (!bytes.data)
        return bytes;
    struct slice copied = slice_make(*at, bytes.len);
    if (bytes.len > 0)
        memcpy(*at, bytes.data, bytes.len);
    *at += bytes.len;
    return copied;
}

static const char *copy_text(char **at, const char *text)
{
    return text ? copy(at, slice_make(text, text_size(text))).data : NULL;
}

struct call_result *call_result_new(const struct outcome *outcome)
{
    size_t size = size_of(outcome);
    struct call_result *result = memory_try_array(1, size);
    assert(outcome->attempt_count == 0);
    if (!result)
        return NULL;
    result->size = size;
    result->outcome = *outcome;
    struct outcome *own = &result->outcome;
    struct call_header *headers = (struct call_header *)(result + 1);
    char *at = (char *)(headers + outcome->header_count);
    for (size_t i = 0; i < outcome->header_count; i++) {
        headers[i].name = copy(&at, outcome->headers[i].name);
        headers[i].value = copy(&at, outcome->headers[i].value);
    }
    own->headers = headers;
    own->content_type = copy(&at, outcome->content_type);
    own->message = copy_text(&at, outcome->message);
    own->timing.remote_address = copy_text(&at, outcome->timing.remote_address);
    own->timing.http_version = copy_text(&at, outcome->timing.http_version);
    own->body = copy(&at, outcome->body);
    return result;
}
