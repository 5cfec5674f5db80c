/* SPDX-License-Identifier: Apache-2.0 */
/* A growing run of bytes with a ceiling at birth.
 *
 * Failure is sticky: an append that would pass the ceiling, or for which there is no
 * memory, appends nothing and sets `failed`; all later appends do nothing. So writers
 * append freely and look at `failed` once, at the end. The bytes before the failed append
 * stay readable. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct buffer {
    char *data;
    size_t len;
    size_t cap;
    size_t max;  /* len never passes it */
    bool failed; /* an append was refused */
};

/* buffer_init makes an empty buffer; allocates nothing yet. */
void buffer_init(struct buffer *buffer, size_t max);
/* buffer_done frees the bytes and leaves an empty buffer with the same ceiling. */
void buffer_done(struct buffer *buffer);
/* buffer_clear forgets the bytes and the failure, keeps the memory. */
void buffer_clear(struct buffer *buffer);

/* buffer_reserve makes room for `extra` more bytes and returns where they go (write
 * there, then add to `len` by buffer_commit), or NULL and `failed`. */
MUST_CHECK static inline char *buffer_reserve(struct buffer *buffer, size_t extra);
static inline void buffer_commit(struct buffer *buffer, size_t written)
{
    buffer->len += written;
}

/* buffer_append returns false when nothing was appended. The result may be ignored where
 * `failed` is looked at later. */
static inline bool buffer_append(struct buffer *buffer, const void *data, size_t len);
static inline bool buffer_append_text(struct buffer *buffer, const char *text);
static inline bool buffer_append_byte(struct buffer *buffer, char byte);
bool buffer_append_uint(struct buffer *buffer, unsigned long long value);
bool buffer_append_format(struct buffer *buffer, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* buffer_text puts a NUL behind the bytes (not counted in len) and returns them as a C
 * string, or NULL and `failed`. Valid until the next append. */
const char *buffer_text(struct buffer *buffer) MUST_CHECK;

/* buffer_take hands the memory to the caller, who frees it by free(); the buffer is empty
 * afterwards. NULL when nothing was ever appended. */
char *buffer_take(struct buffer *buffer, size_t *ret_len) MUST_CHECK;

static inline struct slice buffer_slice(const struct buffer *buffer)
{
    return slice_make(buffer->data, buffer->len);
}

/* The usual case of the above, in place: an item's response is put together of some fifty
 * short pieces. buffer_make_room is buffer_reserve for when there is not enough room yet.
 */
char *buffer_make_room(struct buffer *buffer, size_t extra) MUST_CHECK;

static inline char *buffer_reserve(struct buffer *buffer, size_t extra)
{
    if (!buffer->data || buffer->failed || extra > buffer->cap - buffer->len ||
        extra > buffer->max - buffer->len)
        return buffer_make_room(buffer, extra);
    return buffer->data + buffer->len;
}

static inline bool buffer_append(struct buffer *buffer, const void *data, size_t len)
{
    char *room = buffer_reserve(buffer, len);
    if (!room)
        return false;
    if (len)
        memcpy(room, data, len);
    buffer->len += len;
    return true;
}

static inline bool buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

static inline bool buffer_append_byte(struct buffer *buffer, char byte)
{
    return buffer_append(buffer, &byte, 1);
}
