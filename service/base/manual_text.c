/* SPDX-License-Identifier: Apache-2.0 */
/* The escapes of manual_text.h. */
#include "base/manual_text.h"

static void append_byte(struct buffer *out, char byte)
{
    if (memchr("\\_*`<>#", byte, 7))
        buffer_append_byte(out, '\\');
    buffer_append_byte(out, byte == '\n' ? ' ' : byte);
}

void manual_append(struct buffer *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        append_byte(out, text.data[i]);
}

void manual_append_sentence(struct buffer *out, const char *text)
{
    char first = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
    if (!*text)
        return;
    append_byte(out, first);
    manual_append(out, slice_from(text + 1));
    buffer_append_byte(out, '.');
}
