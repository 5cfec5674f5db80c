/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/url.h: what is a URL, and that every spelling of an address is that address. */
#include "fetch/url.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static struct target parse(const char *url)
{
    struct target target;
    const char *reason = "";
    cr_assert(url_parse(slice_from(url), &target, &reason), "%s: %s", url, reason);
    return target;
}

static void expect_refused(const char *url)
{
    struct target target;
    const char *reason = NULL;
    cr_expect(not(url_parse(slice_from(url), &target, &reason)), "%s gave host \"%s\"",
              url, target.host);
    cr_expect(reason != NULL, "%s", url);
}

Test(url, a_plain_url_is_taken_apart)
{
    struct target target = parse("http://Example.COM/path?q#f");
    cr_expect_str_eq(target.scheme, "http");
    cr_expect_str_eq(target.host, "example.com");
    cr_expect(eq(int, target.port, 80));
    cr_expect(not(target.is_https));
    cr_expect(not(target.is_literal));
}

Test(url, the_port_is_the_written_one_or_the_schemes)
{
    cr_expect(eq(int, parse("https://a.example").port, 443));
    cr_expect(eq(int, parse("HTTPS://a.example:8443/").port, 8443));
    cr_expect(eq(int, parse("http://a.example:/").port, 80));
    cr_expect(eq(int, parse("http://a.example:080/").port, 80));
    cr_expect(parse("https://a.example").is_https);
}

/* S1: radix, number of parts, zeros and escapes. */
Test(url, every_spelling_of_an_ipv4_address_is_that_address)
{
    static const char *const spellings[] = {
        "http://127.0.0.1/",        "http://127.1/",
        "http://127.0.1/",          "http://2130706433/",
        "http://0x7f000001/",       "http://0x7F.1/",
        "http://0177.0.0.01/",      "http://017700000001/",
        "http://%31%32%37.0.0.1/",  "http://127.0.0.1:80",
        "http://0x7f.0x0.0x0.0x1/",
    };
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        struct target target = parse(spellings[i]);
        const struct sockaddr_in *in = (const void *)&target.address;
        cr_assert(target.is_literal, "%s", spellings[i]);
        cr_expect(eq(int, in->sin_family, AF_INET));
        cr_expect(eq(u32, ntohl(in->sin_addr.s_addr), 0x7f000001), "%s", spellings[i]);
        cr_expect(eq(int, ntohs(in->sin_port), 80));
        cr_expect_str_eq(target.host, "127.0.0.1", "%s", spellings[i]);
    }
}

Test(url, an_ipv6_literal_loses_its_brackets_and_gets_one_spelling)
{
    struct target target = parse("https://[2001:DB8:0:0::0001]:8443/");
    const struct sockaddr_in6 *in6 = (const void *)&target.address;
    cr_assert(target.is_literal);
    cr_expect_str_eq(target.host, "2001:db8::1");
    cr_expect(eq(int, in6->sin6_family, AF_INET6));
    cr_expect(eq(int, ntohs(in6->sin6_port), 8443));
    cr_expect(eq(u32, in6->sin6_scope_id, 0));
}

Test(url, numbers_that_are_no_address_are_no_name_either)
{
    static const char *const urls[] = {
        "http://127.0.0.1./", "http://127.1./",     "http://256.1.1.1/",
        "http://1.2.3.4.5/",  "http://a.0x7f/",     "http://a.0x/",
        "http://a.127/",      "http://4294967296/", "http://0x100000000/",
        "http://08.1.1.1.1/", "http://1..1/",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        expect_refused(urls[i]);
}

Test(url, a_final_dot_is_dropped_from_a_name)
{
    cr_expect_str_eq(parse("http://example.com./").host, "example.com");
    expect_refused("http://example.com../");
    expect_refused("http://./");
}

/* S13: ASCII only, no IDN, no Unicode digits. */
Test(url, names_are_letters_digits_hyphens_and_underscores)
{
    cr_expect_str_eq(parse("http://a_b.c-d.example/").host, "a_b.c-d.example");
    cr_expect_str_eq(parse("http://xn--bcher-kva.example/").host,
                     "xn--bcher-kva.example");
    cr_expect_str_eq(parse("http://localhost/").host, "localhost");
    cr_expect_str_eq(parse("http://1a.2b.c3/").host, "1a.2b.c3");
    static const char *const urls[] = {
        "http://a b.example/", "http://-a.example/",      "http://a-.example/",
        "http://a..example/",  "http://.example/",        "http://a*b/",
        "http://a!b/",         "http://a%2fb/",           "http://a%00b/",
        "http://a%20b/",       "http://a%40b/",           "http://a,b/",
        "http://a~b/",         "http://a%c3%a9.example/", "http://[a.example]/",
        "http://a%0d%0ab/",    "http://a%23b/",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        expect_refused(urls[i]);
}

/* S18: the ceiling of a name and its labels. */
Test(url, a_name_has_at_most_253_bytes_and_63_a_label)
{
    char url[400] = "http://";
    memset(url + 7, 'a', 63);
    strcpy(url + 7 + 63, ".example/");
    cr_expect(eq(sz, strlen(parse(url).host), 63 + 8));
    memset(url + 7, 'a', 64);
    strcpy(url + 7 + 64, ".example/");
    expect_refused(url);

    char *at = url + 7;
    for (size_t i = 0; i < 253; i++)
        *at++ = i % 50 == 49 ? '.' : 'b';
    strcpy(at, "/");
    cr_expect(eq(sz, strlen(parse(url).host), 253));
    strcpy(at, "b/");
    expect_refused(url);
}

/* S12: backslash, blanks, control bytes, NUL. */
Test(url, bytes_that_parsers_disagree_about_are_refused)
{
    static const char *const urls[] = {
        "",
        " http://a.example/",
        "http://a.example/ b",
        "http://a.example/\tb",
        "http://a.example/\r\nx",
        "http://a.example\\@b.example/",
        "http:\\\\a.example/",
        "http://a.example/\x7f",
        "http://b\xc3\xbc"
        "cher.example/",
        "http://\xe2\x91\xa0.example/", /* a circled digit */
        "http://127\xe3\x80\x82"
        "1/", /* an ideographic full stop */
        "http://a.example/\xc3\xa9",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        expect_refused(urls[i]);
    struct target target;
    const char *reason;
    cr_expect(not(url_parse(slice_make("http://a.example/\0x", 19), &target, &reason)));
}

/* S11: userinfo in a URL. */
Test(url, userinfo_is_refused)
{
    static const char *const urls[] = {
        "http://user@a.example/", "http://u:p@a.example/",       "http://@a.example/",
        "http://:@a.example/",    "http://a.example@127.0.0.1/", "http://a@b@c.example/"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        expect_refused(urls[i]);
    cr_expect_str_eq(parse("http://a.example/@b").host, "a.example");
    cr_expect_str_eq(parse("http://a.example?@b.example").host, "a.example");
    cr_expect_str_eq(parse("http://a.example#@b.example").host, "a.example");
}

/* S12: extra and missing slashes. */
Test(url, exactly_two_slashes_stand_before_the_host)
{
    static const char *const urls[] = {"http:a.example",
                                       "http:/a.example",
                                       "http:///a.example",
                                       "http:////a.example",
                                       "//a.example/",
                                       "http://",
                                       "http:///",
                                       "http://?q",
                                       "http://:80/",
                                       "a.example",
                                       "a.example:80/",
                                       "localhost:80",
                                       "/path",
                                       "://a",
                                       "1http://a.example/",
                                       "ht_tp://a.example/"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        expect_refused(urls[i]);
}

/* libcurl's own ceiling for a URL is 8,000,000 bytes. */
Test(url, one_longer_than_libcurl_takes_does_not_parse)
{
    static const char start[] = "http://a.example/";
    const size_t len = 8000100;
    char *url = malloc(len + 1);
    struct target target;
    const char *reason = NULL;
    cr_assert(url != NULL);
    memset(url, 'a', len);
    memcpy(url, start, sizeof start - 1);
    url[len] = '\0';
    cr_expect(not(url_parse(slice_make(url, len), &target, &reason)));
    cr_expect_str_eq(reason, "the URL does not parse");
    free(url);
}

Test(url, bad_ports_are_refused)
{
    static const char *const urls[] = {
        "http://a.example:0/",           "http://a.example:65536/",
        "http://a.example:99999999999/", "http://a.example:-1/",
        "http://a.example:8x/",          "http://a.example:80:80/",
        "http://a.example:+80/",         "http://a.example:%38/"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        expect_refused(urls[i]);
}

/* S2: zone ids. */
Test(url, zones_and_broken_ipv6_are_refused)
{
    static const char *const urls[] = {"http://[fe80::1%25eth0]/",
                                       "http://[fe80::1%eth0]/",
                                       "http://[::1/",
                                       "http://::1/",
                                       "http://[]/",
                                       "http://[::g]/",
                                       "http://[v1.x]/",
                                       "http://[::1]x/",
                                       "http://[127.0.0.1]/",
                                       "http://[1:2:3:4:5:6:7:8:9]/"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        expect_refused(urls[i]);
}

/* S10: no scheme is guessed. */
Test(url, another_scheme_parses_so_that_the_guard_can_refuse_it)
{
    static const struct {
        const char *url;
        const char *scheme;
    } cases[] = {{"ftp://a.example/", "ftp"},
                 {"FILE:///etc/passwd", "file"},
                 {"gopher://127.0.0.1:70/_x", "gopher"},
                 {"data:,x", "data"},
                 {"unix:/run/x.sock", "unix"},
                 {"ws+unix://x", "ws+unix"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct target target = parse(cases[i].url);
        cr_expect_str_eq(target.scheme, cases[i].scheme);
        cr_expect(not(target.is_https));
    }
    expect_refused("averyveryverylongscheme://a.example/");
}

static void expect_join(const char *base, const char *location, const char *wanted)
{
    char *joined = url_join(base, location);
    cr_assert(joined != NULL, "%s", location);
    cr_expect_str_eq(joined, wanted, "%s", location);
    free(joined);
}

/* S9: a Location against its base. */
Test(url, locations_resolve_as_rfc_3986_says)
{
    const char *base = "http://a.example/b/c/d?q";
    expect_join(base, "g", "http://a.example/b/c/g");
    expect_join(base, "./g", "http://a.example/b/c/g");
    expect_join(base, "/g", "http://a.example/g");
    expect_join(base, "//h.example/x", "http://h.example/x");
    expect_join(base, "?y", "http://a.example/b/c/d?y");
    expect_join(base, "../g", "http://a.example/b/g");
    expect_join(base, "../../../g", "http://a.example/g");
    expect_join(base, "https://h.example/x", "https://h.example/x");
    expect_join(base, "/a b", "http://a.example/a%20b");
    expect_join(base, "ftp://h.example/x", "ftp://h.example/x");
}

/* S9: and nothing gets in by joining. */
Test(url, a_joined_location_is_vetted_like_any_url)
{
    char *joined = url_join("https://a.example/", "//user:pw@127.0.0.1/");
    cr_assert(joined != NULL);
    expect_refused(joined);
    free(joined);
    joined = url_join("https://a.example/", "//2130706433/");
    cr_assert(joined != NULL);
    cr_expect(parse(joined).is_literal);
    free(joined);
}

Test(url, what_gives_no_url_joins_to_nothing)
{
    cr_expect(url_join("not a url", "/x") == NULL);
    cr_expect(url_join("http://a.example/", "http://[::1/") == NULL);
    cr_expect(url_join("http://a.example/", "http://a.example:99999/") == NULL);
}
