/* SPDX-License-Identifier: Apache-2.0 */
/* Ports as one bit each: 8 KiB, built once at start, asked for every URL. Called by the
 * guard. */
#include "fetch/port_set.h"

#include <stddef.h>
#include <string.h>

/* https://fetch.spec.whatwg.org/#port-blocking: protocols that can be talked into acting
 * on an HTTP request. */
static const uint16_t bad_ports[] = {
    1,    7,    9,    11,   13,   15,   17,   19,   20,   21,   22,   23,    25,   37,
    42,   43,   53,   69,   77,   79,   87,   95,   101,  102,  103,  104,   109,  110,
    111,  113,  115,  117,  119,  123,  135,  137,  139,  143,  161,  179,   389,  427,
    465,  512,  513,  514,  515,  526,  530,  531,  532,  540,  548,  554,   556,  563,
    587,  601,  636,  989,  990,  993,  995,  1719, 1720, 1723, 2049, 3659,  4045, 4190,
    5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
};

/* Docker, etcd, MySQL, PostgreSQL, Redis, memcached, MongoDB. */
static const uint16_t store_ports[] = {
    2375, 2376, 2379, 2380, 3306, 5432, 6379, 11211, 27017,
};

static void add_port(struct port_set *set, uint16_t port)
{
    set->bits[port / 64] |= UINT64_C(1) << (port % 64);
}

/* Reads a port of 1 to 5 digits at `text` and returns what follows, or NULL. */
static const char *read_port(const char *text, uint16_t *ret_port)
{
    unsigned value = 0;
    size_t digits = 0;
    while (text[digits] >= '0' && text[digits] <= '9' && digits < 6)
        value = value * 10 + (unsigned)(text[digits++] - '0');
    if (digits == 0 || digits > 5 || value == 0 || value > UINT16_MAX)
        return NULL;
    *ret_port = (uint16_t)value;
    return text + digits;
}

bool port_range_parse(const char *text, uint16_t *ret_first, uint16_t *ret_last,
                      struct error *err)
{
    uint16_t first, last;
    const char *rest = read_port(text, &first);
    last = first;
    if (rest && *rest == '-')
        rest = read_port(rest + 1, &last);
    if (!rest || *rest != '\0' || last < first)
        return error_set(err, ERROR_INVALID,
                         "\"%.64s\" is not a port (1-65535) or a range like 1024-65535",
                         text);
    *ret_first = first;
    *ret_last = last;
    return true;
}

bool port_set_add_text(struct port_set *set, const char *text, struct error *err)
{
    if (strcmp(text, "unsafe") == 0) {
        for (size_t i = 0; i < sizeof bad_ports / sizeof *bad_ports; i++)
            add_port(set, bad_ports[i]);
        for (size_t i = 0; i < sizeof store_ports / sizeof *store_ports; i++)
            add_port(set, store_ports[i]);
        return true;
    }
    uint16_t first, last;
    if (!port_range_parse(text, &first, &last, err))
        return false;
    for (unsigned port = first; port <= last; port++)
        add_port(set, (uint16_t)port);
    return true;
}
