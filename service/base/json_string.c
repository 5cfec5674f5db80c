/* SPDX-License-Identifier: Apache-2.0 */
/* Undoes the escapes of a JSON string (RFC 8259 7). The string was validated before:
 * every escape is whole, every surrogate has its partner. Called by parse_body. */
#include "base/json_string.h"

#include "base/hex.h"

#include <assert.h>
#include <string.h>

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* At the 'u' of an escape; moves *at behind it and its partner. */
static char *put_unicode(char *to, const char **at)
{
    unsigned code = (unsigned)hex_quad(*at + 1);
    *at += 5;
    if (code >= 0xd800 && code <= 0xdbff) {
        unsigned low = (unsigned)hex_quad(*at + 2);
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        *at += 6;
    }
    return put_utf8(to, code);
}

/* Behind a backslash; moves *at behind the escape. */
static char *put_escape(char *to, const char **at)
{
    static const char letters[] = "bfnrt";
    static const char meanings[] = "\b\f\n\r\t";
    if (**at == 'u')
        return put_unicode(to, at);
    const char *letter = strchr(letters, **at);
    *to++ = letter ? meanings[letter - letters] : **at;
    ++*at;
    return to;
}

size_t json_string_decode(struct slice raw, char *out)
{
    assert(raw.len >= 2 && raw.data[0] == '"' && raw.data[raw.len - 1] == '"');
    const char *at = raw.data + 1;
    const char *end = raw.data + raw.len - 1;
    char *to = out;
    while (at < end) {
        const char *backslash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((backslash ? backslash : end) - at);
        memcpy(to, at, plain);
        to += plain;
        at += plain;
        if (backslash) {
            at++;
            to = put_escape(to, &at);
        }
    }
    return (size_t)(to - out);
}
