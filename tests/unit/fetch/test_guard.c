/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/guard.h: the order of judgement, and that nothing but an exact entry opens
 * metadata services and gatherd itself. */
#include "guard_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <string.h>

static enum verdict judge_url(const struct guard *guard, const char *url)
{
    struct target target = target_of(url);
    const char *reason = NULL;
    enum verdict verdict = guard_judge_target(guard, &target, &reason);
    cr_expect(eq(int, verdict == VERDICT_ALLOW, reason == NULL),
              "%s: a reason comes with a refusal", url);
    return verdict;
}

/* The verdict when `url` resolved to `text`. */
static enum verdict judge_resolved(const struct guard *guard, const char *url,
                                   const char *text)
{
    struct target target = target_of(url);
    struct sockaddr_storage address = address_of(text);
    const char *reason = NULL;
    return guard_judge_address(guard, &target, (const struct sockaddr *)&address,
                               &reason);
}

static void expect_all(const struct guard *guard, const char *const *urls, size_t count,
                       enum verdict wanted)
{
    for (size_t i = 0; i < count; i++)
        cr_expect(eq(int, judge_url(guard, urls[i]), wanted), "%s", urls[i]);
}

#define EXPECT_ALL(guard, urls, wanted)                                                  \
    expect_all(guard, urls, sizeof(urls) / sizeof *(urls), wanted)

Test(guard, public_hosts_and_addresses_are_open_by_default)
{
    struct guard *guard = guard_of((struct policy){0});
    static const char *const urls[] = {"http://example.com/", "https://example.com/",
                                       "http://example.com:8080/", "http://1.1.1.1/",
                                       "http://[2606:4700::1111]/"};
    EXPECT_ALL(guard, urls, VERDICT_ALLOW);
    cr_expect(eq(int, judge_resolved(guard, "http://a.example/", "93.184.216.34"),
                 VERDICT_ALLOW));
    guard_free(guard);
}

/* S1, S2: from the URL to the verdict. */
Test(guard, private_addresses_are_refused_in_any_notation)
{
    struct guard *guard = guard_of((struct policy){0});
    static const char *const urls[] = {
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.1/",
        "http://127.1/",
        "http://0x7f.0.0.0x1/",
        "http://%31%32%37.0.0.1/",
        "http://0/",
        "http://10.0.0.1/",
        "http://172.16.9.9/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://169.254.1.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:8.8.8.8]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::8.8.8.8]/",
        "http://[64:ff9b:1::1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001:0:1:2::3]/",
        "http://[fc00::1]/",
        "http://[fe80::1]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
        "http://[2001:db8::1]/",
        "http://[100::1]/",
    };
    EXPECT_ALL(guard, urls, VERDICT_BLOCK_ADDRESS);
    guard_free(guard);
}

/* S5: every address of a name is judged. */
Test(guard, a_public_name_that_resolves_to_a_private_address_is_refused)
{
    struct guard *guard = guard_of((struct policy){0});
    static const char *const addresses[] = {
        "127.0.0.1", "10.1.2.3",        "169.254.169.254", "::1",
        "fd00::1",   "::ffff:10.1.2.3", "64:ff9b::a01:203"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        cr_expect(eq(int, judge_resolved(guard, "http://a.example/", addresses[i]),
                     VERDICT_BLOCK_ADDRESS),
                  "%s", addresses[i]);
    guard_free(guard);
}

/* S10: http and https. */
Test(guard, schemes_but_the_listed_ones_are_refused)
{
    struct guard *guard = guard_of((struct policy){0});
    static const char *const odd[] = {"ftp://example.com/",    "file:///etc/passwd",
                                      "gopher://example.com/", "dict://example.com/",
                                      "data:,hello",           "javascript:alert(1)",
                                      "unix:/run/x.sock"};
    EXPECT_ALL(guard, odd, VERDICT_BLOCK_URL);
    guard_free(guard);

    guard = guard_of((struct policy){.schemes = {"https"}});
    cr_expect(eq(int, judge_url(guard, "http://example.com/"), VERDICT_BLOCK_URL));
    cr_expect(eq(int, judge_url(guard, "https://example.com/"), VERDICT_ALLOW));
    guard_free(guard);
}

/* S16: before anything is looked up. */
Test(guard, ports_outside_the_list_and_unsafe_ones_are_refused)
{
    struct guard *guard = guard_of((struct policy){0});
    static const char *const odd[] = {
        "http://example.com:22/",    "http://example.com:25/",
        "http://example.com:81/",    "http://example.com:6379/",
        "http://example.com:27017/", "http://example.com:6667/",
        "http://10.0.0.1:22/",
    };
    EXPECT_ALL(guard, odd, VERDICT_BLOCK_URL);
    guard_free(guard);
}

Test(guard, an_allowed_network_opens_its_private_addresses_and_no_others)
{
    struct guard *guard =
        guard_of((struct policy){.allow = {"10.1.0.0/16", "fd12::/16"}});
    cr_expect(eq(int, judge_url(guard, "http://10.1.2.3/"), VERDICT_ALLOW));
    cr_expect(eq(int, judge_url(guard, "http://10.2.2.3/"), VERDICT_BLOCK_ADDRESS));
    cr_expect(eq(int, judge_url(guard, "http://[fd12::1]/"), VERDICT_ALLOW));
    cr_expect(
        eq(int, judge_resolved(guard, "http://a.example/", "10.1.2.3"), VERDICT_ALLOW));
    cr_expect(eq(int, judge_resolved(guard, "http://a.example/", "127.0.0.1"),
                 VERDICT_BLOCK_ADDRESS));
    guard_free(guard);
}

Test(guard, an_allowed_name_opens_private_addresses_for_itself_only)
{
    struct guard *guard =
        guard_of((struct policy){.allow = {"db.example", "*.svc.example"}});
    cr_expect(
        eq(int, judge_resolved(guard, "http://db.example/", "10.1.2.3"), VERDICT_ALLOW));
    cr_expect(eq(int, judge_resolved(guard, "http://a.svc.example/", "127.0.0.1"),
                 VERDICT_ALLOW));
    cr_expect(eq(int, judge_resolved(guard, "http://svc.example/", "10.1.2.3"),
                 VERDICT_BLOCK_ADDRESS));
    cr_expect(eq(int, judge_resolved(guard, "http://evil.example/", "10.1.2.3"),
                 VERDICT_BLOCK_ADDRESS));
    cr_expect(eq(int, judge_url(guard, "http://10.1.2.3/"), VERDICT_BLOCK_ADDRESS));
    guard_free(guard);
}

Test(guard, an_entry_with_a_port_opens_that_port_against_the_port_lists)
{
    struct guard *guard = guard_of((struct policy){
        .allow = {"10.1.2.3:6379", "cache.example:11211", "10.9.0.0/16"}});
    cr_expect(eq(int, judge_url(guard, "http://10.1.2.3:6379/"), VERDICT_ALLOW));
    cr_expect(eq(int, judge_url(guard, "http://10.1.2.3/"), VERDICT_BLOCK_ADDRESS),
              "the entry concerns its port only");
    cr_expect(eq(int, judge_url(guard, "http://10.1.2.4:6379/"), VERDICT_BLOCK_URL));
    cr_expect(eq(int, judge_url(guard, "http://cache.example:11211/"), VERDICT_ALLOW));
    cr_expect(
        eq(int, judge_url(guard, "http://other.example:11211/"), VERDICT_BLOCK_URL));
    cr_expect(eq(int, judge_url(guard, "http://10.9.1.1:22/"), VERDICT_BLOCK_URL),
              "an entry without a port opens none");
    guard_free(guard);
}

/* S10: no exception opens another. */
Test(guard, no_entry_opens_a_scheme)
{
    struct guard *guard =
        guard_of((struct policy){.schemes = {"https"}, .allow = {"a.example:80"}});
    cr_expect(eq(int, judge_url(guard, "http://a.example/"), VERDICT_BLOCK_URL));
    guard_free(guard);
}

Test(guard, deny_wins_over_allow)
{
    struct guard *guard = guard_of((struct policy){
        .allow = {"10.0.0.0/8", "*.example"}, .deny = {"10.1.0.0/16", "bad.example"}});
    cr_expect(eq(int, judge_url(guard, "http://10.2.0.1/"), VERDICT_ALLOW));
    cr_expect(eq(int, judge_url(guard, "http://10.1.0.1/"), VERDICT_BLOCK_ADDRESS));
    cr_expect(eq(int, judge_url(guard, "http://bad.example/"), VERDICT_BLOCK_URL));
    cr_expect(eq(int, judge_url(guard, "http://BAD.example./"), VERDICT_BLOCK_URL));
    cr_expect(eq(int, judge_url(guard, "http://good.example/"), VERDICT_ALLOW));
    cr_expect(eq(int, judge_resolved(guard, "http://good.example/", "10.1.9.9"),
                 VERDICT_BLOCK_ADDRESS));
    guard_free(guard);
}

Test(guard, a_denied_ipv4_network_is_denied_inside_ipv6_too)
{
    struct guard *guard =
        guard_of((struct policy){.allows_private = true, .deny = {"8.8.8.0/24"}});
    cr_expect(eq(int, judge_url(guard, "http://8.8.8.8/"), VERDICT_BLOCK_ADDRESS));
    cr_expect(
        eq(int, judge_url(guard, "http://[::ffff:8.8.8.8]/"), VERDICT_BLOCK_ADDRESS));
    cr_expect(
        eq(int, judge_url(guard, "http://[64:ff9b::8.8.8.8]/"), VERDICT_BLOCK_ADDRESS));
    cr_expect(
        eq(int, judge_url(guard, "http://[2002:808:808::1]/"), VERDICT_BLOCK_ADDRESS));
    guard_free(guard);
}

/* S3: not this switch either. */
Test(guard, private_addresses_allow_opens_everything_but_metadata)
{
    struct guard *guard = guard_of((struct policy){.allows_private = true});
    static const char *const open[] = {"http://127.0.0.1:8080/", "http://10.0.0.1/",
                                       "http://[::1]:8080/", "http://[fe80::1]/"};
    EXPECT_ALL(guard, open, VERDICT_ALLOW);
    static const char *const closed[] = {
        "http://169.254.169.254/",
        "http://169.254.170.2/",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::169.254.169.254]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://metadata.google.internal/",
        "http://METADATA.google.internal./",
    };
    EXPECT_ALL(guard, closed, VERDICT_BLOCK_ADDRESS);
    guard_free(guard);
}

/* S3: no network, name or switch opens it. */
Test(guard, only_the_exact_address_opens_metadata)
{
    struct guard *guard = guard_of((struct policy){
        .allow = {"169.254.0.0/16", "0.0.0.0/0", "meta.example", "*.internal"}});
    cr_expect(
        eq(int, judge_url(guard, "http://169.254.169.254/"), VERDICT_BLOCK_ADDRESS));
    cr_expect(eq(int, judge_url(guard, "http://169.254.169.253/"), VERDICT_ALLOW));
    cr_expect(eq(int, judge_resolved(guard, "http://meta.example/", "169.254.169.254"),
                 VERDICT_BLOCK_ADDRESS));
    cr_expect(eq(int, judge_url(guard, "http://metadata.google.internal/"),
                 VERDICT_BLOCK_ADDRESS));
    guard_free(guard);

    guard = guard_of(
        (struct policy){.allow = {"169.254.169.254:80", "metadata.google.internal"}});
    cr_expect(eq(int, judge_url(guard, "http://169.254.169.254/"), VERDICT_ALLOW));
    cr_expect(
        eq(int, judge_url(guard, "http://169.254.169.254:8080/"), VERDICT_BLOCK_ADDRESS));
    cr_expect(eq(int, judge_url(guard, "http://[::ffff:169.254.169.254]/"),
                 VERDICT_BLOCK_ADDRESS));
    cr_expect(
        eq(int, judge_url(guard, "http://metadata.google.internal/"), VERDICT_ALLOW));
    cr_expect(eq(
        int, judge_resolved(guard, "http://metadata.google.internal/", "169.254.169.254"),
        VERDICT_ALLOW));
    guard_free(guard);
}

Test(guard, an_allowed_translation_prefix_opens_public_addresses_behind_it_only)
{
    struct guard *guard =
        guard_of((struct policy){.allow = {"64:ff9b::/96", "10.1.0.0/16"}});
    cr_expect(eq(int, judge_url(guard, "http://[64:ff9b::8.8.8.8]/"), VERDICT_ALLOW));
    cr_expect(eq(int, judge_url(guard, "http://[64:ff9b::10.1.2.3]/"), VERDICT_ALLOW));
    cr_expect(
        eq(int, judge_url(guard, "http://[64:ff9b::127.0.0.1]/"), VERDICT_BLOCK_ADDRESS));
    cr_expect(eq(int, judge_url(guard, "http://[64:ff9b::169.254.169.254]/"),
                 VERDICT_BLOCK_ADDRESS));
    guard_free(guard);
}

Test(guard, an_exact_loopback_entry_opens_loopback)
{
    struct guard *guard = guard_of((struct policy){.allow = {"::1", "127.0.0.1:8080"}});
    cr_expect(eq(int, judge_url(guard, "http://[::1]/"), VERDICT_ALLOW));
    cr_expect(eq(int, judge_url(guard, "http://127.0.0.1:8080/"), VERDICT_ALLOW));
    cr_expect(eq(int, judge_url(guard, "http://127.0.0.1:8081/"), VERDICT_BLOCK_ADDRESS));
    guard_free(guard);
}

static void add_own(struct guard *guard, const char *text, uint16_t port)
{
    struct sockaddr_storage address = address_of(text);
    ((struct sockaddr_in *)(void *)&address)->sin_port = htons(port);
    struct error err = {0};
    cr_assert(guard_add_own(guard, (const struct sockaddr *)&address, NULL, &err), "%s",
              err.text);
}

/* S4: the own listener. */
Test(guard, gatherd_itself_is_refused_even_where_private_addresses_are_open)
{
    struct guard *guard =
        guard_of((struct policy){.allows_private = true, .allow = {"127.0.0.0/8"}});
    add_own(guard, "127.0.0.1", 8080);
    static const char *const own[] = {"http://127.0.0.1:8080/", "http://0:8080/",
                                      "http://[::]:8080/",
                                      "http://[::ffff:127.0.0.1]:8080/"};
    EXPECT_ALL(guard, own, VERDICT_BLOCK_ADDRESS);
    static const char *const others[] = {"http://127.0.0.1:8081/",
                                         "http://127.0.0.2:8080/"};
    EXPECT_ALL(guard, others, VERDICT_ALLOW);
    cr_expect(eq(int, judge_resolved(guard, "http://a.example:8080/", "127.0.0.1"),
                 VERDICT_BLOCK_ADDRESS));
    guard_free(guard);
}

/* S4: by any address that reaches it. */
Test(guard, a_wildcard_listener_is_refused_by_every_local_address)
{
    struct guard *guard = guard_of((struct policy){.allows_private = true});
    add_own(guard, "::", 8080);
    static const char *const own[] = {"http://127.0.0.1:8080/", "http://127.9.9.9:8080/",
                                      "http://[::1]:8080/", "http://0:8080/",
                                      "http://[::]:8080/"};
    EXPECT_ALL(guard, own, VERDICT_BLOCK_ADDRESS);
    cr_expect(eq(int, judge_url(guard, "http://127.0.0.1:8081/"), VERDICT_ALLOW));
    guard_free(guard);
}

Test(guard, every_one_of_many_listeners_is_refused)
{
    struct guard *guard = guard_of((struct policy){.allows_private = true});
    for (uint16_t port = 9000; port < 9050; port++)
        add_own(guard, "10.1.2.3", port);
    cr_expect(eq(int, judge_url(guard, "http://10.1.2.3:9000/"), VERDICT_BLOCK_ADDRESS));
    cr_expect(eq(int, judge_url(guard, "http://10.1.2.3:9049/"), VERDICT_BLOCK_ADDRESS));
    cr_expect(eq(int, judge_url(guard, "http://10.1.2.3:9050/"), VERDICT_ALLOW));
    guard_free(guard);
}

Test(guard, an_exact_entry_opens_gatherd_itself)
{
    struct guard *guard = guard_of((struct policy){.allow = {"127.0.0.1:8080"}});
    add_own(guard, "127.0.0.1", 8080);
    cr_expect(eq(int, judge_url(guard, "http://127.0.0.1:8080/"), VERDICT_ALLOW));
    guard_free(guard);
}

Test(guard, a_unix_listener_changes_nothing)
{
    struct guard *guard = guard_of((struct policy){0});
    struct sockaddr local = {.sa_family = AF_UNIX};
    struct error err;
    cr_expect(guard_add_own(guard, &local, NULL, &err));
    cr_expect(eq(int, judge_url(guard, "http://1.1.1.1/"), VERDICT_ALLOW));
    guard_free(guard);
}

/* S2: zone ids. */
Test(guard, an_address_with_a_zone_is_refused)
{
    struct guard *guard = guard_of((struct policy){.allows_private = true});
    struct target target = target_of("http://a.example/");
    struct sockaddr_storage address = address_of("fe80::1");
    ((struct sockaddr_in6 *)(void *)&address)->sin6_scope_id = 1;
    const char *reason;
    cr_expect(eq(
        int,
        guard_judge_address(guard, &target, (const struct sockaddr *)&address, &reason),
        VERDICT_BLOCK_ADDRESS));
    guard_free(guard);
}

Test(guard, an_address_of_another_family_is_refused)
{
    struct guard *guard = guard_of((struct policy){.allows_private = true});
    struct target target = target_of("http://a.example/");
    struct sockaddr local = {.sa_family = AF_UNIX};
    const char *reason;
    cr_expect(eq(int, guard_judge_address(guard, &target, &local, &reason),
                 VERDICT_BLOCK_ADDRESS));
    guard_free(guard);
}

/* S17: constant texts. */
Test(guard, a_reason_never_holds_an_address)
{
    struct guard *guard = guard_of((struct policy){.deny = {"8.8.8.8"}});
    static const char *const urls[] = {"http://10.1.2.3/", "http://8.8.8.8/",
                                       "http://169.254.169.254/", "http://1.1.1.1:25/"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct target target = target_of(urls[i]);
        const char *reason = NULL;
        guard_judge_target(guard, &target, &reason);
        cr_assert(reason != NULL);
        cr_expect(strpbrk(reason, "0123456789:") == NULL, "%s", reason);
    }
    guard_free(guard);
}

Test(guard, a_wrong_option_is_named)
{
    static const struct {
        struct policy policy;
        const char *option;
    } cases[] = {
        {{.schemes = {"ftp"}}, "egress.schemes"},
        {{.ports = {"0"}}, "egress.ports"},
        {{.deny_ports = {"ssh"}}, "egress.deny_ports"},
        {{.allow = {"10.0.0.1/8"}}, "egress.allow"},
        {{.deny = {"*"}}, "egress.deny"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy policy = cases[i].policy;
        struct error err = {0};
        cr_expect(guard_try(&policy, &err) == NULL, "%s", cases[i].option);
        cr_expect(strstr(err.text, cases[i].option) == err.text, "%s", err.text);
    }
    guard_free(NULL);
}

Test(guard, the_rule_behind_a_verdict_has_a_name)
{
    static const struct {
        const char *url, *rule;
    } rows[] = {
        {"http://denied.example/", "egress.deny"},
        {"http://10.9.9.9/", "egress.deny"},
        {"ftp://a.example/", "egress.schemes"},
        {"http://a.example:22/", "egress.ports, egress.deny_ports"},
        {"http://127.0.0.1/", "egress.private_addresses: deny"},
        {"http://169.254.169.254/", "metadata services"},
        {"http://a.example/", "egress.schemes, egress.ports"},
        {"http://open.example:22/", "egress.allow"},
        {"http://10.1.1.1/", "egress.allow"},
        {"http://93.184.216.34/", "public addresses"},
    };
    struct policy policy = {.allow = {"10.1.0.0/16", "open.example:22"},
                            .deny = {"denied.example", "10.9.9.9"}};
    struct guard *guard = guard_try(&policy, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct target target;
        const char *reason;
        cr_assert(url_parse(slice_from(rows[i].url), &target, &reason));
        guard_judge_target(guard, &target, &reason);
        cr_expect_str_eq(guard_rule(guard, &target, reason), rows[i].rule, "%s",
                         rows[i].url);
    }
    guard_free(guard);
}

Test(guard, where_private_addresses_are_open_that_is_the_rule)
{
    struct policy policy = {.allows_private = true};
    struct guard *guard = guard_try(&policy, NULL);
    struct target target;
    const char *reason;
    cr_assert(url_parse(slice_from("http://127.0.0.1/"), &target, &reason));
    guard_judge_target(guard, &target, &reason);
    cr_expect_str_eq(guard_rule(guard, &target, reason),
                     "egress.private_addresses: allow");
    guard_free(guard);
}
