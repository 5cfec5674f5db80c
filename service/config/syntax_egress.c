/* SPDX-License-Identifier: Apache-2.0 */
/* What `egress:` is made of: schemes, ports, rules. The guard reads these texts again
 * (fetch/egress_rule.c, fetch/port_set.c); a test holds the rules against its own. Called
 * through the options table. */
#include "config/syntax.h"

#include "config/syntax_address.h"
#include "config/values.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

bool syntax_is_scheme(const char *text, struct error *err)
{
    if (strcmp(text, "http") != 0 && strcmp(text, "https") != 0)
        return error_set(err, ERROR_INVALID, "\"%.40s\" is neither http nor https", text);
    return true;
}

bool syntax_is_ports(const char *text, struct error *err)
{
    if (!syntax_is_port_range(slice_from(text)))
        return error_set(err, ERROR_INVALID,
                         "\"%.40s\" is not a port (1-65535) or a range like 1024-65535",
                         text);
    return true;
}

bool syntax_is_deny_ports(const char *text, struct error *err)
{
    if (strcmp(text, "unsafe") != 0 && !syntax_is_port_range(slice_from(text)))
        return error_set(err, ERROR_INVALID,
                         "\"%.40s\" is not unsafe, a port or a range like 1024-65535",
                         text);
    return true;
}

/* No bit may be set behind the prefix: such a rule was meant otherwise. */
static bool has_bits_beyond(const unsigned char *address, size_t bits, uint64_t prefix)
{
    for (size_t bit = prefix; bit < bits; bit++) {
        if (address[bit / 8] & (0x80U >> bit % 8))
            return true;
    }
    return false;
}

/* "10.1.0.0/16", "2001:db8::1"; `what` is the whole rule. */
static bool is_network(const char *text, const char *what, struct error *err)
{
    unsigned char address[sizeof(struct in6_addr)];
    char host[SYNTAX_HOST_MAX + 1];
    size_t len = strcspn(text, "/");
    int family = memchr(text, ':', len) ? AF_INET6 : AF_INET;
    uint64_t bits = family == AF_INET6 ? 128 : 32;
    uint64_t prefix = bits;
    if (!syntax_copy_host(slice_make(text, len), host) ||
        inet_pton(family, host, address) != 1)
        return error_set(err, ERROR_INVALID, "\"%.80s\" is not an address", what);
    if (text[len] == '/' &&
        (!values_parse_number(slice_from(text + len + 1), &prefix, NULL) ||
         prefix > bits))
        return error_set(err, ERROR_INVALID, "\"%.80s\": the prefix length is 0 to %u",
                         what, (unsigned)bits);
    if (has_bits_beyond(address, bits, prefix))
        return error_set(err, ERROR_INVALID,
                         "\"%.80s\" has bits set beyond its prefix of %u bits", what,
                         (unsigned)prefix);
    return true;
}

/* Cuts ":port" off the copy `rule`, and the brackets. */
static bool cut_port(char *rule, const char *what, struct error *err)
{
    char *colon = strchr(rule, ':');
    if (rule[0] == '[') {
        char *bracket = strchr(rule, ']');
        if (!bracket || (bracket[1] && bracket[1] != ':'))
            return error_set(err, ERROR_INVALID, "\"%.80s\": the brackets do not match",
                             what);
        colon = bracket[1] ? bracket + 1 : NULL;
        *bracket = '\0';
    } else if (!colon || strchr(colon + 1, ':')) {
        return true; /* none, or IPv6 without brackets */
    }
    if (colon && !syntax_is_port_range(slice_from(colon + 1)))
        return error_set(err, ERROR_INVALID,
                         "\"%.80s\": behind the colon goes a port or a range", what);
    if (colon)
        *colon = '\0';
    return true;
}

bool syntax_is_egress_rule(const char *text, struct error *err)
{
    char rule[SYNTAX_HOST_MAX + 32];
    if ((size_t)snprintf(rule, sizeof rule, "%s", text) >= sizeof rule)
        return error_set(err, ERROR_INVALID, "\"%.80s…\" is too long for a rule", text);
    if (!cut_port(rule, text, err))
        return false;
    if (rule[0] == '[') {
        if (!strchr(rule, ':'))
            return error_set(err, ERROR_INVALID, "\"%.80s\": brackets are for IPv6",
                             text);
        return is_network(rule + 1, text, err);
    }
    if (strpbrk(rule, "/:") || (*rule && rule[strspn(rule, "0123456789.")] == '\0'))
        return is_network(rule, text, err);
    const char *name = strncmp(rule, "*.", 2) == 0 ? rule + 2 : rule;
    if (!syntax_is_host_name(slice_from(name)))
        return error_set(
            err, ERROR_INVALID,
            "\"%.80s\" is not an address, a network like 10.1.0.0/16, a host or "
            "*.suffix, with or without :port",
            text);
    return true;
}
