/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of egress.allow: what is taken matches what is written and nothing more. The
 * text is the input up to a NUL; what follows are the addresses, port and host asked for.
 * Held against inet_pton and the text itself. */
#include "fuzzer.h"

#include "fetch/egress_rule.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

struct asked {
    struct ip_address address;
    uint16_t port;
};

static bool first_bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    for (unsigned bit = 0; bit < bits; bit++) {
        if ((a[bit / 8] ^ b[bit / 8]) & (0x80u >> bit % 8))
            return false;
    }
    return true;
}

static void check_network(const struct egress_rules *rules, const char *text,
                          const struct asked *asked)
{
    const struct egress_rule *rule = rules->items;
    char address[64];
    size_t skip = text[0] == '[';
    size_t len = strcspn(text + skip, skip ? "/]" : "/");
    if (!skip && !strchr(text, '/') && strchr(text, '.') && strchr(text, ':'))
        len = strcspn(text, ":"); /* 10.1.2.3:80; a v6 form with dots has no such port */
    MUST_HOLD(len < sizeof address);
    memcpy(address, text + skip, len);
    address[len] = '\0';
    uint8_t bytes[16];
    if (inet_pton(rule->network.is_v4 ? AF_INET : AF_INET6, address, bytes) != 1)
        return; /* such a mixed form; the unit tests have them */
    bool is_inside = asked->address.is_v4 == rule->network.is_v4 &&
                     first_bits_equal(bytes, asked->address.bytes, rule->prefix_length);
    bool is_port = !rule->has_port ||
                   (asked->port >= rule->port_first && asked->port <= rule->port_last);
    bool is_found =
        egress_rules_find_address(rules, &asked->address, asked->port, EGRESS_ANY);
    MUST_HOLD(is_found == (is_inside && is_port));
}

static void check_name(const struct egress_rules *rules, const char *text,
                       const struct asked *asked)
{
    const struct egress_rule *rule = rules->items;
    bool is_suffix = strncmp(text, "*.", 2) == 0;
    const char *name = is_suffix ? text + 2 : text;
    MUST_HOLD(is_suffix == (rule->kind == EGRESS_SUFFIX));
    MUST_HOLD(strncasecmp(name, rule->host, strlen(rule->host)) == 0);
    uint16_t port = rule->has_port ? rule->port_first : 1;
    char host[2 * HOST_NAME_SIZE];
    static const struct {
        const char *before, *after;
        bool is_below;
    } others[] = {{"a.", "", true}, {"a.b.", "", true},  {"a", "", false},
                  {"-", "", false}, {"a.", "a", false},  {"", "a", false},
                  {".", "", false}, {"a.", ".b", false}, {"xn--", "", false}};
    MUST_HOLD(!egress_rules_find_host(rules, rule->host, port, EGRESS_ANY) == is_suffix);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(others[i].after, ".b") == 0 &&
            rule->host[strlen(rule->host) - 1] == 'b')
            continue; /* a.b.b is below b */
        snprintf(host, sizeof host, "%s%s%s", others[i].before, rule->host,
                 others[i].after);
        MUST_HOLD(!egress_rules_find_host(rules, host, port, EGRESS_ANY) ==
                  !(is_suffix && others[i].is_below));
    }
    MUST_HOLD(!egress_rules_find_address(rules, &asked->address, port, EGRESS_ANY));
}

static void check_port(const struct egress_rule *rule, const char *text)
{
    MUST_HOLD(!rule->has_port || rule->port_first <= rule->port_last);
    MUST_HOLD(!rule->has_port || strchr(text, ':'));
    for (const char *at = rule->host; *at; at++)
        MUST_HOLD(!isupper((unsigned char)*at) && isgraph((unsigned char)*at));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[512];
    struct asked asked = {.port = 80};
    size_t len = strnlen((const char *)data, size);
    if (len >= sizeof text)
        return 0;
    memcpy(text, data, len);
    text[len] = '\0';
    const uint8_t *more = data + len + 1;
    size_t left = len < size ? size - len - 1 : 0;
    if (left >= 19) {
        asked.port = (uint16_t)(more[0] << 8 | more[1]);
        asked.address.is_v4 = more[2] & 1;
        memcpy(asked.address.bytes, more + 3, asked.address.is_v4 ? 4 : 16);
    }
    struct error err = {0};
    char *entries[] = {text};
    const struct config_strings texts = {.items = entries, .count = 1};
    struct egress_rules rules = {.count = 0};
    if (!egress_rules_add(&rules, &texts, &err)) {
        MUST_HOLD(err.text[0] != '\0');
        return 0;
    }
    check_port(rules.items, text);
    if (rules.items->kind == EGRESS_NETWORK)
        check_network(&rules, text, &asked);
    else
        check_name(&rules, text, &asked);
    egress_rules_done(&rules);
    return 0;
}
