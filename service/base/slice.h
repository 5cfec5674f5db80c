/* SPDX-License-Identifier: Apache-2.0 */
/* A slice is a view of bytes owned by somebody else: never freed, never NUL-terminated
 * unless the field that holds it says so. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *data; /* may be NULL when len is 0 */
    size_t len;
};

static inline struct slice slice_make(const char *data, size_t len)
{
    return (struct slice){.data = data, .len = len};
}

/* slice_from views the C string `text` without its NUL; NULL gives an empty slice. */
static inline struct slice slice_from(const char *text)
{
    return slice_make(text, text ? strlen(text) : 0);
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_from(text));
}

/* ASCII case only: for header names, schemes and hosts. */
static inline bool slice_equal_ignoring_case(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_is_ignoring_case(struct slice a, const char *text)
{
    return slice_equal_ignoring_case(a, slice_from(text));
}
