/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests: METHOD TARGET VERSION, then name:value lines. What is let through
 * has one host, one way to end, and no byte that another parser could read otherwise. */
#include "fuzzer.h"

#include "http/request_head.h"

#include <ctype.h>
#include <string.h>

/* Up to `stop`, which is skipped, or to the end. */
static struct slice cut(struct slice *rest, char stop)
{
    const char *at = rest->len ? memchr(rest->data, stop, rest->len) : NULL;
    size_t len = at ? (size_t)(at - rest->data) : rest->len;
    struct slice part = slice_make(rest->data, len);
    size_t skip = at ? len + 1 : len;
    *rest = slice_make(rest->data + skip, rest->len - skip);
    return part;
}

static void copy_text(struct slice text, char copy[64])
{
    size_t len = text.len < 63 ? text.len : 63;
    if (len)
        memcpy(copy, text.data, len);
    copy[len] = '\0';
}

static void check_sound(const struct request_head *head, struct slice target)
{
    MUST_HOLD(!(head->has_length && head->is_chunked));
    MUST_HOLD(head->header_count <= REQUEST_HEADERS_MAX);
    MUST_HOLD(target.len > 0 && target.data[0] == '/');
    for (size_t i = 0; i < target.len; i++)
        MUST_HOLD(isgraph((unsigned char)target.data[i]));
    const struct slice kept[] = {head->host,          head->content_type,
                                 head->authorization, head->content_encoding,
                                 head->api_key,       head->request_id};
    for (size_t k = 0; k < sizeof kept / sizeof *kept; k++) {
        for (size_t i = 0; i < kept[k].len; i++) {
            unsigned char byte = (unsigned char)kept[k].data[i];
            MUST_HOLD((byte >= ' ' && byte != 0x7f) || byte == '\t');
        }
    }
    for (size_t i = 0; i < head->host.len; i++)
        MUST_HOLD(!strchr(" \t,/@?#", head->host.data[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_make((const char *)data, size);
    struct slice first = cut(&rest, '\n');
    char method[64], version[64];
    copy_text(cut(&first, ' '), method);
    struct slice target = cut(&first, ' ');
    copy_text(first, version);
    struct request_head head = {.header_count = 0};
    size_t hosts = 0;
    while (rest.len) {
        struct slice line = cut(&rest, '\n');
        struct slice name = cut(&line, ':');
        hosts += slice_is_ignoring_case(name, "host");
        request_head_add(&head, name, line);
    }
    if (request_head_judge(&head, method, target, version)) {
        MUST_HOLD(hosts == 1 || (hosts == 0 && strcmp(version, "HTTP/1.0") == 0));
        check_sound(&head, target);
    } else {
        MUST_HOLD(head.fault != NULL);
    }
    (void)request_head_is_json(head.content_type);
    if (request_head_id_is_sound(head.request_id))
        MUST_HOLD(head.request_id.len <= 128);
    return 0;
}
