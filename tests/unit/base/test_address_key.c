/* SPDX-License-Identifier: Apache-2.0 */
/* By what clients are counted. */
#include "base/address_key.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static struct address_key key_of(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(7)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    struct address_key key;
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        cr_assert(address_key_of((const struct sockaddr *)&v4, &key));
    } else {
        cr_assert_eq(inet_pton(AF_INET6, text, &v6.sin6_addr), 1, "%s", text);
        cr_assert(address_key_of((const struct sockaddr *)&v6, &key));
    }
    return key;
}

static bool same(const char *a, const char *b)
{
    struct address_key first = key_of(a);
    struct address_key second = key_of(b);
    return address_key_is_equal(&first, &second);
}

Test(address_key, every_ipv4_address_is_one_however_it_is_written)
{
    cr_expect(same("192.0.2.1", "192.0.2.1"));
    cr_expect(same("192.0.2.1", "::ffff:192.0.2.1"));
    cr_expect_not(same("192.0.2.1", "192.0.2.2"));
    cr_expect_not(same("192.0.2.1", "193.0.2.1"));
    cr_expect_not(same("192.0.2.1", "::c000:201"));
}

Test(address_key, of_ipv6_the_first_64_bits_count)
{
    cr_expect(same("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"));
    cr_expect_not(same("2001:db8::1", "2001:db8:0:1::1"));
    cr_expect_not(same("2001:db8::1", "2001:db9::1"));
    cr_expect_not(same("2001:db8::ffff:c000:201", "192.0.2.1"));
    cr_expect_not(same("64:ff9b::192.0.2.1", "192.0.2.1"));
}

Test(address_key, a_unix_socket_has_no_number)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct address_key key = {.network = 1, .host = 1};
    cr_expect_not(address_key_of((const struct sockaddr *)&address, &key));
    cr_expect_eq(key.network | key.host, 0);
    cr_expect_not(address_key_of(NULL, &key));
}

Test(address_key, loopback_is_known_in_every_form)
{
    static const struct {
        const char *text;
        bool is_loopback;
    } rows[] = {
        {"127.0.0.1", true},
        {"127.255.255.255", true},
        {"::ffff:127.9.9.9", true},
        {"::1", true},
        {"126.255.255.255", false},
        {"128.0.0.0", false},
        {"0.0.0.0", false},
        {"10.0.0.1", false},
        {"255.0.0.1", false},
        {"::ffff:128.0.0.1", false},
        {"2001:db8::127.0.0.1", false},
        {"fe80::1", false},
        {"0:0:0:1::", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address_key key = key_of(rows[i].text);
        cr_expect_eq(address_key_is_loopback(&key), rows[i].is_loopback, "%s",
                     rows[i].text);
    }
}

Test(address_key, the_hash_depends_on_every_part)
{
    struct address_key key = key_of("192.0.2.1");
    uint64_t hash = address_key_hash(&key, 1);
    cr_expect_eq(hash, address_key_hash(&key, 1));
    cr_expect_neq(hash, address_key_hash(&key, 2));
    for (int bit = 0; bit < 64; bit++) {
        struct address_key other = key;
        other.network ^= 1ULL << bit;
        cr_expect_neq(hash, address_key_hash(&other, 1));
        other = key;
        other.host ^= 1ULL << bit;
        cr_expect_neq(hash, address_key_hash(&other, 1));
    }
}
