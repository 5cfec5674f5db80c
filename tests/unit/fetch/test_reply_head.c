/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/reply_head.h: what two parsers could read differently is refused, and what a
 * client sees is in order, in lower case and without hop-by-hop fields. */
#include "fetch/reply_head.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

static struct reply_head head;

static void setup(void)
{
    reply_head_init(&head, 4096);
}

static void teardown(void)
{
    reply_head_done(&head);
}

TestSuite(reply_head, .init = setup, .fini = teardown);

/* Feeds `text` line by line; stops at the first verdict that is not fine. */
static enum head_verdict feed_bytes(const char *text, size_t len)
{
    const char *end = text + len;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t line = newline ? (size_t)(newline - text) + 1 : (size_t)(end - text);
        enum head_verdict verdict = reply_head_line(&head, text, line);
        if (verdict != HEAD_FINE)
            return verdict;
        text += line;
    }
    return HEAD_FINE;
}

static enum head_verdict feed(const char *text)
{
    return feed_bytes(text, strlen(text));
}

/* The visible fields as "name=value|name=value|". */
static const char *fields(bool is_decoded)
{
    static char text[4096];
    struct call_header headers[REPLY_HEAD_LINES_MAX];
    size_t count = reply_head_fields(&head, is_decoded, headers);
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%.*s=%.*s|",
                               (int)headers[i].name.len, headers[i].name.data,
                               (int)headers[i].value.len, headers[i].value.data);
    return text;
}

Test(reply_head, keeps_fields_in_order_with_lower_case_names)
{
    cr_assert_eq(feed("HTTP/1.1 200 OK\r\nX-B: 2\r\nx-a:1\r\nX-B:  3 \t\r\n\r\n"),
                 HEAD_FINE);
    cr_assert(reply_head_is_whole(&head));
    cr_assert_eq(head.status, 200);
    cr_assert_str_eq(head.version, "1.1");
    cr_assert_str_eq(fields(false), "x-b=2|x-a=1|x-b=3|");
}

Test(reply_head, drops_hop_by_hop_fields_and_those_that_connection_names)
{
    cr_assert_eq(
        feed("HTTP/1.1 200 OK\r\nConnection: close, X-Secret\r\nx-secret: 1\r\n"
             "Keep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n"
             "Upgrade: h2c\r\nProxy-Authenticate: Basic\r\nTrailer: x\r\n"
             "connection: x-other\r\nx-other: 2\r\nx-kept: 3\r\n\r\n"),
        HEAD_FINE);
    cr_assert_str_eq(fields(false), "x-kept=3|");
}

Test(reply_head, drops_coding_and_length_of_a_decoded_body_only)
{
    cr_assert_eq(
        feed("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\n"),
        HEAD_FINE);
    cr_assert_str_eq(fields(true), "");
    cr_assert_str_eq(fields(false), "content-encoding=gzip|content-length=7|");
}

Test(reply_head, forgets_the_fields_of_informational_replies)
{
    cr_assert_eq(
        feed(
            "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nx: 1\r\n\r\n"),
        HEAD_FINE);
    cr_assert_eq(head.status, 200);
    cr_assert_str_eq(fields(false), "x=1|");
}

Test(reply_head, is_not_whole_before_the_final_empty_line)
{
    cr_assert_eq(feed("HTTP/1.1 100 Continue\r\n\r\n"), HEAD_FINE);
    cr_assert_not(reply_head_is_whole(&head));
    cr_assert_eq(feed("HTTP/1.1 200 OK\r\nx: 1\r\n"), HEAD_FINE);
    cr_assert_not(reply_head_is_whole(&head));
}

Test(reply_head, checks_trailers_and_forgets_them)
{
    cr_assert_eq(feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                 HEAD_FINE);
    cr_assert_eq(feed("x-checksum: 1\r\nContent-Length: 5\r\n\r\n"), HEAD_FINE);
    cr_assert_str_eq(fields(false), "");
    cr_assert_eq(feed("no colon\r\n"), HEAD_BAD);
}

Test(reply_head, finds_the_last_value_and_counts_locations)
{
    cr_assert_eq(feed("HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Type: a/b\r\n"
                      "location: /b\r\nContent-Type: c/d\r\n\r\n"),
                 HEAD_FINE);
    cr_assert_eq(head.locations, 2);
    cr_assert(slice_is(reply_head_find(&head, FIELD_LOCATION), "/b"));
    cr_assert(slice_is(reply_head_find(&head, FIELD_CONTENT_TYPE), "c/d"));
    cr_assert_eq(reply_head_find(&head, FIELD_CONTENT_ENCODING).len, 0);
}

Test(reply_head, accepts_equal_lengths_and_bare_line_feeds)
{
    cr_assert_eq(feed("HTTP/1.0 200\nContent-Length: 5\nContent-Length: 5\n\n"),
                 HEAD_FINE);
    cr_assert_eq(head.length, 5);
    cr_assert_str_eq(head.version, "1.0");
}

Test(reply_head, takes_status_lines_of_http_2_as_libcurl_writes_them)
{
    cr_assert_eq(feed("HTTP/2 204 \r\n\r\n"), HEAD_FINE);
    cr_assert_str_eq(head.version, "2");
}

#define OK_LINE "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *what;
    const char *text;
} malformed[] = {
    {"no HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n"},
    {"unknown version", "HTTP/9.9 200 OK\r\n"},
    {"version without minor", "HTTP/1 200 OK\r\n"},
    {"lower-case protocol", "http/1.1 200 OK\r\n"},
    {"status of two digits", "HTTP/1.1 99 Low\r\n"},
    {"status of four digits", "HTTP/1.1 2000 OK\r\n"},
    {"status below 100", "HTTP/1.1 099 Low\r\n"},
    {"status of letters", "HTTP/1.1 abc OK\r\n"},
    {"no status", "HTTP/1.1 \r\n"},
    {"two spaces", "HTTP/1.1  200 OK\r\n"},
    {"ESC in the reason", "HTTP/1.1 200 O\x1bK\r\n"},
    {"unasked switch of protocols", "HTTP/1.1 101 Switching Protocols\r\n"},
    {"two different lengths", OK_LINE "Content-Length: 5\r\nContent-Length: 6\r\n"},
    {"a list of lengths", OK_LINE "Content-Length: 5, 5\r\n"},
    {"a negative length", OK_LINE "Content-Length: -1\r\n"},
    {"a signed length", OK_LINE "Content-Length: +1\r\n"},
    {"an empty length", OK_LINE "Content-Length:\r\n"},
    {"a hexadecimal length", OK_LINE "Content-Length: 0x5\r\n"},
    {"a length beyond counting", OK_LINE "Content-Length: 99999999999999999999999\r\n"},
    {"length and transfer coding",
     OK_LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"transfer coding and length",
     OK_LINE "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"},
    {"unknown transfer coding", OK_LINE "Transfer-Encoding: wat\r\n"},
    {"a list of transfer codings", OK_LINE "Transfer-Encoding: gzip, chunked\r\n"},
    {"chunked twice",
     OK_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"},
    {"HTTP/1.0 and chunked", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n"},
    {"a folded line", OK_LINE "X: a\r\n b\r\n"},
    {"space before the colon", OK_LINE "X : a\r\n"},
    {"no colon", OK_LINE "Xa\r\n"},
    {"no name", OK_LINE ": a\r\n"},
    {"a name that is no token", OK_LINE "X(y): a\r\n"},
    {"a name of 8-bit bytes", OK_LINE "X\xe4: a\r\n"},
    {"a bare CR in a value", OK_LINE "X: a\rb\r\n"},
    {"ESC in a value", OK_LINE "X: \x1b[31m\r\n"},
    {"DEL in a value", OK_LINE "X: \x7f\r\n"},
};

Test(reply_head, refuses_malformed_heads)
{
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        reply_head_clear(&head);
        cr_expect_eq(feed(malformed[i].text), HEAD_BAD, "%s", malformed[i].what);
        cr_expect_not_null(head.reason, "%s: no reason", malformed[i].what);
    }
}

Test(reply_head, refuses_nul_in_names_and_values)
{
    static const char value[] = OK_LINE "X: a\0b\r\n", name[] = OK_LINE "X\0Y: a\r\n";
    cr_assert_eq(feed_bytes(value, sizeof value - 1), HEAD_BAD);
    reply_head_clear(&head);
    cr_assert_eq(feed_bytes(name, sizeof name - 1), HEAD_BAD);
}

Test(reply_head, passes_8_bit_values_and_tabs)
{
    cr_assert_eq(feed(OK_LINE "X: \xe4\tb\r\n\r\n"), HEAD_FINE);
    cr_assert_str_eq(fields(false), "x=\xe4\tb|");
}

Test(reply_head, counts_bytes_over_all_heads_and_trailers)
{
    char line[1500];
    snprintf(line, sizeof line, "x: %01400d\r\n", 0);
    cr_assert_eq(feed("HTTP/1.1 103 Hints\r\n"), HEAD_FINE);
    cr_assert_eq(feed(line), HEAD_FINE);
    cr_assert_eq(feed("\r\nHTTP/1.1 200 OK\r\n"), HEAD_FINE);
    cr_assert_eq(feed(line), HEAD_FINE);
    cr_assert_eq(feed("\r\n"), HEAD_FINE);
    cr_assert_eq(feed(line), HEAD_TOO_LARGE);
}

Test(reply_head, takes_exactly_as_many_bytes_as_allowed)
{
    char line[4097];
    int len = snprintf(line, sizeof line, "x: %0*d\r\n", 4096 - 17 - 2 - 5, 0);
    cr_assert_eq(feed(OK_LINE), HEAD_FINE);
    cr_assert_eq(reply_head_line(&head, line, (size_t)len), HEAD_FINE);
    cr_assert_eq(feed("\r\n"), HEAD_FINE);
    cr_assert_eq(head.bytes, 4096);
    cr_assert_eq(feed("x: 1\r\n"), HEAD_TOO_LARGE);
}

Test(reply_head, counts_lines)
{
    cr_assert_eq(feed(OK_LINE), HEAD_FINE);
    for (int i = 1; i < REPLY_HEAD_LINES_MAX; i++)
        cr_assert_eq(feed("x: 1\r\n"), HEAD_FINE);
    cr_assert_eq(feed("x: 1\r\n"), HEAD_TOO_LARGE);
}

Test(reply_head, starts_afresh_after_clear)
{
    cr_assert_eq(feed(OK_LINE "Content-Length: 5\r\nLocation: /a\r\n\r\n"), HEAD_FINE);
    reply_head_clear(&head);
    cr_assert_not(reply_head_is_whole(&head));
    cr_assert_eq(feed("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n"),
                 HEAD_FINE);
    cr_assert_eq(head.status, 404);
    cr_assert_eq(head.locations, 0);
    cr_assert_not(head.has_length);
}

Test(reply_head, tells_whether_the_connection_is_to_be_kept)
{
    static const struct {
        const char *text;
        bool keeps;
        bool keeps_after_head;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, true},
        {"HTTP/1.1 204 No Content\r\n\r\n", true, true},
        {"HTTP/1.1 304 Not Modified\r\n\r\n", true, true},
        {"HTTP/1.1 200 OK\r\n\r\n", false, true}, /* its end is the connection's */
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: x, Close\r\n\r\n", false,
         false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n", true,
         true},
        {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n", false,
         false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", false, false}, /* not whole */
        {"HTTP/1.1 103 Early Hints\r\n\r\n", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reply_head_clear(&head);
        cr_assert_eq(feed(rows[i].text), HEAD_FINE);
        cr_expect_eq(reply_head_keeps(&head, false), rows[i].keeps, "%s", rows[i].text);
        cr_expect_eq(reply_head_keeps(&head, true), rows[i].keeps_after_head, "%s",
                     rows[i].text);
    }
}

Test(reply_head, knows_a_reply_whose_end_is_ambiguous_from_a_merely_bad_one)
{
    static const struct {
        const char *text;
        bool is_ambiguous;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n", true},
        {"HTTP/1.1 200 OK\r\nContent-Length:\r\n", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n", true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n", true},
        {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
         true},
        {"HTTP/1.1 200 OK\r\nX: \x1b\r\n", false},
        {"HTTP/1.1 101 Switching Protocols\r\n", false},
        {"SSH-2.0-x\r\n", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reply_head_clear(&head);
        cr_assert_eq(feed(rows[i].text), HEAD_BAD, "%s", rows[i].text);
        cr_expect_eq(head.is_ambiguous, rows[i].is_ambiguous, "%s", rows[i].text);
    }
    reply_head_clear(&head);
    cr_assert_not(head.is_ambiguous);
}

Test(reply_head, lets_go_of_the_memory_of_a_large_head)
{
    char line[10000];
    memset(line, 'v', sizeof line);
    memcpy(line, "X: ", 3);
    line[sizeof line - 1] = '\n';
    reply_head_done(&head);
    reply_head_init(&head, 65536);
    cr_assert_eq(feed("HTTP/1.1 200 OK\r\n"), HEAD_FINE);
    cr_assert_eq(reply_head_line(&head, line, sizeof line), HEAD_FINE);
    reply_head_clear(&head);
    cr_assert_eq(head.text.cap, 0);
    cr_assert_eq(feed("HTTP/1.1 200 OK\r\nA: b\r\n\r\n"), HEAD_FINE);
    cr_assert_str_eq(fields(false), "a=b|");
}

Test(reply_head, without_room_for_its_text_a_head_is_too_large)
{
    head.text.max = 4;
    cr_assert_eq(feed("HTTP/1.1 200 OK\r\nLonger: than that\r\n"), HEAD_TOO_LARGE);
}

#ifndef __SANITIZE_ADDRESS__ /* which ends the process instead of letting realloc fail   \
                              */
Test(reply_head, without_memory_for_its_fields_a_head_is_too_large)
{
    cr_assert_eq(feed("HTTP/1.1 200 OK\r\n"), HEAD_FINE);
    head.count = head.fields_cap = (size_t)1 << 50;
    cr_assert_eq(feed("A: b\r\n"), HEAD_TOO_LARGE);
    cr_assert_str_eq(head.reason, "no memory for the reply's header");
    head.count = head.fields_cap = 0;
}
#endif
