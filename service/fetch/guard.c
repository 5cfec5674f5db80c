/* SPDX-License-Identifier: Apache-2.0 */
/* The egress policy in the order guard.h tells. Every refusal is a row of `reasons`:
 * constant texts, the same whether the port behind is open or closed, that name the rule
 * and never an address, so that a caller learns nothing about the network behind gatherd.
 *
 * Rules are asked through struct egress_rules only, so a rule set that is bound to API
 * keys is judged by the same functions. Refuses nothing by side
 * effect: the caller acts on the verdict. Called by the fetcher for every attempt and by
 * the transfer for every socket it opens or uses again. */
#include "fetch/guard.h"

#include "base/memory.h"
#include "fetch/address_class.h"
#include "fetch/egress_rule.h"
#include "fetch/own_listeners.h"
#include "fetch/port_set.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct guard {
    bool allows_http;
    bool allows_https;
    bool allows_private;
    bool allows_insecure_redirects;
    bool only_reports;
    struct port_set ports;
    struct port_set deny_ports;
    struct egress_rules allow;
    struct egress_rules deny;
    struct own_listeners own;
};

static const struct {
    enum verdict verdict;
    bool is_fixed; /* refused in report mode too */
    const char *rule;
    const char *text;
} reasons[EGRESS_REASON_COUNT] = {
    [EGRESS_DENIED_HOST] = {VERDICT_BLOCK_URL, false, "egress.deny",
                            "the host is denied by egress.deny"},
    [EGRESS_DENIED_ADDRESS] = {VERDICT_BLOCK_ADDRESS, false, "egress.deny",
                               "the address is denied by egress.deny"},
    [EGRESS_NO_HTTP] = {VERDICT_BLOCK_URL, true, "egress.schemes",
                        "the scheme is neither http nor https"},
    [EGRESS_SCHEME] = {VERDICT_BLOCK_URL, false, "egress.schemes",
                       "the scheme is not in egress.schemes"},
    [EGRESS_PORT] = {VERDICT_BLOCK_URL, false, "egress.ports, egress.deny_ports",
                     "the port is not allowed by egress.ports"},
    [EGRESS_PRIVATE] = {VERDICT_BLOCK_ADDRESS, false, "egress.private_addresses: deny",
                        "the address is not public"},
    [EGRESS_METADATA] = {VERDICT_BLOCK_ADDRESS, true, "metadata services",
                         "a cloud's metadata service"},
    [EGRESS_OWN] = {VERDICT_BLOCK_ADDRESS, true, "gatherd's own listeners",
                    "the gateway itself"},
    [EGRESS_ZONE] = {VERDICT_BLOCK_ADDRESS, true, "addresses with a zone",
                     "the address has a zone"},
    [EGRESS_FAMILY] = {VERDICT_BLOCK_ADDRESS, true, "IP addresses only",
                       "not an IP address"},
    [EGRESS_INSECURE_REDIRECT] = {VERDICT_BLOCK_URL, false,
                                  "egress.insecure_redirects: deny",
                                  "the redirect leads from https to a scheme without "
                                  "TLS"},
    [EGRESS_OTHER] = {VERDICT_BLOCK_ADDRESS, true, "the egress policy",
                      "the address is not one to connect to"},
};

/* Names that lead to metadata services by themselves. */
static const char *const metadata_hosts[] = {
    "metadata.google.internal",
    "metadata.goog",
    "metadata.tencentyun.com",
    "instance-data.ec2.internal",
};

static bool compile_schemes(struct guard *guard, const struct config_strings *schemes,
                            struct error *err)
{
    for (size_t i = 0; i < schemes->count; i++) {
        if (strcmp(schemes->items[i], "http") == 0)
            guard->allows_http = true;
        else if (strcmp(schemes->items[i], "https") == 0)
            guard->allows_https = true;
        else
            return error_set(err, ERROR_INVALID,
                             "egress.schemes: \"%.32s\" is neither http nor https",
                             schemes->items[i]);
    }
    return true;
}

static bool compile_ports(struct port_set *set, const struct config_strings *texts,
                          const char *option, struct error *err)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (!port_set_add_text(set, texts->items[i], err)) {
            error_prefix(err, "%s", option);
            return false;
        }
    }
    return true;
}

static bool compile_rules(struct egress_rules *rules, const struct config_strings *texts,
                          const char *option, struct error *err)
{
    if (egress_rules_add(rules, texts, err))
        return true;
    error_prefix(err, "%s", option);
    return false;
}

static bool compile_common(struct guard *guard, const struct config *config,
                           struct error *err)
{
    return compile_schemes(guard, &config->egress.schemes, err) &&
           compile_ports(&guard->ports, &config->egress.ports, "egress.ports", err) &&
           compile_ports(&guard->deny_ports, &config->egress.deny_ports,
                         "egress.deny_ports", err) &&
           compile_rules(&guard->allow, &config->egress.allow, "egress.allow", err) &&
           compile_rules(&guard->deny, &config->egress.deny, "egress.deny", err);
}

static bool compile_rule(struct guard *guard, const struct config_rule *rule,
                         struct error *err)
{
    return compile_rules(&guard->allow, &rule->allow, "egress.rules.allow", err) &&
           compile_rules(&guard->deny, &rule->deny, "egress.rules.deny", err);
}

struct guard *guard_new(const struct config *config, const struct config_rule *rule,
                        struct error *err)
{
    struct guard *guard = memory_new(sizeof *guard);
    guard->allows_private = config->egress.private_addresses == POLICY_ALLOW;
    guard->allows_insecure_redirects = config->egress.insecure_redirects == POLICY_ALLOW;
    guard->only_reports = config->egress.mode == EGRESS_REPORT;
    if (compile_common(guard, config, err) && (!rule || compile_rule(guard, rule, err)))
        return guard;
    guard_free(guard);
    return NULL;
}

void guard_free(struct guard *guard)
{
    if (!guard)
        return;
    egress_rules_done(&guard->allow);
    egress_rules_done(&guard->deny);
    own_listeners_done(&guard->own);
    free(guard);
}

bool guard_add_own(struct guard *guard, const struct sockaddr *listener,
                   const struct guard *known, struct error *err)
{
    return own_listeners_add(&guard->own, listener, known ? &known->own : NULL, err);
}

/* In report mode most refusals only leave their reason, the first one stays. */
static enum verdict refuse(const struct guard *guard, enum egress_reason reason,
                           const char **ret_reason)
{
    if (guard->only_reports && !reasons[reason].is_fixed) {
        if (!*ret_reason)
            *ret_reason = reasons[reason].text;
        return VERDICT_ALLOW;
    }
    *ret_reason = reasons[reason].text;
    return reasons[reason].verdict;
}

enum egress_reason guard_reason(const char *text)
{
    for (unsigned i = 0; i < EGRESS_OTHER; i++) {
        if (reasons[i].text == text)
            return (enum egress_reason)i;
    }
    return EGRESS_OTHER;
}

static bool is_metadata_host(const char *host)
{
    for (size_t i = 0; i < sizeof metadata_hosts / sizeof *metadata_hosts; i++) {
        if (strcmp(host, metadata_hosts[i]) == 0)
            return true;
    }
    return false;
}

static const struct sockaddr *literal_of(const struct target *target)
{
    return (const struct sockaddr *)&target->address;
}

static bool is_port_open(const struct guard *guard, const struct target *target)
{
    if (port_set_has(&guard->ports, target->port) &&
        !port_set_has(&guard->deny_ports, target->port))
        return true;
    struct ip_address address;
    if (!target->is_literal)
        return egress_rules_find_host(&guard->allow, target->host, target->port,
                                      EGRESS_WITH_PORT);
    return ip_address_from_sockaddr(literal_of(target), &address) &&
           egress_rules_find_address(&guard->allow, &address, target->port,
                                     EGRESS_WITH_PORT);
}

/* Is `address` itself open? What it embeds is another question. */
static enum verdict judge_one(const struct guard *guard, const struct target *target,
                              const struct ip_address *address, const char **ret_reason)
{
    if (egress_rules_find_address(&guard->allow, address, target->port, EGRESS_EXACT))
        return VERDICT_ALLOW;
    if (own_listeners_has(&guard->own, address, target->port))
        return refuse(guard, EGRESS_OWN, ret_reason);
    switch (address_class_of(address, NULL)) {
    case ADDRESS_PUBLIC:
        return VERDICT_ALLOW;
    case ADDRESS_METADATA:
        return refuse(guard, EGRESS_METADATA, ret_reason);
    case ADDRESS_SPECIAL:
        break;
    }
    if (guard->allows_private ||
        egress_rules_find_address(&guard->allow, address, target->port, EGRESS_ANY))
        return VERDICT_ALLOW;
    if (!target->is_literal &&
        egress_rules_find_host(&guard->allow, target->host, target->port, EGRESS_ANY))
        return VERDICT_ALLOW;
    return refuse(guard, EGRESS_PRIVATE, ret_reason);
}

/* An address with all it embeds. `ret_reason` holds what was noted before, or NULL. */
static enum verdict judge_address(const struct guard *guard, const struct target *target,
                                  const struct sockaddr *address, const char **ret_reason)
{
    struct ip_address layers[1 + ADDRESS_EMBEDDED_MAX];
    if (!ip_address_from_sockaddr(address, &layers[0]))
        return refuse(guard, EGRESS_FAMILY, ret_reason);
    if (address->sa_family == AF_INET6 &&
        ((const struct sockaddr_in6 *)(const void *)address)->sin6_scope_id != 0)
        return refuse(guard, EGRESS_ZONE, ret_reason);
    size_t count = 1 + address_embedded(&layers[0], layers + 1);

    enum verdict verdict = VERDICT_ALLOW;
    for (size_t i = 0; verdict == VERDICT_ALLOW && i < count; i++) {
        if (egress_rules_find_address(&guard->deny, &layers[i], target->port, EGRESS_ANY))
            verdict = refuse(guard, EGRESS_DENIED_ADDRESS, ret_reason);
    }
    for (size_t i = 0; verdict == VERDICT_ALLOW && i < count; i++)
        verdict = judge_one(guard, target, &layers[i], ret_reason);
    return verdict;
}

enum verdict guard_judge_address(const struct guard *guard, const struct target *target,
                                 const struct sockaddr *address, const char **ret_reason)
{
    *ret_reason = NULL;
    return judge_address(guard, target, address, ret_reason);
}

/* The URL's scheme, port and name; the first that is refused. */
static enum verdict judge_url(const struct guard *guard, const struct target *target,
                              const char **ret_reason)
{
    bool is_http = strcmp(target->scheme, "http") == 0;
    bool is_https = strcmp(target->scheme, "https") == 0;
    enum verdict verdict = VERDICT_ALLOW;
    if (!target->is_literal &&
        egress_rules_find_host(&guard->deny, target->host, target->port, EGRESS_ANY))
        verdict = refuse(guard, EGRESS_DENIED_HOST, ret_reason);
    if (verdict == VERDICT_ALLOW && !is_http && !is_https)
        verdict = refuse(guard, EGRESS_NO_HTTP, ret_reason);
    if (verdict == VERDICT_ALLOW &&
        !(is_https ? guard->allows_https : guard->allows_http))
        verdict = refuse(guard, EGRESS_SCHEME, ret_reason);
    if (verdict == VERDICT_ALLOW && !is_port_open(guard, target))
        verdict = refuse(guard, EGRESS_PORT, ret_reason);
    return verdict;
}

enum verdict guard_judge_target(const struct guard *guard, const struct target *target,
                                const char **ret_reason)
{
    *ret_reason = NULL;
    enum verdict verdict = judge_url(guard, target, ret_reason);
    if (verdict != VERDICT_ALLOW)
        return verdict;
    if (target->is_literal)
        return judge_address(guard, target, literal_of(target), ret_reason);
    if (is_metadata_host(target->host) &&
        !egress_rules_find_host(&guard->allow, target->host, target->port, EGRESS_EXACT))
        return refuse(guard, EGRESS_METADATA, ret_reason);
    return VERDICT_ALLOW;
}

enum verdict guard_judge_redirect(const struct guard *guard, const struct target *from,
                                  const struct target *to, const char **ret_reason)
{
    *ret_reason = NULL;
    if (!from->is_https || to->is_https || guard->allows_insecure_redirects)
        return VERDICT_ALLOW;
    return refuse(guard, EGRESS_INSECURE_REDIRECT, ret_reason);
}

/* ------------------------------------------------------------------------ explaining */

/* A literal that was allowed is an IP address. */
static const char *rule_for_address(const struct guard *guard,
                                    const struct target *target)
{
    struct ip_address address;
    bool is_ip = ip_address_from_sockaddr(literal_of(target), &address);
    assert(is_ip);
    if (is_ip &&
        egress_rules_find_address(&guard->allow, &address, target->port, EGRESS_ANY))
        return "egress.allow";
    if (address_class_of(&address, NULL) == ADDRESS_PUBLIC)
        return "public addresses";
    return "egress.private_addresses: allow";
}

const char *guard_rule(const struct guard *guard, const struct target *target,
                       const char *reason)
{
    if (reason)
        return reasons[guard_reason(reason)].rule;
    if (target->is_literal)
        return rule_for_address(guard, target);
    if (egress_rules_find_host(&guard->allow, target->host, target->port, EGRESS_ANY))
        return "egress.allow";
    return "egress.schemes, egress.ports";
}
