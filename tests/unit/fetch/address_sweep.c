/* SPDX-License-Identifier: Apache-2.0 */
/* Every IPv4 address, and IPv6 addresses around every edge of every prefix, classified by
 * fetch/address_class.h and by a table of its own (special_addresses.txt):
 *
 *     address_sweep TABLE STEP
 *
 * STEP 1 is all 2^32 and more than 10^7 of IPv6; more is every STEPth, for slow builds.
 * No Criterion: it runs in threads, and for some time. */
#include "fetch/address_class.h"

#include "support/address_table.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS_MAX = 8, AROUND_EDGE = 60000, RANDOM_PER_ROW = 20000 };

static struct address_table table;
static atomic_ulong wrong;

static void complain(const char *what, const struct ip_address *address)
{
    char text[INET6_ADDRSTRLEN];
    inet_ntop(address->is_v4 ? AF_INET : AF_INET6, address->bytes, text, sizeof text);
    if (atomic_fetch_add(&wrong, 1) < 20)
        fprintf(stderr, "%s: %s\n", text, what);
}

/* ----------------------------------------------------------------------- IPv4 */

/* From `value` the expectation stays the same up to and with the returned address. */
static uint32_t end_of_segment(uint32_t value)
{
    uint32_t end = UINT32_MAX;
    for (size_t i = 0; i < table.count; i++) {
        if (!table.rows[i].is_v4)
            continue;
        if (table.rows[i].first > value && table.rows[i].first - 1 < end)
            end = (uint32_t)table.rows[i].first - 1;
        if (table.rows[i].last >= value && table.rows[i].last < end)
            end = (uint32_t)table.rows[i].last;
    }
    return end;
}

struct share {
    uint32_t first;
    uint32_t last;
    uint32_t step;
    uint64_t done;
};

static void *sweep_v4(void *data)
{
    struct share *share = data;
    uint32_t end = share->first;
    enum address_class class = address_table_class(&table, true, end);
    for (uint64_t at = share->first; at <= share->last; at += share->step) {
        if (at == share->first || at > end) {
            end = end_of_segment((uint32_t)at);
            class = address_table_class(&table, true, at);
        }
        uint32_t order = htonl((uint32_t)at);
        struct ip_address address = {.is_v4 = true};
        memcpy(address.bytes, &order, 4);
        if (address_class_of(&address, NULL) != class)
            complain("is classified otherwise", &address);
        share->done++;
    }
    return NULL;
}

static uint64_t sweep_all_v4(uint32_t step)
{
    static struct share shares[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned count = cpus < 1 ? 1 : cpus > THREADS_MAX ? THREADS_MAX : (unsigned)cpus;
    uint64_t done = 0;
    for (unsigned i = 0; i < count; i++) {
        shares[i] = (struct share){
            .first = (uint32_t)((UINT64_C(1) << 32) * i / count),
            .last = (uint32_t)((UINT64_C(1) << 32) * (i + 1) / count - 1),
            .step = step,
        };
        if (pthread_create(&threads[i], NULL, sweep_v4, &shares[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        done += shares[i].done;
    }
    return done;
}

/* ----------------------------------------------------------------------- IPv6 */

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static wide_address random_wide(void)
{
    return (wide_address)random_64() << 64 | random_64();
}

static uint64_t check(bool is_v4, wide_address value)
{
    struct ip_address address = address_from_wide(is_v4, value);
    if (address_class_of(&address, NULL) != address_table_class(&table, is_v4, value))
        complain("is classified otherwise", &address);
    return 1;
}

/* Around an edge; and with one and with two of its bits wrong. */
static uint64_t sweep_edge(wide_address edge, uint32_t step)
{
    uint64_t done = 0;
    for (wide_address k = 0; k < AROUND_EDGE; k += step)
        done += check(false, edge + k) + check(false, edge - k - 1);
    for (unsigned a = 0; a < 128; a++) {
        for (unsigned b = 0; b <= a; b += step)
            done += check(false, edge ^ (wide_address)1 << a ^
                                     (a == b ? 0 : (wide_address)1 << b));
    }
    return done;
}

static uint64_t sweep_all_v6(uint32_t step)
{
    uint64_t done = 0;
    done += sweep_edge((wide_address)0x2000 << 112, step) +
            sweep_edge((wide_address)0x4000 << 112, step);
    for (size_t i = 0; i < table.count; i++) {
        if (table.rows[i].is_v4)
            continue;
        done += sweep_edge(table.rows[i].first, step) +
                sweep_edge(table.rows[i].last + 1, step);
        wide_address inside = table.rows[i].last - table.rows[i].first;
        for (unsigned n = 0; n < RANDOM_PER_ROW; n += step) {
            done += check(false, table.rows[i].first + (random_wide() & inside));
            done += check(false, (wide_address)1 << 125 | random_wide() >> 3);
            done += check(false, random_wide());
        }
    }
    return done;
}

/* ---------------------------------------------------------- IPv4 within IPv6 */

/* Each form as its RFC draws it: what stands before, the bits from the right at which the
 * four bytes go (RFC 6052 2.2 leaves bits 64 to 71 zero), and what is xored onto them. */
struct form {
    const char *name;
    uint64_t high;
    uint64_t low;
    unsigned at[4];
    uint8_t mask;
};

static const struct form forms[] = {
    {"mapped, RFC 4291 2.5.5.2", 0, 0x0000ffff00000000, {24, 16, 8, 0}, 0},
    {"compatible, RFC 4291 2.5.5.1", 0, 0, {24, 16, 8, 0}, 0},
    {"translated, RFC 2765", 0, 0xffff000000000000, {24, 16, 8, 0}, 0},
    {"NAT64, RFC 6052", 0x0064ff9b00000000, 0, {24, 16, 8, 0}, 0},
    {"local NAT64 /96, RFC 8215", 0x0064ff9b00010000, 0, {24, 16, 8, 0}, 0},
    {"local NAT64 /48", 0x0064ff9b00010000, 0, {72, 64, 48, 40}, 0},
    {"local NAT64 /56", 0x0064ff9b00010000, 0, {64, 48, 40, 32}, 0},
    {"local NAT64 /64", 0x0064ff9b00010000, 0, {48, 40, 32, 24}, 0},
    {"6to4, RFC 3056", 0x2002000000000000, 1, {104, 96, 88, 80}, 0},
    {"Teredo server, RFC 4380", 0x2001000000000000, 0, {88, 80, 72, 64}, 0},
    {"Teredo client", 0x2001000000000000, 0, {24, 16, 8, 0}, 0xff},
};

static bool embeds(const struct ip_address *outer, const struct ip_address *inner)
{
    struct ip_address found[ADDRESS_EMBEDDED_MAX];
    size_t count = address_embedded(outer, found);
    for (size_t i = 0; i < count; i++) {
        if (found[i].is_v4 && memcmp(found[i].bytes, inner->bytes, 4) == 0)
            return true;
    }
    return false;
}

static uint64_t check_forms(uint32_t value)
{
    struct ip_address inner = address_from_wide(true, value);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct form *form = &forms[i];
        wide_address outer = (wide_address)form->high << 64 | form->low;
        for (unsigned byte = 0; byte < 4; byte++)
            outer |= (wide_address)(inner.bytes[byte] ^ form->mask) << form->at[byte];
        struct ip_address address = address_from_wide(false, outer);
        if (address_class_of(&address, NULL) == ADDRESS_PUBLIC)
            complain("embeds IPv4 and is public", &address);
        bool is_low = form->high == 0 && form->low == 0 && value <= 1; /* :: and ::1 */
        if (!is_low && !embeds(&address, &inner))
            complain(form->name, &address);
    }
    return sizeof forms / sizeof *forms;
}

static uint64_t sweep_forms(uint32_t step)
{
    uint64_t done = 0;
    for (size_t i = 0; i < table.count; i++) {
        if (!table.rows[i].is_v4)
            continue;
        uint32_t first = (uint32_t)table.rows[i].first;
        uint32_t last = (uint32_t)table.rows[i].last;
        const uint32_t edges[] = {first, first - 1, last, last + 1};
        for (size_t edge = 0; edge < 4; edge++)
            done += check_forms(edges[edge]) + check(true, edges[edge]);
    }
    for (unsigned n = 0; n < 200000; n += step)
        done += check_forms((uint32_t)random_64());
    return done;
}

/* Nothing is made out to be IPv4 that is not. */
static void check_plain(void)
{
    static const char *const plain[] = {"::",      "::1",           "2606:2800:220:1::34",
                                        "fe80::1", "fd00:ec2::254", "2003::1"};
    struct ip_address address, found[ADDRESS_EMBEDDED_MAX];
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (!ip_address_parse(plain[i], &address) || address_embedded(&address, found))
            complain("is made out to hold IPv4", &address);
    }
}

int main(int argc, char **argv)
{
    uint32_t step = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    if (step == 0) {
        fprintf(stderr, "usage: address_sweep TABLE STEP\n");
        return 2;
    }
    address_table_read(&table, argv[1]);
    uint64_t v6 = sweep_all_v6(step);
    uint64_t embedded = sweep_forms(step);
    check_plain();
    uint64_t v4 = sweep_all_v4(step);
    unsigned long failures = atomic_load(&wrong);
    printf("%zu prefixes; %llu IPv4, %llu IPv6 addresses, %llu with IPv4 in them: %lu "
           "wrong\n",
           table.count, (unsigned long long)v4, (unsigned long long)v6,
           (unsigned long long)embedded, failures);
    return failures ? 1 : 0;
}
