/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/snapshot.h: which entry of auth.limits and egress.rules holds for whom. */
#include "fetch/snapshot.h"
#include "fetch/url.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>

static char text_billing[] = "billing", text_search[] = "search", text_star[] = "*";
static char text_http[] = "http", text_ports[] = "1-65535", text_empty[] = "";
static char text_ten[] = "10.0.0.0/8", text_host[] = "public.example";

static char *schemes[] = {text_http}, *ports[] = {text_ports};
static char *ten[] = {text_ten}, *host[] = {text_host};
static char *billing[] = {text_billing}, *star[] = {text_star};

static struct config_key keys[] = {
    {.name = text_billing, .id = text_empty},
    {.name = text_search, .id = text_empty},
    {.name = text_billing, .id = text_empty},
};
static struct config_rule rules[2];
static struct config_limit limits[2];
static struct config config;
static struct callers *callers;
static struct snapshot *snapshot;

static void prepare(void)
{
    config = (struct config){
        .batch = {.max_items = 1000},
        .auth = {.keys = {keys, 3}},
        .egress = {.schemes = {schemes, 1}, .ports = {ports, 1}},
    };
}

static void make(void)
{
    struct error err;
    callers = callers_new();
    snapshot = snapshot_new(callers, &config, &err);
    cr_assert(snapshot != NULL, "%s", err.text);
    snapshot_apply(snapshot, NULL);
}

static void done(void)
{
    snapshot_release(snapshot);
    callers_free(callers);
}

TestSuite(snapshot, .init = prepare, .fini = done);

static bool may_reach(const struct terms *terms, const char *url)
{
    struct target target;
    const char *reason = NULL;
    cr_assert(url_parse(slice_from(url), &target, &reason));
    return guard_judge_target(terms->guard, &target, &reason) == VERDICT_ALLOW;
}

Test(snapshot, two_keys_of_one_name_are_one_caller)
{
    make();
    struct caller *caller = snapshot_of_key(snapshot, 0)->caller;
    cr_expect(caller == snapshot_of_key(snapshot, 2)->caller);
    cr_expect(caller != snapshot_of_key(snapshot, 1)->caller);
    cr_expect(caller != snapshot_everybody(snapshot)->caller);
    cr_expect(eq(str, (char *)(uintptr_t)caller->name, text_billing));
    cr_expect(eq(str, (char *)(uintptr_t)snapshot_everybody(snapshot)->caller->name,
                 text_empty));
}

Test(snapshot, l4_one_of_several_leaves_places_to_the_others)
{
    struct budget whole = {.max = 900};
    make();
    snapshot_apply(snapshot, &whole);
    struct caller *greedy = snapshot_of_key(snapshot, 0)->caller;
    struct caller *other = snapshot_of_key(snapshot, 1)->caller;
    while (budget_take(&whole, 1) && caller_take_place(greedy))
        cr_assert(budget_held(&greedy->in_flight) < 900);
    budget_give(&whole, 1);
    cr_expect_eq(budget_held(&greedy->in_flight), 800);
    cr_expect_not(caller_has_places(greedy, 1));
    cr_expect(caller_has_places(other, 1));
    for (int i = 0; i < 80; i++)
        cr_assert(budget_take(&whole, 1) && caller_take_place(other), "%d", i);
    budget_force(&whole, 1000); /* as when a descriptor limit fell */
    cr_expect_not(caller_has_places(other, 1));
    while (budget_held(&other->in_flight) > 7)
        caller_give_place(other);
    cr_expect(caller_has_places(other, 1), "a few are always there");
}

Test(snapshot, one_alone_has_all_places)
{
    struct budget whole = {.max = 20};
    config.auth.keys.count = 1;
    make();
    snapshot_apply(snapshot, &whole);
    struct caller *caller = snapshot_of_key(snapshot, 0)->caller;
    for (int i = 0; i < 20; i++)
        cr_assert(budget_take(&whole, 1) && caller_take_place(caller), "%d", i);
    cr_expect(caller_has_places(caller, 1), "the process has none: who asks finds out");
    caller->in_flight.max = 20;
    cr_expect_not(caller_has_places(caller, 1));
    cr_expect_not(caller_take_place(caller));
}

Test(snapshot, s8_a_rule_opens_and_closes_for_its_keys_only)
{
    rules[0] = (struct config_rule){.keys = {billing, 1},
                                    .allow = {ten, 1},
                                    .deny = {host, 1},
                                    .host_header = POLICY_ALLOW};
    config.egress.rules = (struct config_rules){rules, 1};
    make();
    const struct terms *with = snapshot_of_key(snapshot, 0);
    const struct terms *without = snapshot_of_key(snapshot, 1);
    cr_expect(may_reach(with, "http://10.1.2.3/") && with->may_set_host);
    cr_expect(not(may_reach(with, "http://public.example/")));
    cr_expect(not(may_reach(without, "http://10.1.2.3/")));
    cr_expect(may_reach(without, "http://public.example/"));
    cr_expect(not(without->may_set_host));
    cr_expect(without->guard == snapshot_everybody(snapshot)->guard, "one for all");
}

Test(snapshot, what_is_allowed_for_a_key_comes_on_top_of_what_is_allowed_for_all)
{
    char text_other[] = "192.168.0.0/16";
    char *other[] = {text_other};
    rules[0] = (struct config_rule){.keys = {billing, 1}, .allow = {ten, 1}};
    config.egress.rules = (struct config_rules){rules, 1};
    config.egress.allow = (struct config_strings){other, 1};
    make();
    cr_expect(may_reach(snapshot_of_key(snapshot, 0), "http://10.1.2.3/"));
    cr_expect(may_reach(snapshot_of_key(snapshot, 0), "http://192.168.1.1/"));
    cr_expect(may_reach(snapshot_of_key(snapshot, 1), "http://192.168.1.1/"));
    cr_expect(not(may_reach(snapshot_of_key(snapshot, 1), "http://10.1.2.3/")));
}

Test(snapshot, the_global_deny_wins_over_an_allow_for_a_key)
{
    rules[0] = (struct config_rule){.keys = {billing, 1}, .allow = {ten, 1}};
    config.egress.rules = (struct config_rules){rules, 1};
    config.egress.deny = (struct config_strings){ten, 1};
    make();
    cr_expect(not(may_reach(snapshot_of_key(snapshot, 0), "http://10.1.2.3/")));
}

Test(snapshot, a_star_is_every_key_that_no_other_entry_names_and_not_everybody)
{
    rules[0] = (struct config_rule){.keys = {star, 1}, .allow = {ten, 1}};
    rules[1] = (struct config_rule){.keys = {billing, 1}};
    config.egress.rules = (struct config_rules){rules, 2};
    limits[0] = (struct config_limit){.keys = {billing, 1}, .max_items = 7};
    limits[1] = (struct config_limit){.keys = {star, 1}, .max_items = 8};
    config.auth.limits = (struct config_limits){limits, 2};
    make();
    cr_expect(not(may_reach(snapshot_of_key(snapshot, 0), "http://10.1.2.3/")));
    cr_expect(may_reach(snapshot_of_key(snapshot, 1), "http://10.1.2.3/"));
    cr_expect(not(may_reach(snapshot_everybody(snapshot), "http://10.1.2.3/")));
    cr_expect(eq(u64, snapshot_of_key(snapshot, 0)->max_items, 7));
    cr_expect(eq(u64, snapshot_of_key(snapshot, 1)->max_items, 8));
    cr_expect(eq(u64, snapshot_everybody(snapshot)->max_items, 1000));
}

Test(snapshot, own_listeners_are_refused_to_every_caller)
{
    rules[0] = (struct config_rule){.keys = {star, 1}, .allow = {ten, 1}};
    config.egress.rules = (struct config_rules){rules, 1};
    config.egress.private_addresses = POLICY_ALLOW;
    make();
    struct sockaddr_in own = {.sin_family = AF_INET,
                              .sin_port = htons(8080),
                              .sin_addr.s_addr = htonl(0x0a000001)};
    struct error err;
    cr_assert(snapshot_add_own(snapshot, (const struct sockaddr *)&own, NULL, &err));
    for (size_t i = 0; i < 3; i++)
        cr_expect(not(may_reach(snapshot_of_key(snapshot, i), "http://10.0.0.1:8080/")));
    cr_expect(not(may_reach(snapshot_everybody(snapshot), "http://10.0.0.1:8080/")));
    cr_expect(may_reach(snapshot_everybody(snapshot), "http://10.0.0.2:8080/"));
}

Test(snapshot, a_rule_that_does_not_compile_is_told)
{
    rules[0] = (struct config_rule){.keys = {star, 1}, .deny = {schemes, 1}};
    char bad[] = "10.0.0.1/8";
    char *entries[] = {bad};
    rules[0].deny = (struct config_strings){entries, 1};
    config.egress.rules = (struct config_rules){rules, 1};
    struct error err;
    callers = callers_new();
    cr_expect(snapshot_new(callers, &config, &err) == NULL);
    snapshot = NULL;
    cr_expect(strstr(err.text, "egress.rules.deny") != NULL, "%s", err.text);
}

static bool take(struct caller *caller, uint64_t count)
{
    uint64_t wait_ns;
    return rate_take(&caller->items, 1000000, count, &wait_ns);
}

static struct caller *with_limit(struct config_limit limit)
{
    limits[0] = limit;
    limits[0].keys = (struct config_strings){star, 1};
    config.auth.limits = (struct config_limits){limits, 1};
    make();
    return snapshot_of_key(snapshot, 0)->caller;
}

Test(snapshot, without_limits_nothing_is_limited_but_the_size_of_a_batch)
{
    make();
    struct caller *caller = snapshot_of_key(snapshot, 0)->caller;
    cr_expect(eq(u64, snapshot_of_key(snapshot, 0)->max_items, 1000));
    cr_expect(eq(u64, caller->in_flight.max, UINT64_MAX));
    cr_expect(take(caller, 1000000));
}

Test(snapshot, without_a_burst_the_largest_batch_passes_at_once)
{
    struct caller *caller = with_limit((struct config_limit){.items_per_second = 5});
    cr_expect(eq(u64, snapshot_of_key(snapshot, 0)->max_items, 1000));
    cr_expect(take(caller, 1000) && !take(caller, 1));
}

Test(snapshot, a_rate_above_the_largest_batch_is_its_own_burst)
{
    struct caller *caller =
        with_limit((struct config_limit){.items_per_second = 2000, .max_items = 10});
    cr_expect(take(caller, 2000) && !take(caller, 1));
}

Test(snapshot, a_burst_below_the_largest_batch_makes_batches_smaller)
{
    struct caller *caller =
        with_limit((struct config_limit){.items_per_second = 5, .burst = 20});
    cr_expect(eq(u64, snapshot_of_key(snapshot, 0)->max_items, 20));
    cr_expect(take(caller, 20) && !take(caller, 1));
}

Test(snapshot, no_limit_raises_the_batch_over_the_servers)
{
    struct caller *caller =
        with_limit((struct config_limit){.max_items = 5000, .max_in_flight = 3});
    cr_expect(eq(u64, snapshot_of_key(snapshot, 0)->max_items, 1000));
    cr_expect(eq(u64, budget_max(&caller->in_flight), 3));
}

Test(snapshot, what_a_caller_has_used_up_stays_used_up_in_the_next_one)
{
    struct error err;
    struct caller *caller = with_limit(
        (struct config_limit){.items_per_second = 5, .burst = 20, .max_in_flight = 2});
    cr_assert(take(caller, 20) && caller_take_place(caller));
    struct config tighter = config;
    struct config_limit tight = limits[0];
    tight.max_in_flight = 1;
    tighter.auth.limits = (struct config_limits){&tight, 1};
    struct snapshot *next = snapshot_new(callers, &tighter, &err);
    cr_assert(next != NULL, "%s", err.text);
    cr_expect(caller_has_places(caller, 1), "nothing holds before it is applied");
    snapshot_apply(next, NULL);
    cr_expect(snapshot_of_key(next, 0)->caller == caller);
    cr_expect(not(take(caller, 1)));
    cr_expect(not(caller_has_places(caller, 1)));
    snapshot_release(next);
}

Test(snapshot, it_lives_until_the_last_hold_is_gone_and_frees_what_it_owns)
{
    struct error err;
    callers = callers_new();
    struct config *own = config_defaults();
    snapshot = snapshot_new(callers, own, &err);
    cr_assert(snapshot != NULL, "%s", err.text);
    snapshot_own(snapshot, own);
    snapshot_hold(snapshot);
    snapshot_release(snapshot);
    cr_expect(eq(u64, snapshot->config->batch.max_items, 1000));
}

Test(snapshot, circuits_and_authorities_go_on_while_nothing_of_them_changes)
{
    struct error err;
    callers = callers_new();
    struct config *one = config_defaults(), *other = config_defaults();
    one->breaker.consecutive_failures = other->breaker.consecutive_failures = 3;
    snapshot = snapshot_new(callers, one, &err);
    struct snapshot *same = snapshot_new(callers, one, &err);
    struct snapshot *changed = snapshot_new(callers, other, &err);
    cr_assert(snapshot && same && changed);
    cr_assert(snapshot_share(snapshot, NULL, &err));
    cr_assert(snapshot_share(same, snapshot, &err));
    other->breaker.consecutive_failures = 4;
    cr_assert(snapshot_share(changed, snapshot, &err));
    cr_expect(snapshot->circuits && same->circuits == snapshot->circuits);
    cr_expect(changed->circuits && changed->circuits != snapshot->circuits);
    cr_expect(changed->circuit_seed == snapshot->circuit_seed);
    if (tls_store_count(snapshot->tls_store) > 0)
        cr_expect(same->tls_store == snapshot->tls_store);
    snapshot_release(same);
    snapshot_release(changed);
    snapshot_release(snapshot);
    snapshot = NULL;
    config_free(one);
    config_free(other);
}

Test(snapshot, of_own_listeners_only_those_that_are_left_are_refused)
{
    config.egress.private_addresses = POLICY_ALLOW;
    make();
    struct sockaddr_in own = {.sin_family = AF_INET,
                              .sin_port = htons(8080),
                              .sin_addr.s_addr = htonl(0x0a000001)};
    struct sockaddr_in other = own;
    struct error err;
    other.sin_addr.s_addr = htonl(0x0a000002);
    cr_assert(snapshot_add_own(snapshot, (const struct sockaddr *)&own, NULL, &err));
    cr_assert(snapshot_add_own(snapshot, (const struct sockaddr *)&other, NULL, &err));
    struct snapshot *next = snapshot_new(callers, &config, &err);
    cr_assert(next &&
              snapshot_add_own(next, (const struct sockaddr *)&other, snapshot, &err));
    cr_expect(may_reach(snapshot_everybody(next), "http://10.0.0.1:8080/"));
    cr_expect(not(may_reach(snapshot_everybody(next), "http://10.0.0.2:8080/")));
    snapshot_release(next);
}
