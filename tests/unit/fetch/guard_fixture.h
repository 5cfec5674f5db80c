/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the guard share: policies, URLs and addresses from texts. */
#pragma once

#include "fetch/guard.h"
#include "fetch/url.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <string.h>

enum { LIST_MAX = 8 };

/* A policy as the configuration would hold it: the defaults, but for what a test sets. */
struct policy {
    const char *schemes[LIST_MAX];
    const char *ports[LIST_MAX];
    const char *deny_ports[LIST_MAX];
    const char *allow[LIST_MAX];
    const char *deny[LIST_MAX];
    bool allows_private;
    bool only_reports;
    bool allows_insecure_redirects;
};

static inline struct config_strings strings_of(const char *const *texts)
{
    struct config_strings strings = {.items = (char **)(uintptr_t)texts};
    while (strings.count < LIST_MAX && texts[strings.count])
        strings.count++;
    return strings;
}

static inline struct guard *guard_try(struct policy *policy, struct error *err)
{
    if (!policy->schemes[0]) {
        policy->schemes[0] = "http";
        policy->schemes[1] = "https";
    }
    if (!policy->ports[0]) {
        policy->ports[0] = "80";
        policy->ports[1] = "443";
        policy->ports[2] = "1024-65535";
    }
    if (!policy->deny_ports[0])
        policy->deny_ports[0] = "unsafe";
    struct config config = {
        .egress = {.mode = policy->only_reports ? EGRESS_REPORT : EGRESS_ENFORCE,
                   .insecure_redirects =
                       policy->allows_insecure_redirects ? POLICY_ALLOW : POLICY_DENY,
                   .schemes = strings_of(policy->schemes),
                   .ports = strings_of(policy->ports),
                   .deny_ports = strings_of(policy->deny_ports),
                   .private_addresses =
                       policy->allows_private ? POLICY_ALLOW : POLICY_DENY,
                   .allow = strings_of(policy->allow),
                   .deny = strings_of(policy->deny)}};
    return guard_new(&config, NULL, err);
}

static inline struct guard *guard_of(struct policy policy)
{
    struct error err = {0};
    struct guard *guard = guard_try(&policy, &err);
    cr_assert(guard != NULL, "%s", err.text);
    return guard;
}

static inline struct target target_of(const char *url)
{
    struct target target;
    const char *reason = "";
    cr_assert(url_parse(slice_from(url), &target, &reason), "%s: %s", url, reason);
    return target;
}

static inline struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *in = (void *)&address;
    struct sockaddr_in6 *in6 = (void *)&address;
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
    } else {
        cr_assert(eq(int, inet_pton(AF_INET6, text, &in6->sin6_addr), 1), "%s", text);
        in6->sin6_family = AF_INET6;
    }
    return address;
}
