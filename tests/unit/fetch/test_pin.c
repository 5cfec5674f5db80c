/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/pin.h: vetted addresses as text for libcurl and for people. */
#include "fetch/pin.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>

static const char *pin4(const char *ip, uint16_t port)
{
    static char text[PIN_SIZE];
    struct sockaddr_in in = {.sin_family = AF_INET};
    inet_pton(AF_INET, ip, &in.sin_addr);
    pin_write((const struct sockaddr *)&in, port, text, sizeof text);
    return text;
}

static const char *pin6(const char *ip, uint16_t port)
{
    static char text[PIN_SIZE];
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    inet_pton(AF_INET6, ip, &in6.sin6_addr);
    pin_write((const struct sockaddr *)&in6, port, text, sizeof text);
    return text;
}

Test(pin, fits_any_host_and_port_of_the_url)
{
    cr_assert_str_eq(pin4("192.0.2.1", 80), "::192.0.2.1:80");
    cr_assert_str_eq(pin6("2001:db8::1", 65535), "::[2001:db8::1]:65535");
}

Test(pin, holds_the_longest_address)
{
    const char *pin = pin6("1111:2222:3333:4444:5555:6666:7777:8888", 65535);
    cr_assert_str_eq(pin, "::[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}

Test(pin, reads_as_people_write_it)
{
    cr_assert_str_eq(pin_remote("::192.0.2.1:80"), "192.0.2.1:80");
    cr_assert_null(pin_remote(""));
}

Test(pin, is_empty_for_other_families)
{
    struct sockaddr other = {.sa_family = AF_UNIX};
    char text[PIN_SIZE] = "x";
    pin_write(&other, 80, text, sizeof text);
    cr_assert_str_eq(text, "");
}

/* S6: what was vetted is what is connected to. */
Test(pin, is_compared_with_the_address_of_a_connection)
{
    cr_assert(pin_is_ip("::192.0.2.1:80", "192.0.2.1", 80));
    cr_assert_not(pin_is_ip("::192.0.2.1:80", "192.0.2.1", 81));
    cr_assert_not(pin_is_ip("::192.0.2.11:80", "192.0.2.1", 80));
    cr_assert_not(pin_is_ip("::192.0.2.1:80", "192.0.2.11", 80));
    cr_assert(pin_is_ip("::[2001:db8::1]:443", "2001:db8::1", 443));
    cr_assert_not(pin_is_ip("::[2001:db8::11]:443", "2001:db8::1", 443));
    cr_assert_not(pin_is_ip("", "192.0.2.1", 80));
    cr_assert_not(pin_is_ip("::[2001:db8::1]:443", "2001:db8::", 443));
}

static struct sockaddr_storage address(const char *ip, uint16_t port)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *in = (void *)&storage;
    struct sockaddr_in6 *in6 = (void *)&storage;
    if (inet_pton(AF_INET, ip, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        return storage;
    }
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    inet_pton(AF_INET6, ip, &in6->sin6_addr);
    return storage;
}

static bool is_same(const char *a, const char *b)
{
    struct sockaddr_storage first = address(a, 80), second = address(b, 8080);
    return pin_is_address((struct sockaddr *)&first, (struct sockaddr *)&second);
}

Test(pin, an_address_is_itself_whatever_the_port_and_no_other)
{
    cr_assert(is_same("192.0.2.1", "192.0.2.1"));
    cr_assert_not(is_same("192.0.2.1", "192.0.2.2"));
    cr_assert(is_same("2001:db8::1", "2001:db8::1"));
    cr_assert_not(is_same("2001:db8::1", "2001:db8::2"));
    cr_assert_not(is_same("192.0.2.1", "::ffff:192.0.2.1"));
    struct sockaddr other = {.sa_family = AF_UNIX};
    cr_assert_not(pin_is_address(&other, &other));
}
