/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of replies, line by line: what is kept never holds a control byte or an
 * upper-case name. */
#include "fuzzer.h"

#include "fetch/reply_head.h"

#include <ctype.h>
#include <string.h>

static void check_fields(const struct reply_head *head)
{
    static struct call_header fields[REPLY_HEAD_LINES_MAX];
    size_t count = reply_head_fields(head, false, fields);
    MUST_HOLD(count <= REPLY_HEAD_LINES_MAX);
    for (size_t i = 0; i < count; i++) {
        MUST_HOLD(fields[i].name.len > 0);
        for (size_t c = 0; c < fields[i].name.len; c++)
            MUST_HOLD(!isupper((unsigned char)fields[i].name.data[c]));
        for (size_t c = 0; c < fields[i].value.len; c++) {
            unsigned char byte = (unsigned char)fields[i].value.data[c];
            MUST_HOLD(byte >= ' ' || byte == '\t');
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reply_head head;
    reply_head_init(&head, 4096);
    const char *at = (const char *)data, *end = at + size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *next = newline ? newline + 1 : end;
        if (reply_head_line(&head, at, (size_t)(next - at)) != HEAD_FINE) {
            MUST_HOLD(head.reason != NULL);
            break;
        }
        at = next;
    }
    if (at == end && reply_head_is_whole(&head))
        check_fields(&head);
    reply_head_done(&head);
    return 0;
}
