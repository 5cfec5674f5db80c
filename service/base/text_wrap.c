/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of text_wrap.h. Called for help texts and the reference. */
#include "base/text_wrap.h"

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\n';
}

static bool next_word(struct slice *text, struct slice *ret_word)
{
    while (text->len && is_space(*text->data))
        *text = slice_make(text->data + 1, text->len - 1);
    size_t len = 0;
    while (len < text->len && !is_space(text->data[len]))
        len++;
    *ret_word = slice_make(text->data, len);
    *text = slice_make(text->data + len, text->len - len);
    return len > 0;
}

void text_wrap(struct buffer *out, const char *prefix, struct slice text, size_t width)
{
    size_t column = 0;
    struct slice word;
    while (next_word(&text, &word)) {
        if (column && column + 1 + word.len > width) {
            buffer_append_byte(out, '\n');
            column = 0;
        }
        if (column == 0) {
            buffer_append_text(out, prefix);
            column = strlen(prefix);
        } else {
            buffer_append_byte(out, ' ');
            column++;
        }
        buffer_append(out, word.data, word.len);
        column += word.len;
    }
    buffer_append_byte(out, '\n');
}
