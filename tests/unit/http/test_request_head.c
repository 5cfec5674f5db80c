/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for request heads, each with what it lets through and what it stops. */
#include "http/request_head.h"

#include <criterion/criterion.h>

/* A head of `lines` ("Name: value" each, NULL-terminated), judged as GET / HTTP/1.1. */
static struct request_head judged(const char *const *lines)
{
    struct request_head head = {.seen = 0};
    for (; *lines; lines++) {
        const char *colon = strchr(*lines, ':');
        request_head_add(&head, slice_make(*lines, (size_t)(colon - *lines)),
                         slice_from(colon + 1));
    }
    if (request_head_judge(&head, "GET", slice_from("/"), "HTTP/1.1"))
        cr_assert_null(head.fault);
    return head;
}

#define HEAD(...) judged((const char *const[]){"Host: a.example", __VA_ARGS__, NULL})

static void expect_fault(struct request_head head, const char *part)
{
    cr_assert_not_null(head.fault, "accepted; expected: %s", part);
    cr_expect(strstr(head.fault, part), "%s", head.fault);
}

Test(request_head, a_plain_head_passes)
{
    struct request_head head = HEAD("Accept: */*", "Content-Type:  text/plain\t",
                                    "Content-Length: 12", "X-Api-Key: k");
    cr_assert_null(head.fault);
    cr_expect(head.has_length && head.length == 12 && !head.is_chunked);
    cr_expect(slice_is(head.content_type, "text/plain"), "white space is trimmed");
    cr_expect(slice_is(head.api_key, "k"));
    cr_expect(head.header_count == 5);
}

Test(request_head, two_lengths_are_refused_even_if_equal)
{
    expect_fault(HEAD("Content-Length: 2", "content-length: 2"), "twice");
}

Test(request_head, a_length_with_chunks_is_refused)
{
    expect_fault(HEAD("Content-Length: 2", "Transfer-Encoding: chunked"), "exclude");
}

Test(request_head, only_chunked_is_a_transfer_encoding)
{
    cr_expect_null(HEAD("Transfer-Encoding: Chunked").fault);
    static const char *const wrong[] = {
        "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity",
        "Transfer-Encoding: ", "Transfer-Encoding: chunked, chunked"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_fault(HEAD(wrong[i]), "chunked");
    expect_fault(HEAD("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
                 "twice");
}

Test(request_head, a_trace_is_noted_whatever_it_is)
{
    cr_expect(!HEAD("Accept: */*").has_trace);
    struct request_head head = HEAD("traceparent: a", "traceparent: b");
    cr_expect(head.has_trace && !head.fault);
}

Test(request_head, a_length_is_digits)
{
    static const char *const wrong[] = {"Content-Length: -1",   "Content-Length: +3",
                                        "Content-Length: 0x10", "Content-Length: 1,1",
                                        "Content-Length: 1 1",  "Content-Length:"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_fault(HEAD(wrong[i]), "Content-Length");
    cr_expect(HEAD("Content-Length: 18446744073709551616").length == UINT64_MAX,
              "too large to count stays too large");
    cr_expect(HEAD("Content-Length: 99999999999999999999999").length == UINT64_MAX);
    cr_expect(HEAD("Content-Length: 0012").length == 12);
}

Test(request_head, there_is_exactly_one_sane_host)
{
    struct request_head none = {.seen = 0};
    cr_expect_not(request_head_judge(&none, "GET", slice_from("/"), "HTTP/1.1"));
    struct request_head old = {.seen = 0};
    cr_expect(request_head_judge(&old, "GET", slice_from("/"), "HTTP/1.0"),
              "HTTP/1.0 knows no Host");
    expect_fault(HEAD("Host: b.example"), "twice");
    static const char *const wrong[] = {
        "Host: a b",   "Host: a/b",      "Host: u@a",    "Host:",       "Host: a,b",
        "Host: <a>",   "Host: [::1",     "Host: ::1]",   "Host: []",    "Host: [",
        "Host: a:b",   "Host: a:80:90",  "Host: :80",    "Host: a:-1",  "Host: a:0x50",
        "Host: a:+80", "Host: a:999999", "Host: [::1]x", "Host: ::1",   "Host: [::1]:x",
        "Host: a%00",  "Host: :",        "Host: [a/b]",  "Host: [::1]]"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_fault(judged((const char *const[]){wrong[i], NULL}), "Host");
    static const char *const right[] = {"Host: [::1]:8080", "Host: 127.0.0.1",
                                        "Host: a_b.c:1",    "Host: [::ffff:1.2.3.4]",
                                        "Host: a:",         "Host: a.example.:65535"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        cr_expect_null(judged((const char *const[]){right[i], NULL}).fault, "%s",
                       right[i]);
}

Test(request_head, names_are_tokens)
{
    static const char *const wrong[] = {"Host : a", "X Y: a", "X(: a", ": a", "X\x80: a"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_fault(HEAD(wrong[i]), "token");
}

Test(request_head, values_hold_no_control_bytes)
{
    expect_fault(HEAD("X: a\x01"), "control");
    expect_fault(HEAD("X: a\rb"), "control");
    expect_fault(HEAD("X: a\x7f"), "control");
    cr_expect_null(HEAD("X: a\tb \xc3\xa9").fault, "tab and bytes above 0x7f may stand");
    struct request_head head = {.seen = 0};
    request_head_add(&head, slice_from("X"), slice_make("a\0b", 3));
    cr_expect_not_null(head.fault);
}

Test(request_head, credentials_come_once)
{
    expect_fault(HEAD("Authorization: Bearer a", "authorization: Bearer b"), "twice");
    expect_fault(HEAD("X-Api-Key: a", "X-Api-Key: b"), "twice");
    cr_expect_null(HEAD("Accept: a", "Accept: b", "Cookie: a", "Cookie: b").fault);
}

Test(request_head, expect_is_100_continue_or_refused)
{
    cr_expect_null(HEAD("Expect: 100-Continue").fault);
    expect_fault(HEAD("Expect: foo"), "Expect");
}

Test(request_head, lines_are_counted)
{
    struct request_head head = {.seen = 0};
    for (int i = 0; i < REQUEST_HEADERS_MAX; i++)
        request_head_add(&head, slice_from("X"), slice_from("y"));
    cr_expect_null(head.fault);
    request_head_add(&head, slice_from("X"), slice_from("y"));
    cr_assert_not_null(head.fault);
    cr_expect(head.fault_type == PROBLEM_HEAD_TOO_LARGE);
}

static enum problem_type refusal(const char *method, struct slice target,
                                 const char *version)
{
    struct request_head head = {.seen = 0};
    request_head_add(&head, slice_from("Host"), slice_from("a"));
    cr_assert_not(request_head_judge(&head, method, target, version), "%s %.*s %s",
                  method, (int)target.len, target.data, version);
    return head.fault_type;
}

Test(request_head, the_request_line_is_of_http_1)
{
    cr_expect(refusal("GET", slice_from("/"), "HTTP/2.0") == PROBLEM_HTTP_VERSION);
    cr_expect(refusal("GET", slice_from("/"), "HTTP/1.2") == PROBLEM_HTTP_VERSION);
    cr_expect(refusal("GET", slice_from("/"), "") == PROBLEM_HTTP_VERSION);
    cr_expect(refusal("G\xff", slice_from("/"), "HTTP/1.1") == PROBLEM_INVALID_REQUEST);
    cr_expect(refusal("", slice_from("/"), "HTTP/1.1") == PROBLEM_INVALID_REQUEST);
}

Test(request_head, the_target_is_a_visible_path)
{
    static const char *const wrong[] = {
        "",     "*",     "http://a.example/", "a.example:443", "/a b",
        "/a#b", "/\x01", "/\xc3\xa9",         "/a\x7f"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refusal("GET", slice_from(wrong[i]), "HTTP/1.1");
    refusal("GET", slice_make("/a\0b", 4), "HTTP/1.1");
}

Test(request_head, http_1_0_has_no_chunks)
{
    struct request_head head = {.seen = 0};
    request_head_add(&head, slice_from("Transfer-Encoding"), slice_from("chunked"));
    cr_expect_not(request_head_judge(&head, "POST", slice_from("/"), "HTTP/1.0"));
}

Test(request_head, request_ids_are_short_and_plain)
{
    cr_expect(request_head_id_is_sound(slice_from("a.B_9:-")));
    cr_expect_not(request_head_id_is_sound(slice_from("")));
    cr_expect_not(request_head_id_is_sound(slice_from("a b")));
    cr_expect_not(request_head_id_is_sound(slice_from("a\r\nb")));
    cr_expect_not(request_head_id_is_sound(slice_make("a\0", 2)));
    char text[129];
    memset(text, 'x', sizeof text);
    cr_expect(request_head_id_is_sound(slice_make(text, 128)));
    cr_expect_not(request_head_id_is_sound(slice_make(text, 129)));
}

Test(request_head, json_is_application_json_in_utf_8)
{
    static const char *const right[] = {"application/json",
                                        "Application/JSON",
                                        "application/json;charset=utf-8",
                                        "application/json ; charset=\"UTF-8\"",
                                        "application/json; odata=x; charset=utf-8",
                                        "application/json;"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        cr_expect(request_head_is_json(slice_from(right[i])), "%s", right[i]);
    static const char *const wrong[] = {"",
                                        "text/json",
                                        "application/jsonp",
                                        "application/json, text/plain",
                                        "application/json; charset=latin-1",
                                        "application/vnd.api+json",
                                        "json"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(request_head_is_json(slice_from(wrong[i])), "%s", wrong[i]);
}
