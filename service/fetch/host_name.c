/* SPDX-License-Identifier: Apache-2.0 */
/* Host names by RFC 952/1123 letters, digits and hyphens, plus the underscore that real
 * names use. International names come as punycode: Unicode digits and dots turn into an
 * address in some locales and not in others, so bytes above 0x7f are refused. Called by
 * url.c and egress_rule.c. */
#include "fetch/host_name.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool is_name_byte(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_label(const char *label, size_t len)
{
    if (len == 0 || len > 63 || label[0] == '-' || label[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_name_byte(label[i]))
            return false;
    }
    return true;
}

/* Decimal, octal or hexadecimal, as inet_aton and the WHATWG read the last part. */
static bool is_number(const char *label, size_t len)
{
    size_t i = 0;
    if (len >= 2 && label[0] == '0' && label[1] == 'x') {
        for (i = 2; i < len && is_hex(label[i]);)
            i++;
        return i == len;
    }
    while (i < len && is_digit(label[i]))
        i++;
    return i == len;
}

bool host_name_copy(struct slice text, char ret_name[HOST_NAME_SIZE])
{
    if (text.len > 0 && text.data[text.len - 1] == '.')
        text.len--;
    if (text.len == 0 || text.len > 253)
        return false;
    char name[HOST_NAME_SIZE];
    for (size_t i = 0; i < text.len; i++)
        name[i] = lower(text.data[i]);
    name[text.len] = '\0';

    const char *label = name;
    for (;;) {
        size_t len = strcspn(label, ".");
        if (!is_label(label, len))
            return false;
        if (label[len] == '\0') {
            if (is_number(label, len) || label + len != name + text.len)
                return false;
            break;
        }
        label += len + 1;
    }
    memcpy(ret_name, name, text.len + 1);
    return true;
}
