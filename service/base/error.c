/* SPDX-License-Identifier: Apache-2.0 */
/* The sentences of struct error. Only formats; never logs, never exits. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    if (!err)
        return false;
    err->kind = kind;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    return false;
}

bool error_set_errno(struct error *err, int error_number, const char *format, ...)
{
    if (!err)
        return false;
    err->kind = ERROR_SYSTEM;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    size_t len = strlen(err->text);
    char reason[128];
    snprintf(err->text + len, sizeof err->text - len, ": %s",
             strerror_r(error_number, reason, sizeof reason));
    return false;
}

void error_prefix(struct error *err, const char *format, ...)
{
    if (!err)
        return;
    char text[sizeof err->text];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= sizeof text)
        len = (int)strlen(text);
    int room = (int)sizeof text - len - 3;
    if (room > 0)
        snprintf(text + len, sizeof text - (size_t)len, ": %.*s", room, err->text);
    memcpy(err->text, text, sizeof text);
}
