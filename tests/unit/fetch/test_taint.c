/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/taint.h: who is tainted for how long, and what is no offence. */
#include "fetch/taint.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

enum { NOW_MS = 5000000 };

static struct taints *taints;

static void setup(void)
{
    taints = taints_new();
}

static void teardown(void)
{
    taints_free(taints);
}

TestSuite(taint, .init = setup, .fini = teardown);

static struct target target(const char *host, uint16_t port, bool is_https)
{
    struct target made = {.port = port, .is_https = is_https};
    snprintf(made.host, sizeof made.host, "%s", host);
    return made;
}

static uint64_t key(const char *host, uint16_t port, bool is_https)
{
    struct target named = target(host, port, is_https);
    return taints_key(taints, &named);
}

Test(taint, keys_tell_host_port_and_scheme_apart)
{
    uint64_t one = key("a.test", 80, false);
    cr_assert_eq(one, key("a.test", 80, false));
    cr_assert_neq(one, key("b.test", 80, false));
    cr_assert_neq(one, key("a.test", 81, false));
    cr_assert_neq(one, key("a.test", 80, true));
    cr_assert_neq(one, 0);
}

Test(taint, lasts_a_minute_and_only_for_its_origin)
{
    uint64_t bad = key("bad.test", 80, false), good = key("good.test", 80, false);
    cr_assert_not(taints_has(taints, bad, NOW_MS));
    cr_assert(taints_note(taints, bad, NOW_MS));
    cr_assert(taints_has(taints, bad, NOW_MS));
    cr_assert(taints_has(taints, bad, NOW_MS + TAINT_FIRST_MS - 1));
    cr_assert_not(taints_has(taints, bad, NOW_MS + TAINT_FIRST_MS));
    cr_assert_not(taints_has(taints, good, NOW_MS));
}

Test(taint, a_burst_counts_once)
{
    uint64_t bad = key("bad.test", 80, false);
    cr_assert(taints_note(taints, bad, NOW_MS));
    for (int i = 0; i < 300; i++)
        cr_assert_not(taints_note(taints, bad, NOW_MS + TAINT_FIRST_MS - 1));
    cr_assert_not(taints_has(taints, bad, NOW_MS + TAINT_FIRST_MS));
}

Test(taint, each_relapse_doubles_it_up_to_an_hour)
{
    uint64_t bad = key("bad.test", 80, false), now_ms = NOW_MS,
             length_ms = TAINT_FIRST_MS;
    for (int i = 0; i < 300; i++) {
        cr_assert(taints_note(taints, bad, now_ms));
        cr_assert(taints_has(taints, bad, now_ms + length_ms - 1));
        cr_assert_not(taints_has(taints, bad, now_ms + length_ms), "relapse %d", i);
        now_ms += length_ms;
        length_ms = 2 * length_ms < TAINT_LONGEST_MS ? 2 * length_ms : TAINT_LONGEST_MS;
    }
}

Test(taint, is_forgiven_after_an_hour_of_good_conduct)
{
    uint64_t bad = key("bad.test", 80, false);
    uint64_t end_ms = NOW_MS + TAINT_FIRST_MS;
    cr_assert(taints_note(taints, bad, NOW_MS));
    cr_assert(taints_note(taints, bad, end_ms + TAINT_FORGIVEN_MS));
    cr_assert_not(taints_has(taints, bad, end_ms + TAINT_FORGIVEN_MS + TAINT_FIRST_MS));
}

/* More than the table holds: the latest stay. */
Test(taint, a_full_table_forgets_what_ends_first)
{
    enum { MANY = 10000, LATEST = 100 };
    char host[32];
    int kept = 0;
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(host, sizeof host, "h%u.test", i);
        cr_assert(taints_note(taints, key(host, 80, false), NOW_MS + 1000 * i));
        cr_assert(taints_has(taints, key(host, 80, false), NOW_MS + 1000 * i));
    }
    for (unsigned i = MANY - 60; i < MANY; i++) {
        snprintf(host, sizeof host, "h%u.test", i);
        kept += taints_has(taints, key(host, 80, false), NOW_MS + 1000 * (MANY - 1));
    }
    cr_assert_geq(kept, 55); /* five of one set among sixty are rare */
}

static bool is_offence(const char *bytes, size_t len, bool is_tls)
{
    return taint_is_offence((const unsigned char *)bytes, len, is_tls);
}

Test(taint, any_bytes_on_an_idle_plain_connection_are_an_offence_but_408)
{
    cr_assert_not(is_offence("", 0, false));
    cr_assert(is_offence("H", 1, false));
    cr_assert(is_offence("\n", 1, false));
    cr_assert(is_offence("HTTP/1.1 200 OK\r\n", 16, false));
    cr_assert_not(is_offence("HTTP/1.1 408 Req", 16, false));
    cr_assert_not(is_offence("HTTP/1.0 408", 12, false));
    cr_assert(is_offence("HTTP/1.1 40", 11, false));
    cr_assert(is_offence("HTTP/2.1 408 Req", 16, false));
    cr_assert(is_offence("HTTP/1.1 428 Req", 16, false));
}

Test(taint, data_of_an_idle_tls_connection_is_an_offence_but_alerts_and_new_keys)
{
    cr_assert_not(is_offence("\x15\x03\x03\x00\x1a", 5, true)); /* TLS 1.2 */
    cr_assert_not(is_offence("\x17\x03\x03\x00\x13", 5, true)); /* TLS 1.3, sealed */
    cr_assert_not(is_offence("\x17\x03\x03\x00\x16", 5, true)); /* KeyUpdate */
    cr_assert(is_offence("\x17\x03\x03\x00\x17", 5, true));
    cr_assert(is_offence("\x17\x03\x03\x01\x00", 5, true));
    cr_assert(is_offence("\x17\x03\x03", 3, true));
    cr_assert(is_offence("\x16\x03\x03\x00\x13", 5, true));
    cr_assert(is_offence("HTTP/1.1 408 Req", 16, true));
}
