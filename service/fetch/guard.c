/* SPDX-License-Identifier: Apache-2.0 */
/* The egress policy in the order guard.h tells. Every refusal is a row of `reasons`:
 * constant texts, the same whether the port behind is open or closed, that name the rule
 * and never an address, so that a caller learns nothing about the network behind gatherd.
 *
 * Rules are asked through struct egress_rules only, so a rule set of another origin
 * (bound to an API key, say) is judged by the same functions. Refuses nothing by side
 * effect: the caller acts on the verdict. Called by the fetcher for every attempt and by
 * the transfer for every socket it opens or uses again. */
#include "fetch/guard.h"

#include "base/memory.h"
#include "fetch/address_class.h"
#include "fetch/egress_rule.h"
#include "fetch/own_listeners.h"
#include "fetch/port_set.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct guard {
    bool allows_http;
    bool allows_https;
    bool allows_private;
    struct port_set ports;
    struct port_set deny_ports;
    struct egress_rules allow;
    struct egress_rules deny;
    struct own_listeners own;
};

enum reason {
    REASON_DENY_HOST,
    REASON_DENY_ADDRESS,
    REASON_SCHEME,
    REASON_PORT,
    REASON_PRIVATE,
    REASON_METADATA,
    REASON_OWN,
    REASON_ZONE,
    REASON_FAMILY,
};

static const struct {
    enum verdict verdict;
    const char *text;
} reasons[] = {
    [REASON_DENY_HOST] = {VERDICT_BLOCK_URL, "the host is denied by egress.deny"},
    [REASON_DENY_ADDRESS] = {VERDICT_BLOCK_ADDRESS,
                             "the address is denied by egress.deny"},
    [REASON_SCHEME] = {VERDICT_BLOCK_URL, "the scheme is not in egress.schemes"},
    [REASON_PORT] = {VERDICT_BLOCK_URL, "the port is not allowed by egress.ports"},
    [REASON_PRIVATE] = {VERDICT_BLOCK_ADDRESS, "the address is not public"},
    [REASON_METADATA] = {VERDICT_BLOCK_ADDRESS, "a cloud's metadata service"},
    [REASON_OWN] = {VERDICT_BLOCK_ADDRESS, "the gateway itself"},
    [REASON_ZONE] = {VERDICT_BLOCK_ADDRESS, "the address has a zone"},
    [REASON_FAMILY] = {VERDICT_BLOCK_ADDRESS, "not an IP address"},
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
    if (egress_rules_init(rules, texts, err))
        return true;
    error_prefix(err, "%s", option);
    return false;
}

struct guard *guard_new(const struct config *config, struct error *err)
{
    struct guard *guard = memory_new(sizeof *guard);
    guard->allows_private = config->egress.private_addresses == POLICY_ALLOW;
    if (compile_schemes(guard, &config->egress.schemes, err) &&
        compile_ports(&guard->ports, &config->egress.ports, "egress.ports", err) &&
        compile_ports(&guard->deny_ports, &config->egress.deny_ports, "egress.deny_ports",
                      err) &&
        compile_rules(&guard->allow, &config->egress.allow, "egress.allow", err) &&
        compile_rules(&guard->deny, &config->egress.deny, "egress.deny", err))
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
                   struct error *err)
{
    return own_listeners_add(&guard->own, listener, err);
}

static enum verdict refuse(enum reason reason, const char **ret_reason)
{
    *ret_reason = reasons[reason].text;
    return reasons[reason].verdict;
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
        return refuse(REASON_OWN, ret_reason);
    switch (address_class_of(address, NULL)) {
    case ADDRESS_PUBLIC:
        return VERDICT_ALLOW;
    case ADDRESS_METADATA:
        return refuse(REASON_METADATA, ret_reason);
    case ADDRESS_SPECIAL:
        break;
    }
    if (guard->allows_private ||
        egress_rules_find_address(&guard->allow, address, target->port, EGRESS_ANY))
        return VERDICT_ALLOW;
    if (!target->is_literal &&
        egress_rules_find_host(&guard->allow, target->host, target->port, EGRESS_ANY))
        return VERDICT_ALLOW;
    return refuse(REASON_PRIVATE, ret_reason);
}

enum verdict guard_judge_address(const struct guard *guard, const struct target *target,
                                 const struct sockaddr *address, const char **ret_reason)
{
    struct ip_address layers[1 + ADDRESS_EMBEDDED_MAX];
    if (!ip_address_from_sockaddr(address, &layers[0]))
        return refuse(REASON_FAMILY, ret_reason);
    if (address->sa_family == AF_INET6 &&
        ((const struct sockaddr_in6 *)(const void *)address)->sin6_scope_id != 0)
        return refuse(REASON_ZONE, ret_reason);
    size_t count = 1 + address_embedded(&layers[0], layers + 1);

    for (size_t i = 0; i < count; i++) {
        if (egress_rules_find_address(&guard->deny, &layers[i], target->port, EGRESS_ANY))
            return refuse(REASON_DENY_ADDRESS, ret_reason);
    }
    for (size_t i = 0; i < count; i++) {
        enum verdict verdict = judge_one(guard, target, &layers[i], ret_reason);
        if (verdict != VERDICT_ALLOW)
            return verdict;
    }
    return VERDICT_ALLOW;
}

enum verdict guard_judge_target(const struct guard *guard, const struct target *target,
                                const char **ret_reason)
{
    bool is_http = strcmp(target->scheme, "http") == 0;
    bool is_https = strcmp(target->scheme, "https") == 0;
    if (!target->is_literal &&
        egress_rules_find_host(&guard->deny, target->host, target->port, EGRESS_ANY))
        return refuse(REASON_DENY_HOST, ret_reason);
    if (!(is_http && guard->allows_http) && !(is_https && guard->allows_https))
        return refuse(REASON_SCHEME, ret_reason);
    if (!is_port_open(guard, target))
        return refuse(REASON_PORT, ret_reason);
    if (target->is_literal)
        return guard_judge_address(guard, target, literal_of(target), ret_reason);
    if (is_metadata_host(target->host) &&
        !egress_rules_find_host(&guard->allow, target->host, target->port, EGRESS_EXACT))
        return refuse(REASON_METADATA, ret_reason);
    return VERDICT_ALLOW;
}
