/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/own_listeners.h: under which addresses gatherd itself would answer. The machine's
 * interfaces are the test's own. */
#include "fetch/own_listeners.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

enum { PORT = 8080 };

static bool are_interfaces_unknown;
static struct sockaddr_in v4;
static struct sockaddr_in6 v6;
static struct sockaddr packet = {.sa_family = AF_PACKET};
static struct ifaddrs interfaces[] = {
    {.ifa_next = &interfaces[1]}, /* one without an address, as of a tunnel */
    {.ifa_next = &interfaces[2], .ifa_addr = &packet},
    {.ifa_next = &interfaces[3], .ifa_addr = (struct sockaddr *)&v4},
    {.ifa_addr = (struct sockaddr *)&v6},
};

/* Instead of the C library's. */
int getifaddrs(struct ifaddrs **ret_interfaces)
{
    if (are_interfaces_unknown) {
        errno = EMFILE;
        return -1;
    }
    v4 = (struct sockaddr_in){.sin_family = AF_INET};
    v6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
    inet_pton(AF_INET, "93.184.216.34", &v4.sin_addr);
    inet_pton(AF_INET6, "2606:2800:220:1::34", &v6.sin6_addr);
    *ret_interfaces = interfaces;
    return 0;
}

void freeifaddrs(struct ifaddrs *list)
{
    cr_assert(list == interfaces);
}

static bool add_known(struct own_listeners *own, const char *text, uint16_t port,
                      const struct own_listeners *known, struct error *err)
{
    struct ip_address address;
    struct sockaddr_storage sockaddr;
    cr_assert(ip_address_parse(text, &address));
    ip_address_to_sockaddr(&address, &sockaddr);
    ((struct sockaddr_in *)&sockaddr)->sin_port = htons(port);
    return own_listeners_add(own, (struct sockaddr *)&sockaddr, known, err);
}

static bool add(struct own_listeners *own, const char *text, uint16_t port,
                struct error *err)
{
    return add_known(own, text, port, NULL, err);
}

static bool has(const struct own_listeners *own, const char *text, uint16_t port)
{
    struct ip_address address;
    cr_assert(ip_address_parse(text, &address));
    return own_listeners_has(own, &address, port);
}

/* S4: and connecting to the wildcard leads to loopback. */
Test(own_listeners, a_listener_is_its_address_and_the_wildcard_on_its_port)
{
    struct own_listeners own = {0};
    struct error err;
    cr_assert(add(&own, "10.1.2.3", PORT, &err));
    cr_expect(has(&own, "10.1.2.3", PORT));
    cr_expect(has(&own, "0.0.0.0", PORT));
    cr_expect(has(&own, "::", PORT));
    cr_expect(not(has(&own, "10.1.2.3", PORT + 1)));
    cr_expect(not(has(&own, "10.1.2.4", PORT)));
    cr_expect(not(has(&own, "127.0.0.1", PORT)));
    own_listeners_done(&own);
}

/* S4: via a public address too. */
Test(own_listeners, a_wildcard_is_every_address_of_the_machine)
{
    static const char *const wildcards[] = {"0.0.0.0", "::"};
    for (size_t i = 0; i < 2; i++) {
        struct own_listeners own = {0};
        struct error err;
        cr_assert(add(&own, wildcards[i], PORT, &err));
        cr_expect(has(&own, "93.184.216.34", PORT));
        cr_expect(has(&own, "2606:2800:220:1::34", PORT));
        cr_expect(has(&own, "127.0.0.1", PORT) && has(&own, "127.200.0.1", PORT));
        cr_expect(has(&own, "::1", PORT) && has(&own, "::", PORT));
        cr_expect(not(has(&own, "93.184.216.35", PORT)));
        cr_expect(not(has(&own, "93.184.216.34", PORT - 1)));
        own_listeners_done(&own);
    }
}

Test(own_listeners, what_is_no_ip_address_is_passed_over)
{
    struct own_listeners own = {0};
    struct error err;
    struct sockaddr local = {.sa_family = AF_UNIX};
    cr_assert(own_listeners_add(&own, &local, NULL, &err));
    cr_expect(eq(sz, own.count, 0));
    own_listeners_done(&own);
}

Test(own_listeners, a_machine_that_does_not_tell_its_addresses_is_an_error)
{
    struct own_listeners own = {0};
    struct error err = {0};
    are_interfaces_unknown = true;
    cr_assert(not(add(&own, "0.0.0.0", PORT, &err)));
    cr_expect(strstr(err.text, "addresses") != NULL, "%s", err.text);
    own_listeners_done(&own);
}

/* In the sandbox it cannot be asked while the service runs. */
Test(own_listeners, a_wildcard_that_was_known_needs_nobody_to_ask)
{
    struct own_listeners before = {0}, after = {0};
    struct error err;
    cr_assert(add(&before, "0.0.0.0", PORT, &err) && add(&before, "::", PORT, &err));
    cr_assert(add(&before, "0.0.0.0", PORT + 1, &err));
    cr_assert(add(&before, "10.1.2.3", PORT, &err));
    are_interfaces_unknown = true;
    cr_assert(add_known(&after, "0.0.0.0", PORT, &before, &err));
    cr_assert(add_known(&after, "::", PORT, &before, &err));
    cr_expect(has(&after, "93.184.216.34", PORT));
    cr_expect(has(&after, "2606:2800:220:1::34", PORT));
    cr_expect(has(&after, "127.200.0.1", PORT) && has(&after, "::1", PORT));
    cr_expect(not(has(&after, "93.184.216.34", PORT + 1)), "that one is gone");
    cr_expect(not(has(&after, "10.1.2.3", PORT)), "and that one");
    cr_expect(not(add_known(&after, "0.0.0.0", PORT + 2, &before, &err)),
              "of that one nothing is known");
    own_listeners_done(&before);
    own_listeners_done(&after);
}

Test(own_listeners, from_reload_to_reload_they_do_not_become_more)
{
    static const char *const listeners[] = {"0.0.0.0", "::", "10.1.2.3"};
    struct own_listeners own = {0};
    struct error err;
    size_t count = 0;
    for (int reload = 0; reload < 5; reload++) {
        struct own_listeners next = {0};
        for (size_t i = 0; i < 3; i++)
            cr_assert(add_known(&next, listeners[i], PORT, &own, &err));
        cr_assert(count == 0 || next.count == count);
        count = next.count;
        own_listeners_done(&own);
        own = next;
    }
    own_listeners_done(&own);
}

Test(own_listeners, what_is_known_may_be_too_much_too)
{
    struct own_listeners known = {0}, own = {0};
    struct error err = {0};
    cr_assert(add(&known, "0.0.0.0", PORT, &err));
    for (uint16_t port = 1; add(&own, "10.1.2.3", port, &err); port++)
        ;
    cr_expect(not(add_known(&own, "0.0.0.0", PORT, &known, &err)));
    cr_expect(strstr(err.text, "too many addresses") != NULL, "%s", err.text);
    own_listeners_done(&known);
    own_listeners_done(&own);
}

Test(own_listeners, there_is_a_ceiling)
{
    struct own_listeners own = {0};
    struct error err = {0};
    uint16_t port = 1;
    while (port < UINT16_MAX && add(&own, "10.1.2.3", port, &err))
        port++;
    cr_expect(strstr(err.text, "too many listeners") != NULL, "%s", err.text);
    cr_expect(has(&own, "10.1.2.3", 1) && has(&own, "10.1.2.3", (uint16_t)(port - 1)));
    cr_expect(not(add(&own, "0.0.0.0", PORT, &err)));
    cr_expect(strstr(err.text, "too many addresses") != NULL, "%s", err.text);
    own_listeners_done(&own);
}
