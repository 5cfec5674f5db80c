/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of `egress.allow` or `egress.deny`, and lists of them. Pure.
 *
 *   10.1.0.0/16   2001:db8::/32      addresses; bits beyond the prefix must be 0
 *   10.1.2.3      2001:db8::1        one address ([2001:db8::1] too)
 *   host.example                     exactly this name
 *   *.svc.example                    every name below svc.example, not svc.example itself
 *   any of them with :port or :first-last; IPv6 then in brackets: [2001:db8::/32]:443
 *
 * An entry with a port concerns that port only. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "config/config.h"
#include "fetch/address_class.h"
#include "fetch/host_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum egress_rule_kind { EGRESS_NETWORK, EGRESS_HOST, EGRESS_SUFFIX };

struct egress_rule {
    enum egress_rule_kind kind;
    struct ip_address network; /* EGRESS_NETWORK */
    unsigned prefix_length;
    char host[HOST_NAME_SIZE]; /* EGRESS_HOST; of EGRESS_SUFFIX what follows "*." */
    bool has_port;
    uint16_t port_first;
    uint16_t port_last;
};

bool egress_rule_parse(const char *text, struct egress_rule *ret_rule,
                       struct error *err) MUST_CHECK;

struct egress_rules {
    struct egress_rule *items;
    size_t count;
};

/* egress_rules_add compiles `texts` onto the end of `rules` (zeroed memory is an empty
 * list); on failure `rules` is as before and the sentence names the entry. */
bool egress_rules_add(struct egress_rules *rules, const struct config_strings *texts,
                      struct error *err) MUST_CHECK;
void egress_rules_done(struct egress_rules *rules);

/* How near an entry must fit to count. */
enum egress_fit {
    EGRESS_ANY,       /* any entry for it */
    EGRESS_EXACT,     /* one address or one name, no network, no suffix */
    EGRESS_WITH_PORT, /* an entry that names the port */
};

/* The first entry of `rules` that fits, or NULL. `host` is lower case. */
const struct egress_rule *egress_rules_find_host(const struct egress_rules *rules,
                                                 const char *host, uint16_t port,
                                                 enum egress_fit fit);
const struct egress_rule *egress_rules_find_address(const struct egress_rules *rules,
                                                    const struct ip_address *address,
                                                    uint16_t port, enum egress_fit fit);
