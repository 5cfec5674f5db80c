/* SPDX-License-Identifier: Apache-2.0 */
/* Headers first, then all texts, a NUL behind each. Pure; called by coalesce.c and
 * handover.c. */
#include "fetch/call_copy.h"

#include <assert.h>
#include <string.h>

size_t call_copy_size(const struct call *call)
{
    const size_t step = _Alignof(struct call_header);
    size_t size = call->header_count * sizeof(struct call_header) + call->url.len + 1;
    for (size_t i = 0; i < call->header_count; i++)
        size += call->headers[i].name.len + call->headers[i].value.len + 2;
    return (size + step - 1) / step * step;
}

static struct slice copy(char **at, struct slice text)
{
    struct slice copied = slice_make(*at, text.len);
    if (text.len > 0)
        memcpy(*at, text.data, text.len);
    (*at)[text.len] = '\0';
    *at += text.len + 1;
    return copied;
}

void call_copy(struct call *ret_call, const struct call *call, void *room)
{
    struct call_header *headers = room;
    char *at = (char *)(headers + call->header_count);
    assert(!call->has_body);
    *ret_call = (struct call){
        .url = copy(&at, call->url),
        .method = call->method,
        .headers = headers,
        .header_count = call->header_count,
        .timeout_ms = call->timeout_ms,
        .connect_timeout_ms = call->connect_timeout_ms,
        .redirects = call->redirects,
        .body_max_bytes = call->body_max_bytes,
        .deadline_ms = call->deadline_ms,
        .is_extra = call->is_extra,
        .resends = call->resends,
        .item_index = call->item_index,
    };
    for (size_t i = 0; i < call->header_count; i++) {
        headers[i].name = copy(&at, call->headers[i].name);
        headers[i].value = copy(&at, call->headers[i].value);
    }
}
