/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/guard.h: egress.mode: report, redirects to http, and reasons by their text. */
#include "guard_fixture.h"

/* In report mode: the verdict about `url`, and which rule it notes. */
static void expect_note(const struct guard *guard, const char *url, enum verdict verdict,
                        int reason)
{
    struct target target = target_of(url);
    const char *text = "left from before";
    cr_expect(eq(int, guard_judge_target(guard, &target, &text), verdict), "%s", url);
    cr_expect(eq(int, text ? (int)guard_reason(text) : -1, reason), "%s", url);
}

Test(guard, report_mode_allows_and_names_the_first_rule_that_would_refuse)
{
    struct guard *guard =
        guard_of((struct policy){.only_reports = true,
                                 .schemes = {"https"},
                                 .deny = {"bad.example", "10.0.0.0/8"}});
    expect_note(guard, "https://good.example/", VERDICT_ALLOW, -1);
    expect_note(guard, "https://bad.example/", VERDICT_ALLOW, EGRESS_DENIED_HOST);
    expect_note(guard, "http://bad.example:22/", VERDICT_ALLOW, EGRESS_DENIED_HOST);
    expect_note(guard, "http://good.example/", VERDICT_ALLOW, EGRESS_SCHEME);
    expect_note(guard, "https://good.example:22/", VERDICT_ALLOW, EGRESS_PORT);
    expect_note(guard, "https://10.0.0.1/", VERDICT_ALLOW, EGRESS_DENIED_ADDRESS);
    expect_note(guard, "https://127.0.0.1/", VERDICT_ALLOW, EGRESS_PRIVATE);
    expect_note(guard, "https://[64:ff9b::7f00:1]/", VERDICT_ALLOW, EGRESS_PRIVATE);
    guard_free(guard);
}

Test(guard, report_mode_refuses_what_only_an_exact_address_opens_and_what_cannot_be)
{
    struct guard *guard =
        guard_of((struct policy){.only_reports = true, .deny = {"169.254.169.254"}});
    struct sockaddr_in own = {.sin_family = AF_INET,
                              .sin_port = htons(8080),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct error err;
    cr_assert(guard_add_own(guard, (const struct sockaddr *)&own, NULL, &err));
    expect_note(guard, "http://127.0.0.1:8080/", VERDICT_BLOCK_ADDRESS, EGRESS_OWN);
    expect_note(guard, "http://127.0.0.1:8081/", VERDICT_ALLOW, EGRESS_PRIVATE);
    expect_note(guard, "http://169.254.169.254/", VERDICT_BLOCK_ADDRESS, EGRESS_METADATA);
    expect_note(guard, "http://metadata.goog/", VERDICT_BLOCK_ADDRESS, EGRESS_METADATA);
    expect_note(guard, "ftp://good.example/", VERDICT_BLOCK_URL, EGRESS_NO_HTTP);
    struct target target = target_of("http://a.example:8080/");
    const char *text = NULL;
    cr_expect(
        eq(int, guard_judge_address(guard, &target, (const struct sockaddr *)&own, &text),
           VERDICT_BLOCK_ADDRESS));
    guard_free(guard);
}

Test(guard, a_reason_is_known_by_its_text)
{
    struct guard *guard = guard_of((struct policy){0});
    expect_note(guard, "http://127.0.0.1/", VERDICT_BLOCK_ADDRESS, EGRESS_PRIVATE);
    cr_expect(eq(int, guard_reason("the address is not public "), EGRESS_OTHER));
    guard_free(guard);
}

Test(guard, s9_a_redirect_from_https_to_http_is_refused_unless_configured)
{
    struct target from = target_of("https://a.example/"),
                  to = target_of("http://b.example/");
    const char *text = NULL;
    struct guard *guard = guard_of((struct policy){0});
    cr_expect(eq(int, guard_judge_redirect(guard, &from, &to, &text), VERDICT_BLOCK_URL));
    cr_expect(eq(int, guard_reason(text), EGRESS_INSECURE_REDIRECT));
    cr_expect(eq(int, guard_judge_redirect(guard, &to, &from, &text), VERDICT_ALLOW));
    cr_expect(eq(int, guard_judge_redirect(guard, &from, &from, &text), VERDICT_ALLOW));
    cr_expect(eq(int, guard_judge_redirect(guard, &to, &to, &text), VERDICT_ALLOW));
    guard_free(guard);
    guard = guard_of((struct policy){.allows_insecure_redirects = true});
    cr_expect(eq(int, guard_judge_redirect(guard, &from, &to, &text), VERDICT_ALLOW));
    cr_expect(text == NULL);
    guard_free(guard);
    guard = guard_of((struct policy){.only_reports = true});
    cr_expect(eq(int, guard_judge_redirect(guard, &from, &to, &text), VERDICT_ALLOW));
    cr_expect(eq(int, guard_reason(text), EGRESS_INSECURE_REDIRECT));
    guard_free(guard);
}
