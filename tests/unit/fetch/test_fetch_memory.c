/* SPDX-License-Identifier: Apache-2.0 */
/* The policy files of fetch/ when an allocation fails: a value, and nothing half done. */
#include "fetch/egress_rule.h"
#include "fetch/reply_head.h"
#include "fetch/resolver_cache.h"
#include "support/failing_memory.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

enum { ALLOCATIONS_MAX = 1000 };

Test(fetch_memory, egress_rules_that_cannot_be_kept_are_told_and_the_old_ones_stay)
{
    char *first[] = {"10.0.0.0/8"};
    char *more[] = {"a.example", "b.example"};
    const struct config_strings texts = {.items = first, .count = 1};
    const struct config_strings more_texts = {.items = more, .count = 2};
    struct egress_rules rules = {.count = 0};
    struct error err = {0};
    cr_assert(egress_rules_add(&rules, &texts, &err));
    if (failing_memory_is_here()) {
        failing_memory_arm(1);
        cr_expect_not(egress_rules_add(&rules, &more_texts, &err));
        cr_assert(failing_memory_disarm());
        cr_expect_str_eq(err.text, "no memory for 3 entries");
        cr_expect(eq(sz, rules.count, 1));
    }
    cr_assert(egress_rules_add(&rules, &more_texts, &err));
    cr_expect(eq(sz, rules.count, 3));
    egress_rules_done(&rules);
}

Test(fetch_memory, a_name_that_cannot_be_cached_is_not_cached)
{
    struct resolver_cache cache;
    struct resolver_answer answer = {.count = 0, .message = "no such name"};
    struct resolver_answer found;
    resolver_cache_init(&cache, 10);
    bool was_refused = true;
    for (size_t number = 1; was_refused; number++) {
        cr_assert(lt(sz, number, ALLOCATIONS_MAX));
        failing_memory_arm(number);
        resolver_cache_put(&cache, "a.example", &answer, 1000, 1000);
        was_refused = failing_memory_disarm();
        /* The entry itself lives off the reserve; the tree's node may be missing. */
        bool is_there = resolver_cache_find(&cache, "a.example", 1500, &found);
        cr_expect(is_there || was_refused);
        cr_expect(eq(sz, cache.count, is_there));
    }
    resolver_cache_done(&cache);
}

static enum head_verdict read_large_head(struct reply_head *head)
{
    char line[200];
    enum head_verdict verdict = reply_head_line(head, "HTTP/1.1 200 OK\r\n", 17);
    for (int i = 0; verdict == HEAD_FINE && i < 100; i++) {
        int len = snprintf(line, sizeof line, "name-%d: %0*d\r\n", i, 100, i);
        verdict = reply_head_line(head, line, (size_t)len);
    }
    return verdict;
}

Test(fetch_memory, a_reply_head_that_finds_no_memory_is_too_large)
{
    size_t refused = 0;
    for (bool has_failed = true; has_failed;) {
        struct reply_head head;
        cr_assert(lt(sz, refused, ALLOCATIONS_MAX));
        reply_head_init(&head, 1 << 20);
        failing_memory_arm(refused + 1);
        enum head_verdict verdict = read_large_head(&head);
        has_failed = failing_memory_disarm();
        refused += has_failed;
        cr_expect(eq(int, verdict, has_failed ? HEAD_TOO_LARGE : HEAD_FINE));
        cr_expect(eq(int, head.reason != NULL, has_failed));
        reply_head_done(&head);
    }
    cr_expect(refused > 2 || !failing_memory_is_here());
}
