/* SPDX-License-Identifier: Apache-2.0 */
/* config/syntax_egress.c, and that its rules are those of the guard. */
#include "fetch/egress_rule.h"
#include "unit/config/syntax_fixture.h"

Test(syntax_egress, ports_and_ranges)
{
    static const char *const good[] = {"1", "80", "65535", "1-1", "1024-65535"};
    static const char *const bad[] = {"",      "0",      "65536", "80-",
                                      "-80",   "2-1",    "0-80",  "a",
                                      "80,81", "80 ",    "0x50",  "080",
                                      "1-2-3", "unsafe", "1 - 2", "99999999999999999999"};
    expect_all(syntax_is_ports, good, COUNT(good), true);
    expect_all(syntax_is_ports, bad, COUNT(bad), false);
    cr_assert(syntax_is_deny_ports("unsafe", NULL));
    cr_assert(syntax_is_deny_ports("6000-6100", NULL));
    cr_assert(not(syntax_is_deny_ports("safe", NULL)));
}

static const char *const good_rules[] = {"10.1.0.0/16",
                                         "0.0.0.0/0",
                                         "10.1.2.3",
                                         "10.1.2.3/32",
                                         "10.1.2.3:9000",
                                         "10.1.2.0/24:80-90",
                                         "2001:db8::/32",
                                         "2001:db8::1",
                                         "::1",
                                         "[2001:db8::1]",
                                         "[2001:db8::1]:443",
                                         "[2001:db8::/32]:443",
                                         "[::1]:80-90",
                                         "::ffff:10.0.0.1",
                                         "host",
                                         "host.example",
                                         "HOST.Example",
                                         "host.example.",
                                         "*.svc.example",
                                         "*.example:8443",
                                         "host.example:1-65535",
                                         "a_b.example",
                                         "xn--bcher-kva.example",
                                         "1.example",
                                         "*.*.example"};
static const char *const bad_rules[] = {"",
                                        "*",
                                        "*.",
                                        ".",
                                        "..",
                                        "*.*.",
                                        "a*.example",
                                        "*a.example",
                                        "host..example",
                                        "-a.example",
                                        "a-.example",
                                        "a b",
                                        "h\xc3\xa4.example",
                                        "10.1.0.0/33",
                                        "10.1.0.0/",
                                        "10.1.0.0/-1",
                                        "10.1.0.0/x",
                                        "10.1.2.3/16",
                                        "10.1.2",
                                        "10.1.2.3.4",
                                        "256.1.1.1",
                                        "127.1",
                                        "0x7f.0.0.1",
                                        "2130706433",
                                        "2001:db8::/129",
                                        "2001:db8::1/32",
                                        "2001:db8::g",
                                        "[::1",
                                        "::1]",
                                        "[10.1.2.3]:80",
                                        "[host]:80",
                                        "[]",
                                        "host.example/8",
                                        "host.example:",
                                        "host.example:0",
                                        "host.example:70000",
                                        "host.example:90-80",
                                        "host:80:90",
                                        "http://host",
                                        "host/path",
                                        "user@host",
                                        "host.example:https",
                                        "host.0x1",
                                        "host.7"};

Test(syntax_egress, egress_rules)
{
    expect_all(syntax_is_egress_rule, good_rules, COUNT(good_rules) - 1, true);
    expect_all(syntax_is_egress_rule, bad_rules, COUNT(bad_rules), false);
}

Test(syntax_egress, a_rule_has_a_ceiling)
{
    char text[400];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    cr_assert(not(syntax_is_egress_rule(text, NULL)));
}

/* Otherwise a checked configuration could still fail at the start, or worse, be read in
 * another sense than it was checked in. */
Test(syntax_egress, the_guard_takes_exactly_the_same_rules)
{
    struct egress_rule rule;
    for (size_t i = 0; i < COUNT(good_rules); i++)
        cr_expect(egress_rule_parse(good_rules[i], &rule, NULL) ==
                      syntax_is_egress_rule(good_rules[i], NULL),
                  "%s", good_rules[i]);
    for (size_t i = 0; i < COUNT(bad_rules); i++)
        cr_expect(not(egress_rule_parse(bad_rules[i], &rule, NULL)), "%s", bad_rules[i]);
}

/* All texts of a few characters that mean something in rules. */
Test(syntax_egress, the_guard_agrees_on_every_short_text)
{
    static const char alphabet[] = "a1.:*/-[]0";
    enum { LENGTH = 5, LETTERS = sizeof alphabet - 1 };
    struct egress_rule rule;
    size_t total = 1;
    for (int i = 0; i < LENGTH; i++)
        total *= LETTERS;
    for (size_t n = 0; n < total; n++) {
        char text[LENGTH + 1] = "";
        size_t rest = n;
        for (int i = 0; i < LENGTH; i++, rest /= LETTERS)
            text[i] = alphabet[rest % LETTERS];
        bool is_good = syntax_is_egress_rule(text, NULL);
        bool is_taken = egress_rule_parse(text, &rule, NULL);
        /* The check may be stricter (it refuses "a:01"), never looser. */
        cr_assert(is_taken || !is_good, "%s", text);
    }
}

Test(syntax_egress, schemes)
{
    cr_assert(syntax_is_scheme("http", NULL));
    cr_assert(syntax_is_scheme("https", NULL));
    cr_assert(not(syntax_is_scheme("HTTP", NULL)));
    cr_assert(not(syntax_is_scheme("file", NULL)));
}
