/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/egress_rule.h: what an entry may be, and what it fits. */
#include "fetch/egress_rule.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static struct egress_rule parse(const char *text)
{
    struct egress_rule rule;
    struct error err = {0};
    cr_assert(egress_rule_parse(text, &rule, &err), "%s: %s", text, err.text);
    return rule;
}

static bool fits_host(const char *entry, const char *host, uint16_t port,
                      enum egress_fit fit)
{
    struct egress_rule rule = parse(entry);
    struct egress_rules rules = {&rule, 1};
    return egress_rules_find_host(&rules, host, port, fit) != NULL;
}

static bool fits_address(const char *entry, const char *text, uint16_t port,
                         enum egress_fit fit)
{
    struct egress_rule rule = parse(entry);
    struct egress_rules rules = {&rule, 1};
    struct ip_address address;
    cr_assert(ip_address_parse(text, &address), "%s", text);
    return egress_rules_find_address(&rules, &address, port, fit) != NULL;
}

Test(egress_rule, a_network_fits_its_addresses_and_no_others)
{
    cr_expect(fits_address("10.1.0.0/16", "10.1.0.0", 80, EGRESS_ANY));
    cr_expect(fits_address("10.1.0.0/16", "10.1.255.255", 80, EGRESS_ANY));
    cr_expect(not(fits_address("10.1.0.0/16", "10.0.255.255", 80, EGRESS_ANY)));
    cr_expect(not(fits_address("10.1.0.0/16", "10.2.0.0", 80, EGRESS_ANY)));
    cr_expect(fits_address("10.0.0.0/9", "10.127.255.255", 80, EGRESS_ANY));
    cr_expect(not(fits_address("10.0.0.0/9", "10.128.0.0", 80, EGRESS_ANY)));
    cr_expect(fits_address("2001:db8::/33", "2001:db8:7fff::1", 80, EGRESS_ANY));
    cr_expect(not(fits_address("2001:db8::/33", "2001:db8:8000::1", 80, EGRESS_ANY)));
    cr_expect(fits_address("0.0.0.0/0", "203.0.113.9", 80, EGRESS_ANY));
}

Test(egress_rule, families_do_not_mix)
{
    cr_expect(not(fits_address("0.0.0.0/0", "::", 80, EGRESS_ANY)));
    cr_expect(not(fits_address("::/0", "0.0.0.0", 80, EGRESS_ANY)));
    cr_expect(not(fits_address("10.1.2.3", "::ffff:10.1.2.3", 80, EGRESS_ANY)));
}

Test(egress_rule, only_one_address_or_one_name_is_exact)
{
    cr_expect(fits_address("169.254.169.254", "169.254.169.254", 80, EGRESS_EXACT));
    cr_expect(fits_address("169.254.169.254/32", "169.254.169.254", 80, EGRESS_EXACT));
    cr_expect(fits_address("fd00:ec2::254", "fd00:ec2::254", 80, EGRESS_EXACT));
    cr_expect(
        not(fits_address("169.254.169.254/31", "169.254.169.254", 80, EGRESS_EXACT)));
    cr_expect(not(fits_address("169.254.0.0/16", "169.254.169.254", 80, EGRESS_EXACT)));
    cr_expect(fits_host("a.example", "a.example", 80, EGRESS_EXACT));
    cr_expect(not(fits_host("*.example", "a.example", 80, EGRESS_EXACT)));
}

Test(egress_rule, a_name_fits_itself_in_any_case_and_with_a_final_dot)
{
    cr_expect(fits_host("Host.Example", "host.example", 80, EGRESS_ANY));
    cr_expect(fits_host("host.example.", "host.example", 80, EGRESS_ANY));
    cr_expect(not(fits_host("host.example", "a.host.example", 80, EGRESS_ANY)));
    cr_expect(not(fits_host("host.example", "xhost.example", 80, EGRESS_ANY)));
}

Test(egress_rule, a_suffix_fits_what_is_below_it_only)
{
    cr_expect(fits_host("*.svc.example", "a.svc.example", 80, EGRESS_ANY));
    cr_expect(fits_host("*.svc.example", "a.b.svc.example", 80, EGRESS_ANY));
    cr_expect(not(fits_host("*.svc.example", "svc.example", 80, EGRESS_ANY)));
    cr_expect(not(fits_host("*.svc.example", "evilsvc.example", 80, EGRESS_ANY)));
    cr_expect(not(fits_host("*.svc.example", "a.svc.example.org", 80, EGRESS_ANY)));
}

Test(egress_rule, a_port_narrows_the_entry_to_that_port)
{
    cr_expect(fits_host("a.example:9000", "a.example", 9000, EGRESS_ANY));
    cr_expect(not(fits_host("a.example:9000", "a.example", 9001, EGRESS_ANY)));
    cr_expect(fits_address("10.0.0.0/8:8000-8999", "10.1.1.1", 8999, EGRESS_ANY));
    cr_expect(not(fits_address("10.0.0.0/8:8000-8999", "10.1.1.1", 9000, EGRESS_ANY)));
    cr_expect(fits_address("[2001:db8::1]:443", "2001:db8::1", 443, EGRESS_ANY));
    cr_expect(fits_address("[2001:db8::/32]:443", "2001:db8::1", 443, EGRESS_ANY));
    cr_expect(fits_address("[2001:db8::1]", "2001:db8::1", 80, EGRESS_ANY));
    cr_expect(not(fits_address("[2001:db8::1]:443", "2001:db8::1", 80, EGRESS_ANY)));
}

Test(egress_rule, only_an_entry_that_names_the_port_fits_with_port)
{
    cr_expect(fits_host("a.example:22", "a.example", 22, EGRESS_WITH_PORT));
    cr_expect(not(fits_host("a.example", "a.example", 22, EGRESS_WITH_PORT)));
    cr_expect(not(fits_address("10.0.0.0/8", "10.1.1.1", 22, EGRESS_WITH_PORT)));
}

Test(egress_rule, host_rules_do_not_fit_addresses_nor_the_other_way_round)
{
    cr_expect(not(fits_host("10.1.2.3", "10.1.2.3", 80, EGRESS_ANY)));
    cr_expect(not(fits_address("a.example", "10.1.2.3", 80, EGRESS_ANY)));
}

Test(egress_rule, entries_that_are_nothing_are_refused_with_a_sentence)
{
    static const char *const entries[] = {
        "",
        "10.1.2.3/33",
        "10.1.2.3/16",
        "10.1.2.3/",
        "10.1.2/24",
        "127.1",
        "2130706433",
        "0x7f.1",
        "2001:db8::/129",
        "2001:db8::1/64",
        "[::1",
        "[::1]:x",
        "[::1]80",
        "[10.1.2.3]",
        "[a.example]:80",
        "::1:99999999",
        "a.example:",
        "a.example:0",
        "a.example:65536",
        "a.example:9-1",
        "a.example:http",
        "*",
        "*.",
        "*.*.example",
        "a.*.example",
        "*example",
        "-a.example",
        "a-.example",
        "a..example",
        "a b",
        "a.example/8",
        "http://a.example",
        "user@a.example",
        "10.0.0.0/8/8",
        "fe80::1%eth0",
        "a\xc3\xa9.example",
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        struct egress_rule rule;
        struct error err = {0};
        cr_expect(not(egress_rule_parse(entries[i], &rule, &err)), "%s", entries[i]);
        cr_expect(eq(int, err.kind, ERROR_INVALID), "%s", entries[i]);
        cr_expect(ne(sz, strlen(err.text), 0), "%s", entries[i]);
    }
}

Test(egress_rule, an_entry_longer_than_any_name_is_refused)
{
    char entry[400];
    memset(entry, 'a', sizeof entry - 1);
    entry[sizeof entry - 1] = '\0';
    struct egress_rule rule;
    struct error err = {0};
    cr_expect(not(egress_rule_parse(entry, &rule, &err)));
}

Test(egress_rule, a_list_says_which_entry_is_wrong_and_stays_as_it_was)
{
    char good[] = "10.0.0.0/8", bad[] = "10.0.0.1/8";
    char *items[] = {good, bad};
    const struct config_strings texts = {items, 2};
    struct egress_rules rules = {0};
    struct error err = {0};
    cr_expect(not(egress_rules_add(&rules, &texts, &err)));
    cr_expect(strstr(err.text, "10.0.0.1/8") != NULL, "%s", err.text);
    cr_expect(eq(sz, rules.count, 0));
    egress_rules_done(&rules);
}

Test(egress_rule, a_second_list_stands_behind_the_first)
{
    char one[] = "10.0.0.0/8", other[] = "b.example", bad[] = "10.0.0.1/8";
    char *first[] = {one}, *second[] = {other}, *third[] = {bad};
    struct egress_rules rules = {0};
    struct error err;
    cr_assert(egress_rules_add(&rules, &(struct config_strings){first, 1}, &err));
    cr_assert(egress_rules_add(&rules, &(struct config_strings){second, 1}, &err));
    cr_assert(egress_rules_add(&rules, &(struct config_strings){0}, &err));
    cr_assert(not(egress_rules_add(&rules, &(struct config_strings){third, 1}, &err)));
    cr_assert(eq(sz, rules.count, 2));
    cr_expect(eq(int, rules.items[0].kind, EGRESS_NETWORK));
    cr_expect(eq(int, rules.items[1].kind, EGRESS_HOST));
    egress_rules_done(&rules);
}

Test(egress_rule, the_first_entry_that_fits_is_found)
{
    char wide[] = "*.example", narrow[] = "a.example:8443";
    char *items[] = {wide, narrow};
    const struct config_strings texts = {items, 2};
    struct egress_rules rules = {0};
    struct error err;
    cr_assert(egress_rules_add(&rules, &texts, &err));
    cr_expect(egress_rules_find_host(&rules, "a.example", 8443, EGRESS_ANY) ==
              &rules.items[0]);
    cr_expect(egress_rules_find_host(&rules, "a.example", 8443, EGRESS_EXACT) ==
              &rules.items[1]);
    cr_expect(egress_rules_find_host(&rules, "b.other", 80, EGRESS_ANY) == NULL);
    egress_rules_done(&rules);
}

Test(egress_rule, more_entries_than_memory_can_hold_are_refused)
{
    const struct config_strings texts = {NULL, SIZE_MAX / 2};
    struct egress_rules rules = {0};
    struct error err = {0};
    cr_assert(not(egress_rules_add(&rules, &texts, &err)));
    cr_expect(eq(int, err.kind, ERROR_LIMIT), "%s", err.text);
}
