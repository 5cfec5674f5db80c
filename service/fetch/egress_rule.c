/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and matching of egress rules. What is neither an address, a network nor a host
 * name is refused with a sentence: an entry that silently matches nothing is a hole.
 * Called by the guard, at start to compile and for every URL and address to match. */
#include "fetch/egress_rule.h"

#include "base/memory.h"
#include "fetch/port_set.h"

#include <stdlib.h>
#include <string.h>

/* Longer than any entry: a host of 253 bytes, "*.", ":" and a range. */
enum { ENTRY_SIZE = 300 };

static bool read_port(const char *text, struct egress_rule *rule, struct error *err)
{
    rule->has_port = true;
    return port_range_parse(text, &rule->port_first, &rule->port_last, err);
}

/* Cuts the port off `entry` (in place) and leaves address or host without brackets. */
static bool split_port(char *entry, struct egress_rule *rule, struct error *err)
{
    if (entry[0] == '[') {
        char *bracket = strchr(entry, ']');
        if (!bracket || (bracket[1] != '\0' && bracket[1] != ':'))
            return error_set(err, ERROR_INVALID, "the brackets do not match");
        bool has_port = bracket[1] == ':';
        if (has_port && !read_port(bracket + 2, rule, err))
            return false;
        *bracket = '\0';
        memmove(entry, entry + 1, strlen(entry));
        return true;
    }
    char *colon = strchr(entry, ':');
    if (!colon || strchr(colon + 1, ':')) /* none, or IPv6 without brackets */
        return true;
    *colon = '\0';
    return read_port(colon + 1, rule, err);
}

static bool read_prefix_length(const char *text, unsigned bits, unsigned *ret_length)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 3 || text[digits] != '\0')
        return false;
    unsigned long length = strtoul(text, NULL, 10);
    if (length > bits)
        return false;
    *ret_length = (unsigned)length;
    return true;
}

static bool has_bits_beyond(const struct ip_address *address, unsigned length)
{
    for (unsigned bit = length; bit < ip_address_bits(address); bit++) {
        if (address->bytes[bit / 8] & (0x80u >> bit % 8))
            return true;
    }
    return false;
}

static bool read_network(char *entry, struct egress_rule *rule, struct error *err)
{
    char *slash = strchr(entry, '/');
    if (slash)
        *slash = '\0';
    if (!ip_address_parse(entry, &rule->network))
        return error_set(err, ERROR_INVALID, "\"%.64s\" is not an address", entry);
    rule->kind = EGRESS_NETWORK;
    rule->prefix_length = ip_address_bits(&rule->network);
    if (!slash)
        return true;
    if (!read_prefix_length(slash + 1, rule->prefix_length, &rule->prefix_length))
        return error_set(err, ERROR_INVALID, "the prefix length must be 0 to %u",
                         ip_address_bits(&rule->network));
    if (has_bits_beyond(&rule->network, rule->prefix_length))
        return error_set(err, ERROR_INVALID,
                         "the address has bits set beyond its prefix of %u bits",
                         rule->prefix_length);
    return true;
}

static bool read_host(const char *entry, struct egress_rule *rule, struct error *err)
{
    bool is_suffix = strncmp(entry, "*.", 2) == 0;
    rule->kind = is_suffix ? EGRESS_SUFFIX : EGRESS_HOST;
    if (!host_name_copy(slice_from(is_suffix ? entry + 2 : entry), rule->host))
        return error_set(err, ERROR_INVALID,
                         "not an address, a network like 10.1.0.0/16, a host name or "
                         "*.suffix, with or without :port");
    return true;
}

/* An address or network rather than a name: it holds a '/', a ':' or nothing but digits
 * and dots. */
static bool looks_numeric(const char *entry)
{
    return strpbrk(entry, "/:") || entry[strspn(entry, "0123456789.")] == '\0';
}

bool egress_rule_parse(const char *text, struct egress_rule *ret_rule, struct error *err)
{
    char entry[ENTRY_SIZE];
    size_t len = strlen(text);
    if (len == 0 || len >= sizeof entry)
        return error_set(err, ERROR_INVALID, "an entry is 1 to %d bytes", ENTRY_SIZE - 1);
    memcpy(entry, text, len + 1);

    struct egress_rule rule = {0};
    if (!split_port(entry, &rule, err))
        return false;
    bool is_bracketed = text[0] == '[';
    if (is_bracketed || looks_numeric(entry)) {
        if (!read_network(entry, &rule, err))
            return false;
        if (is_bracketed && rule.network.is_v4)
            return error_set(err, ERROR_INVALID, "brackets are for IPv6");
    } else if (!read_host(entry, &rule, err)) {
        return false;
    }
    *ret_rule = rule;
    return true;
}

bool egress_rules_add(struct egress_rules *rules, const struct config_strings *texts,
                      struct error *err)
{
    if (texts->count == 0)
        return true;
    size_t count = rules->count + texts->count;
    struct egress_rule *items = memory_try_array(count, sizeof *items);
    if (!items)
        return error_set(err, ERROR_LIMIT, "no memory for %zu entries", count);
    for (size_t i = 0; i < texts->count; i++) {
        if (!egress_rule_parse(texts->items[i], &items[rules->count + i], err)) {
            error_prefix(err, "\"%.64s\"", texts->items[i]);
            free(items);
            return false;
        }
    }
    if (rules->count)
        memcpy(items, rules->items, rules->count * sizeof *items);
    free(rules->items);
    *rules = (struct egress_rules){.items = items, .count = count};
    return true;
}

void egress_rules_done(struct egress_rules *rules)
{
    free(rules->items);
    *rules = (struct egress_rules){0};
}

static bool fits_port(const struct egress_rule *rule, uint16_t port, enum egress_fit fit)
{
    if (!rule->has_port)
        return fit != EGRESS_WITH_PORT;
    return port >= rule->port_first && port <= rule->port_last;
}

static bool is_below(const char *host, const char *suffix)
{
    size_t host_len = strlen(host);
    size_t suffix_len = strlen(suffix);
    return host_len > suffix_len + 1 && host[host_len - suffix_len - 1] == '.' &&
           memcmp(host + host_len - suffix_len, suffix, suffix_len) == 0;
}

static bool fits_host(const struct egress_rule *rule, const char *host,
                      enum egress_fit fit)
{
    switch (rule->kind) {
    case EGRESS_HOST:
        return strcmp(host, rule->host) == 0;
    case EGRESS_SUFFIX:
        return fit != EGRESS_EXACT && is_below(host, rule->host);
    case EGRESS_NETWORK:
        break;
    }
    return false;
}

const struct egress_rule *egress_rules_find_host(const struct egress_rules *rules,
                                                 const char *host, uint16_t port,
                                                 enum egress_fit fit)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct egress_rule *rule = &rules->items[i];
        if (fits_port(rule, port, fit) && fits_host(rule, host, fit))
            return rule;
    }
    return NULL;
}

const struct egress_rule *egress_rules_find_address(const struct egress_rules *rules,
                                                    const struct ip_address *address,
                                                    uint16_t port, enum egress_fit fit)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct egress_rule *rule = &rules->items[i];
        if (rule->kind != EGRESS_NETWORK || !fits_port(rule, port, fit))
            continue;
        bool is_one = rule->prefix_length == ip_address_bits(&rule->network);
        if (fit == EGRESS_EXACT && !is_one)
            continue;
        if (ip_address_has_prefix(address, &rule->network, rule->prefix_length))
            return rule;
    }
    return NULL;
}
