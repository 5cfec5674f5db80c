/* SPDX-License-Identifier: Apache-2.0 */
/* H3: what stood between the parts of a head. The head is cut up here as the library
 * does it: parts by place, separators written over. */
#include "http/head_layout.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* The part `text` of `head`, searched from `*from` on. */
static struct slice part(const char *head, const char **from, const char *text)
{
    const char *found = strstr(*from, text);
    cr_assert_not_null(found, "\"%s\" in \"%s\"", text, head);
    *from = found + strlen(text);
    return slice_make(found, strlen(text));
}

/* A head with the request line "GET /t HTTP/1.1" and the headers Host: x and A: b in it;
 * `size` is what the library says. */
static bool is_plain_of(const char *head, size_t size)
{
    const char *from = head;
    struct slice method = part(head, &from, "GET");
    struct slice target = part(head, &from, "/t");
    struct slice version = part(head, &from, "HTTP/1.1");
    struct head_layout layout;
    head_layout_start(&layout, method, target, version, size);
    struct slice name = part(head, &from, "Host");
    head_layout_add(&layout, name, part(head, &from, "x"));
    name = part(head, &from, "A");
    head_layout_add(&layout, name, part(head, &from, "b"));
    return head_layout_is_plain(&layout);
}

static bool is_plain(const char *head)
{
    return is_plain_of(head, strlen(head));
}

Test(head_layout, h3_a_plain_head_is_one)
{
    cr_expect(is_plain("GET /t HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n"));
    cr_expect(is_plain("GET /t HTTP/1.1\r\nHost:x\r\nA:b\r\n\r\n"));
    cr_expect(is_plain("GET /t HTTP/1.1\r\nHost: \t x\r\nA:\tb\r\n\r\n"));
}

Test(head_layout, h3_anything_else_between_the_parts_is_seen)
{
    static const char *const heads[] = {
        "GET  /t HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n",
        "GET /t  HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n",
        "GET/t HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n",
        "GET /t HTTP/1.1\nHost: x\r\nA: b\r\n\r\n",
        "GET /t HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
        "GET /t HTTP/1.1\r\nHost: x\r\nA: b\n\r\n",
        "GET /t HTTP/1.1\r\nHost: x\r\nA: b\r\n\n",
        "GET /t HTTP/1.1\nHost: x\nA: b\n\n",
        "GET /t HTTP/1.1\r\nHost: x\r\n\r\nA: b\r\n\r\n",
        "GET /t HTTP/1.1\r\nHost: x \r\nA: b\r\n\r\n",
        "GET /t HTTP/1.1\r\nHost: x\r\nA: b \r\n\r\n",
        "GET /t HTTP/1.1\r\nHost: x\r\n A: b\r\n\r\n",
        "GET /t HTTP/1.1\r\n Host: x\r\nA: b\r\n\r\n",
        "GET /t HTTP/1.1\r\nHost:\r\n x\r\nA: b\r\n\r\n",
        "GET /t HTTP/1.1\r\nHost: \x01x\r\nA: b\r\n\r\n",
        "GET /t HTTP/1.1\r\nHost: x\r\nA: b\r\nhidden\r\n\r\n",
        "GET /t HTTP/1.1\r\nHost: x\r\nA: b\r\n",
        "GET /t HTTP/1.1 \r\nHost: x\r\nA: b\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cr_expect_not(is_plain(heads[i]), "%zu: %s", i, heads[i]);
}

/* A bare LF cannot be made up for by a blank elsewhere. */
Test(head_layout, h3_the_sum_alone_does_not_decide)
{
    cr_expect_not(is_plain("GET /t HTTP/1.1\r\nHost: x\nA:  b\r\n\r\n"));
    cr_expect_not(is_plain("GET /t HTTP/1.1\nHost: x\r\nA:  b\r\n\r\n"));
}

Test(head_layout, h3_a_size_that_does_not_fit_is_seen)
{
    static const char head[] = "GET /t HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
    for (size_t size = 0; size < 2 * sizeof head; size++)
        cr_expect_eq(is_plain_of(head, size), size == strlen(head), "%zu", size);
}

/* A value the library has put together elsewhere (a fold), below and above. */
Test(head_layout, h3_parts_from_elsewhere_are_seen)
{
    static const char memory[] = "below GET /t HTTP/1.1\r\nA: b\r\n\r\n above";
    const char *head = memory + 6;
    static const size_t elsewhere[] = {0, sizeof memory - 6};
    for (size_t i = 0; i < 2; i++) {
        struct head_layout layout;
        head_layout_start(&layout, slice_make(head, 3), slice_make(head + 4, 2),
                          slice_make(head + 7, 8), 25);
        head_layout_add(&layout, slice_make(head + 17, 1),
                        slice_make(memory + elsewhere[i], 5));
        cr_expect_not(head_layout_is_plain(&layout));
    }
}
