/* SPDX-License-Identifier: Apache-2.0 */
/* Growing bytes under a ceiling. Grows by half, so that appending is linear over all and
 * a large body wastes at most a third. */
#include "base/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

void buffer_init(struct buffer *buffer, size_t max)
{
    *buffer = (struct buffer){.max = max};
}

void buffer_done(struct buffer *buffer)
{
    free(buffer->data);
    buffer_init(buffer, buffer->max);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
    buffer->failed = false;
}

/* One byte above `max` is allowed for the NUL of buffer_text. */
static bool grow(struct buffer *buffer, size_t needed)
{
    size_t cap = buffer->cap < FIRST_CAPACITY ? FIRST_CAPACITY : buffer->cap;
    while (cap < needed)
        cap += cap / 2;
    if (cap > buffer->max && needed <= buffer->max)
        cap = buffer->max;
    char *data = realloc(buffer->data, cap);
    if (!data) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->cap = cap;
    return true;
}

char *buffer_make_room(struct buffer *buffer, size_t extra)
{
    if (buffer->failed)
        return NULL;
    if (extra > buffer->max - buffer->len) {
        buffer->failed = true;
        return NULL;
    }
    if (buffer->len + extra > buffer->cap || !buffer->data) {
        if (!grow(buffer, buffer->len + extra))
            return NULL;
    }
    return buffer->data + buffer->len;
}

bool buffer_append_uint(struct buffer *buffer, unsigned long long value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return buffer_append(buffer, digits + at, sizeof digits - at);
}

bool buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int needed = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(needed >= 0);
    /* vsnprintf wants room for a NUL that does not count. */
    char *text = needed >= 0 ? malloc((size_t)needed + 1) : NULL;
    bool done = false;
    if (text) {
        vsnprintf(text, (size_t)needed + 1, format, again);
        done = buffer_append(buffer, text, (size_t)needed);
    } else {
        buffer->failed = true;
    }
    va_end(again);
    free(text);
    return done;
}

const char *buffer_text(struct buffer *buffer)
{
    if (buffer->failed)
        return NULL;
    if (buffer->len + 1 > buffer->cap && !grow(buffer, buffer->len + 1))
        return NULL;
    buffer->data[buffer->len] = '\0';
    return buffer->data;
}

char *buffer_take(struct buffer *buffer, size_t *ret_len)
{
    char *data = buffer->data;
    *ret_len = buffer->len;
    buffer_init(buffer, buffer->max);
    return data;
}
