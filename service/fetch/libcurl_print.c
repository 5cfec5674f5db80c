/* SPDX-License-Identifier: Apache-2.0 */
/* curl_maprintf and curl_mvaprintf (curl_mprintf(3)) as libcurl calls them. Any thread.
 */
#include "fetch/libcurl_print.h"

#include "base/attributes.h"
#include "base/buffer.h"

#include <curl/curl.h>
#include <curl/mprintf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHORT_SIZE = 2048,
    /* As libcurl's own: DYN_APRINTF, its longest printed string. */
    LONGEST = 8000000,
};

static void *(*allocate_string)(size_t size) = malloc;

void libcurl_print_use(void *(*allocate)(size_t size))
{
    allocate_string = allocate;
}

/* One conversion, `*format` behind its %; false: not one of ours, or libcurl's own (nil).
 */
static bool convert(struct buffer *out, const char **format, va_list *args)
{
    switch (*(*format)++) {
    case 's': {
        const char *text = va_arg(*args, const char *);
        return text && (*text == '\0' || buffer_append(out, text, strlen(text)));
    }
    case 'u':
        return buffer_append_uint(out, va_arg(*args, unsigned));
    case 'd': {
        int value = va_arg(*args, int);
        return value >= 0 && buffer_append_uint(out, (unsigned)value);
    }
    case 'l': {
        if (*(*format)++ != 'd')
            return false;
        long value = va_arg(*args, long);
        return value >= 0 && buffer_append_uint(out, (unsigned long)value);
    }
    default:
        return false;
    }
}

/* False: not to be had in `out`, or not by these means. */
static bool print(struct buffer *out, const char *format, va_list *args)
{
    for (;;) {
        const char *end = format; /* mostly the very next character */
        while (*end != '%' && *end != '\0')
            end++;
        if (end != format && !buffer_append(out, format, (size_t)(end - format)))
            return false;
        if (*end == '\0')
            return true;
        format = end + 1;
        if (!convert(out, &format, args))
            return false;
    }
}

static PRINTF_LIKE(1, 0) char *print_as_libcurl(const char *format, va_list args)
{
    for (size_t size = SHORT_SIZE; size <= LONGEST; size *= 2) {
        char *text = allocate_string(size);
        va_list again;
        if (!text)
            return NULL;
        va_copy(again, args);
        int len = curl_mvsnprintf(text, size, format, again);
        va_end(again);
        if (len >= 0 && (size_t)len < size - 1)
            return text;
        curl_free(text);
    }
    return NULL;
}

char *curl_mvaprintf(const char *format, va_list args)
{
    char text[SHORT_SIZE];
    struct buffer out = {.data = text, .cap = sizeof text, .max = sizeof text - 1};
    va_list copy;
    va_copy(copy, args);
    bool is_printed = print(&out, format, &copy);
    va_end(copy);
    if (!is_printed)
        return print_as_libcurl(format, args);
    char *string = allocate_string(out.len + 1);
    if (!string)
        return NULL;
    memcpy(string, text, out.len);
    string[out.len] = '\0';
    return string;
}

char *curl_maprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *string = curl_mvaprintf(format, args);
    va_end(args);
    return string;
}
