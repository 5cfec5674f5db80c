/* SPDX-License-Identifier: Apache-2.0 */
/* config/syntax.h, and that its rules are those of the guard. */
#include "config/syntax.h"
#include "fetch/egress_rule.h"
#include "fetch/port_set.h"
#include "support/expect.h"

#include <stdio.h>
#include <stdlib.h>

typedef bool syntax_fn(const char *text, struct error *err);

static void expect_all(syntax_fn *is_good, const char *const *texts, size_t count,
                       bool wanted)
{
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        cr_expect(is_good(texts[i], &err) == wanted, "\"%s\": %s", texts[i], err.text);
        cr_expect(wanted || err.text[0], "\"%s\" is refused without a sentence",
                  texts[i]);
    }
}
#define COUNT(list) (sizeof(list) / sizeof *(list))

Test(syntax, addresses_to_listen_on)
{
    static const char *const good[] = {
        "127.0.0.1:8080",  "0.0.0.0:0", "localhost:80",         "gate.example:65535",
        "[::1]:8080",      "[::]:80",   "unix:/run/g.sock",     "fd:3",
        "[2001:db8::5]:1", "fd:web",    "fd:gatherd-ops.socket"};
    static const char *const bad[] = {
        "",           "8080",           ":8080",       "127.0.0.1",
        "127.0.0.1:", "h:-1",           "h:65536",     "h:0x50",
        "h:080",      "h:http",         "::1:80",      "[::1]",
        "[::1]:",     "[127.0.0.1]:80", "[::g]:80",    "127.1:80",
        "0x7f.1:80",  "a b:80",         "-a:80",       "a..b:80",
        "*:80",       "unix:",          "unix:g.sock", "fd:",
        "fd:2",       "fd:-1",          "fd:99999999", "fd:3x",
        "fd:a:b",     "fd:.a",          "fd:a b",      "http://h:80",
        "h:80/",      "[]:80",          "]:80",        "1.2.3.4.5:80"};
    expect_all(syntax_is_listen, good, COUNT(good), true);
    expect_all(syntax_is_listen, bad, COUNT(bad), false);
}

Test(syntax, a_hand_over_is_at_a_unix_socket_or_nowhere)
{
    static const char *const good[] = {"", "unix:/run/gatherd/handover.sock"};
    static const char *const bad[] = {"/run/h", "unix:h", "127.0.0.1:80", "fd:3", "x"};
    expect_all(syntax_is_handover, good, COUNT(good), true);
    expect_all(syntax_is_handover, bad, COUNT(bad), false);
}

Test(syntax, a_unix_path_fits_the_kernel)
{
    char text[200] = "unix:/";
    memset(text + 6, 'a', 106);
    cr_assert(syntax_is_listen(text, NULL));
    memset(text + 6, 'a', 107);
    cr_assert(not(syntax_is_listen(text, NULL)));
}

Test(syntax, what_only_this_machine_reaches_is_local)
{
    static const char *const local[] = {"127.0.0.1:1",         "127.9.9.9:1", "[::1]:1",
                                        "localhost:1",         "LocalHost:1", "unix:/x",
                                        "[::ffff:127.0.0.1]:1"};
    static const char *const open[] = {
        "0.0.0.0:1",      "[::]:1", "10.0.0.1:1",         "128.0.0.1:1",
        "gate.example:1", "fd:3",   "[::ffff:1.2.3.4]:1", "localhost.example:1",
        "127.example:1"};
    for (size_t i = 0; i < COUNT(local); i++)
        cr_expect(syntax_is_local_listen(local[i]), "%s", local[i]);
    for (size_t i = 0; i < COUNT(open); i++)
        cr_expect(not(syntax_is_local_listen(open[i])), "%s", open[i]);
}

Test(syntax, ports_and_ranges)
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

Test(syntax, egress_rules)
{
    expect_all(syntax_is_egress_rule, good_rules, COUNT(good_rules) - 1, true);
    expect_all(syntax_is_egress_rule, bad_rules, COUNT(bad_rules), false);
}

Test(syntax, a_rule_has_a_ceiling)
{
    char text[400];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    cr_assert(not(syntax_is_egress_rule(text, NULL)));
}

/* Otherwise a checked configuration could still fail at the start, or worse, be read in
 * another sense than it was checked in. */
Test(syntax, the_guard_takes_exactly_the_same_rules)
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
Test(syntax, the_guard_agrees_on_every_short_text)
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

Test(syntax, proxies)
{
    static const char *const good[] = {"",
                                       "http://proxy:3128",
                                       "https://p.example:443",
                                       "socks5://127.0.0.1:1080",
                                       "socks5h://[::1]:1080",
                                       "http://user:p@ss@proxy:3128"};
    static const char *const bad[] = {
        "proxy:3128",     "http://",     "http://proxy", "ftp://p:1",
        "http://proxy:x", "http://fd:x", "http:// p:1",  "http://u:secret@proxy"};
    expect_all(syntax_is_proxy, good, COUNT(good), true);
    expect_all(syntax_is_proxy, bad, COUNT(bad), false);
}

Test(syntax, a_wrong_proxy_is_not_repeated_as_it_may_hold_a_password)
{
    struct error err;
    cr_assert(not(syntax_is_proxy("http://u:secret@proxy", &err)));
    cr_assert(strstr(err.text, "secret") == NULL);
}

Test(syntax, header_texts_are_printable_ascii)
{
    cr_assert(syntax_is_header_text("gatherd/1.0 (+https://example)", NULL));
    cr_assert(syntax_is_header_text("", NULL));
    cr_assert(not(syntax_is_header_text("a\r\nX: y", NULL)));
    cr_assert(not(syntax_is_header_text("a\tb", NULL)));
    cr_assert(not(syntax_is_header_text("gr\xc3\xbc\xc3\x9f", NULL)));
    cr_assert(not(syntax_is_header_text("\x7f", NULL)));
}

Test(syntax, key_names)
{
    static const char *const good[] = {"a", "billing", "Team-7_x.y", "0", "-", "..."};
    static const char *const bad[] = {"", "two words", "a/b", "a\nb", "\xc3\xbc", "a,b"};
    expect_all(syntax_is_key_name, good, COUNT(good), true);
    expect_all(syntax_is_key_name, bad, COUNT(bad), false);
    char text[66];
    memset(text, 'a', 65);
    text[65] = '\0';
    cr_assert(not(syntax_is_key_name(text, NULL)));
    text[64] = '\0';
    cr_assert(syntax_is_key_name(text, NULL));
}

Test(syntax, files_must_be_readable_now)
{
    struct error err;
    cr_assert(syntax_is_readable_file("", NULL));
    cr_assert(syntax_is_readable_file("/etc/passwd", NULL));
    cr_assert(not(syntax_is_readable_file("/nonexistent/x", &err)));
    expect_text(err.text, "cannot read /nonexistent/x: No such file or directory");
    cr_assert(not(syntax_is_readable_file("/tmp", &err)));
}

Test(syntax, pem_has_its_frame)
{
    cr_assert(syntax_is_pem("-----BEGIN X-----\n-----END X-----\n", NULL));
    cr_assert(not(syntax_is_pem("", NULL)));
    cr_assert(not(syntax_is_pem("-----BEGIN X-----", NULL)));
}

Test(syntax, the_services_own_hosts)
{
    static const char *const good[] = {"gatherd.example", "localhost", "a",
                                       "127.0.0.1",       "[::1]",     "[2001:db8::5]",
                                       "x-y_z.example"};
    static const char *const bad[] = {
        "",         "a:80", "127.0.0.1:80", "[::1]:80",   "::1", "a.", ".",  "*.example",
        "http://a", "a b",  "[a]",          "[]",         "[",   "]",  "-a", "a..b",
        "1.2.3",    "a/b",  "\xc3\xa9",     "[127.0.0.1]"};
    expect_all(syntax_is_own_host, good, COUNT(good), true);
    expect_all(syntax_is_own_host, bad, COUNT(bad), false);
}

Test(syntax, schemes)
{
    cr_assert(syntax_is_scheme("http", NULL));
    cr_assert(syntax_is_scheme("https", NULL));
    cr_assert(not(syntax_is_scheme("HTTP", NULL)));
    cr_assert(not(syntax_is_scheme("file", NULL)));
}

Test(syntax, a_header_for_deadlines)
{
    static const char *const good[] = {"", "X-Request-Timeout-Ms", "x_left!", "Proxyx",
                                       "1"};
    static const char *const bad[] = {"a b",       "a:",
                                      "\x7f",      "a\r\nb",
                                      "\xc3\xa4",  "Host",
                                      "TE",        "accept-encoding",
                                      "proxy-x",   "Cookie",
                                      "(x)",       "x@",
                                      "X-Api-Key", "content-length"};
    expect_all(syntax_is_deadline_header, good, COUNT(good), true);
    expect_all(syntax_is_deadline_header, bad, COUNT(bad), false);
}

/* Of 23, 24, 64 and 65 bytes. */
#define EIGHT "AAAAAAAAAAA"
#define B24 EIGHT EIGHT "AAAAAAAAAA"
#define B63 B24 B24 "AAAAAAAAAAAAAAAAAAAA"

Test(syntax, a_webhook_secret_is_the_base64_of_24_to_64_bytes)
{
    static const char *const good[] = {
        "whsec_" B24, "whsec_" B63 "AA==", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
    static const char *const bad[] = {"",
                                      "whsec_",
                                      B24,
                                      "whsec",
                                      "WHSEC_" B24,
                                      "whsk_" B24,
                                      "whsec_AAAA" B24 "A",
                                      "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                                      "whsec_" B63 "AAA=",
                                      "whsec_" B63 B63,
                                      "whsec_" B24 "\n",
                                      "whsec_-AAA" B24};
    struct error err;
    expect_all(syntax_is_webhook_secret, good, COUNT(good), true);
    expect_all(syntax_is_webhook_secret, bad, COUNT(bad), false);
    cr_assert(not(syntax_is_webhook_secret("whsec_MfKQ9r8G", &err)));
    cr_expect_null(strstr(err.text, "MfKQ"), "a refusal quotes nothing of it");
}

Test(syntax, an_endpoint_of_spans_is_a_url_without_secrets)
{
    static const char *const good[] = {
        "", "http://localhost:4318", "https://otel.example/",
        "http://[::1]:4318/v1/traces", "https://a.example/x?tenant=1&y=a@b"};
    static const char *const bad[] = {
        "localhost:4318", "ftp://a",      "http://",           "http:///x",
        "http://:1",      "http://u:p@a", "https://user@a/x",  "http://a/b c",
        "http://a/#x",    "http://a\\b",  "http://a/\xc3\xa4", "HTTP://a"};
    expect_all(syntax_is_otlp_endpoint, good, COUNT(good), true);
    expect_all(syntax_is_otlp_endpoint, bad, COUNT(bad), false);
    char long_one[1100] = "http://a/";
    memset(long_one + 9, 'x', sizeof long_one - 10);
    struct error err = {0};
    cr_assert(not(syntax_is_otlp_endpoint(long_one, &err)));
    cr_assert(not(syntax_is_otlp_endpoint("http://u:secret@a", &err)));
    cr_assert(strstr(err.text, "secret") == NULL);
}

Test(syntax, an_exports_headers_are_the_operators_but_those_that_frame_it)
{
    static const char *const good[] = {"authorization", "x-scope-orgid", "Api-Key"};
    static const char *const bad[] = {
        "", "a b", "a:", "content-type", "Content-Length", "HOST", "transfer-encoding"};
    expect_all(syntax_is_export_header, good, COUNT(good), true);
    expect_all(syntax_is_export_header, bad, COUNT(bad), false);
}
