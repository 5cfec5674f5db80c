/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl_print.c: the same text as libcurl's own printf gives, from its own malloc. */
#include "fetch/libcurl_print.h"

#include <criterion/criterion.h>
#include <curl/curl.h>
#include <curl/mprintf.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* curl_msnprintf is not replaced: it says what libcurl itself prints. */
#define expect_as_libcurl(...)                                                           \
    do {                                                                                 \
        char expected[64 * 1024];                                                        \
        curl_msnprintf(expected, sizeof expected, __VA_ARGS__);                          \
        char *printed = curl_maprintf(__VA_ARGS__);                                      \
        cr_assert_str_eq(printed, expected);                                             \
        curl_free(printed);                                                              \
    } while (0)

Test(libcurl_print, writes_what_libcurl_would)
{
    expect_as_libcurl("plain");
    expect_as_libcurl("%s", "");
    expect_as_libcurl("%s%s%s%s", "http", "://", "", "host");
    expect_as_libcurl("%d/%s", 65535, "127.0.0.1");
    expect_as_libcurl("%u/%d/%s", 3u, 443, "fe80::1");
    expect_as_libcurl("Host: %s%s%s:%d\r\n", "[", "::1", "]", 8080);
    expect_as_libcurl("%u %u", 0u, UINT_MAX);
    expect_as_libcurl("%d %d", 0, INT_MAX);
    expect_as_libcurl("%ld %ld", 0L, LONG_MAX);
    expect_as_libcurl("a%sb%dc", "1", 2);
}

Test(libcurl_print, leaves_what_it_does_not_know_to_libcurl)
{
    const char *volatile none = NULL;
    expect_as_libcurl("%s", none);
    expect_as_libcurl("%d %ld", INT_MIN, LONG_MIN);
    expect_as_libcurl("%5d|%-5d|%05d|%+d", 7, 7, 7, 7);
    expect_as_libcurl("%.*s:\r\n", 3, "abcdef");
    expect_as_libcurl("%.2s", "abc");
    expect_as_libcurl("%x %X %o", 255u, 255u, 8u);
    expect_as_libcurl("%c%%", 'x');
    expect_as_libcurl("%zu", (size_t)77);
    expect_as_libcurl("%lu %lld %llu", 1UL, -2LL, 3ULL);
    expect_as_libcurl("%s %5d", "known first", 7);
}

Test(libcurl_print, writes_long_strings)
{
    static const size_t lengths[] = {2040, 2046, 2047, 2048, 2049, 4095, 4096, 60000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *text = malloc(lengths[i] + 1);
        memset(text, 'x', lengths[i]);
        text[lengths[i]] = '\0';
        expect_as_libcurl("%s", text);
        expect_as_libcurl("%s%d", text, 5);
        expect_as_libcurl("%-1s", text);
        free(text);
    }
}

static size_t given;

static void *give(size_t size)
{
    given++;
    return malloc(size);
}

static void *give_nothing(size_t size)
{
    (void)size;
    return NULL;
}

/* Of the libcurl that Debian builds; one that binds its own calls would not come here. */
Test(libcurl_print, is_what_libcurl_prints_by)
{
    libcurl_print_use(give);
    CURLU *parts = curl_url();
    char *url = NULL;
    cr_assert_eq(curl_url_set(parts, CURLUPART_URL, "http://127.0.0.1:81/a?b", 0), 0);
    given = 0;
    cr_assert_eq(curl_url_get(parts, CURLUPART_URL, &url, 0), 0);
    cr_assert_str_eq(url, "http://127.0.0.1:81/a?b");
    cr_assert_eq(given, 1);
    curl_free(url);
    curl_url_cleanup(parts);
}

Test(libcurl_print, says_when_there_is_no_memory)
{
    libcurl_print_use(give_nothing);
    cr_assert_null(curl_maprintf("%s", "x"));
    cr_assert_null(curl_maprintf("%5s", "x"));
}
