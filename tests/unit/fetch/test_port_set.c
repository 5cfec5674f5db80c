/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/port_set.h: ranges at their edges, and the ports called unsafe. */
#include "fetch/port_set.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static size_t count(const struct port_set *set)
{
    size_t found = 0;
    for (unsigned port = 0; port <= 65535; port++)
        found += port_set_has(set, (uint16_t)port);
    return found;
}

Test(port_set, a_range_holds_both_ends_and_nothing_beside_them)
{
    struct port_set set = {0};
    struct error err;
    cr_assert(port_set_add_text(&set, "1024-65535", &err));
    cr_assert(port_set_add_text(&set, "80", &err));
    cr_expect(port_set_has(&set, 1024) && port_set_has(&set, 65535) &&
              port_set_has(&set, 80));
    cr_expect(not(port_set_has(&set, 1023)));
    cr_expect(not(port_set_has(&set, 79)));
    cr_expect(not(port_set_has(&set, 81)));
    cr_expect(eq(sz, count(&set), 65536 - 1024 + 1));
}

/* S16: the unsafe ports. */
Test(port_set, unsafe_is_the_fetch_standards_list_and_the_data_stores)
{
    struct port_set set = {0};
    struct error err;
    cr_assert(port_set_add_text(&set, "unsafe", &err));
    static const uint16_t some[] = {1,        21,   22,   23,   25,   53,   110,   143,
                                    445 - 18, 587,  993,  2049, 6000, 6667, 10080, 2375,
                                    2376,     2379, 2380, 3306, 5432, 6379, 11211, 27017};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        cr_expect(port_set_has(&set, some[i]), "%u", some[i]);
    static const uint16_t fine[] = {80, 443, 8080, 8443, 3000, 9000, 5000, 65535};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        cr_expect(not(port_set_has(&set, fine[i])), "%u", fine[i]);
    cr_expect(eq(sz, count(&set), 82 + 9), "82 bad ports and 9 stores");
}

Test(port_set, what_is_no_port_is_refused_and_adds_nothing)
{
    static const char *const texts[] = {
        "",    "0",   "65536", "99999999999", "-1",   "+80",  " 80",    "80 ",  "80-",
        "-80", "9-1", "0-9",   "1-2-3",       "http", "safe", "80,443", "0x50", "1e3"};
    struct port_set set = {0};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct error err = {0};
        cr_expect(not(port_set_add_text(&set, texts[i], &err)), "%s", texts[i]);
        cr_expect(eq(int, err.kind, ERROR_INVALID));
    }
    cr_expect(eq(sz, count(&set), 0));
}
