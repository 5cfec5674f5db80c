/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, white space and media types. Called by whoever reads or checks HTTP fields. */
#include "base/field_text.h"

#include <stdint.h>

/* A bit for each of 128 characters: digits, letters and !#$%&'*+-.^_`|~ */
static const uint64_t token_bytes[2] = {0x03ff6cfa00000000, 0x57ffffffc7fffffe};

bool field_is_token_byte(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte < 128 && (token_bytes[byte / 64] >> byte % 64 & 1);
}

bool field_is_token(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!field_is_token_byte(text.data[i]))
            return false;
    }
    return text.len > 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct slice field_trim(struct slice text)
{
    while (text.len && is_blank(text.data[text.len - 1]))
        text.len--;
    while (text.len && is_blank(text.data[0]))
        text = slice_make(text.data + 1, text.len - 1);
    return text;
}

struct slice field_media_type(struct slice content_type)
{
    const char *semicolon =
        content_type.len ? memchr(content_type.data, ';', content_type.len) : NULL;
    if (semicolon)
        content_type.len = (size_t)(semicolon - content_type.data);
    return field_trim(content_type);
}
