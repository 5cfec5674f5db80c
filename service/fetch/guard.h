/* SPDX-License-Identifier: Apache-2.0 */
/* What callers may reach: the egress policy, compiled from `egress:`. Pure: text and
 * addresses in, verdict out; no lookup, no socket, no clock. Immutable once workers run,
 * so any thread may ask.
 *
 * Order of judgement: deny rules, then allow rules (exceptions from what follows), then
 * schemes and ports for a URL, address classes for an address.
 *
 *   deny   an entry refuses its hosts and addresses, on its port if it names one. Wins
 *          over allow, also for an IPv4 address hidden in an IPv6 one.
 *   allow  an address or network opens private addresses in it; a host name or *.suffix
 *          opens whatever private address those names resolve to, and only those names.
 *          An entry with a port opens only that port, and opens it even where
 *          `egress.ports` and `deny_ports` would not; an address entry does that for URLs
 *          that hold the address itself, since the port is judged before names are looked
 *          up. No entry opens a scheme.
 *
 * A host entry is held against the name in the URL, not against what the resolver's
 * search domains or aliases make of it: deny the addresses where that matters.
 *
 * Metadata addresses and gatherd's own listeners are opened by nothing but the exact
 * address in `allow` (not by a network, a host name or private_addresses: allow), the
 * metadata host names by nothing but the exact name and, when resolved, the exact
 * address. An IPv6 address that embeds IPv4 is never public, and what it embeds must be
 * open too.
 *
 * egress.mode: report refuses nothing that a rule could open for a host, port or network:
 * such a refusal becomes VERDICT_ALLOW with its reason. Refused all the same are
 * gatherd's own listeners (a batch that fetches from gatherd multiplies without end),
 * metadata services (nothing but their exact address opens them, and a trial is no reason
 * to give credentials away), and what cannot be fetched at all: other schemes, zones. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"
#include "config/config.h"
#include "metrics/metrics.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct guard;

/* A URL after parsing, as the guard and the resolver need it. */
struct target {
    char scheme[16]; /* lower case */
    bool is_https;
    char host[256];  /* lower case, no brackets, no final dot; NUL-terminated. The URL
                        itself may have the dot: pin an address by CONNECT_TO with an
                        empty host, which fits whatever libcurl calls it */
    bool is_literal; /* host is an IP address, in `address` with `port` */
    uint16_t port;   /* explicit or the scheme's */
    struct sockaddr_storage address;
};

enum verdict { VERDICT_ALLOW, VERDICT_BLOCK_URL, VERDICT_BLOCK_ADDRESS };

/* guard_new compiles `egress:` and, unless `rule` is NULL, one entry of egress.rules on
 * top of it. */
struct guard *guard_new(const struct config *config, const struct config_rule *rule,
                        struct error *err) MUST_CHECK;
void guard_free(struct guard *guard);

/* guard_add_own refuses gatherd's own listener from now on: `listener` is the address it
 * is bound to (getsockname); a wildcard stands for all addresses the machine has now, or
 * for those that `known` refuses for one on its port (NULL: none). Only before workers
 * run. Anything but IP is ignored. */
bool guard_add_own(struct guard *guard, const struct sockaddr *listener,
                   const struct guard *known, struct error *err) MUST_CHECK;

/* guard_judge_target: scheme, port and host name; also the address if it is a literal.
 * The constant text in `ret_reason` names the rule that refused, never an address; with
 * VERDICT_ALLOW it is NULL, or in report mode the rule that would have refused. */
enum verdict guard_judge_target(const struct guard *guard, const struct target *target,
                                const char **ret_reason);
/* guard_judge_address: one address `target` resolved to, or is about to be connected to.
 * */
enum verdict guard_judge_address(const struct guard *guard, const struct target *target,
                                 const struct sockaddr *address, const char **ret_reason);
/* guard_judge_redirect: may a redirect lead from one scheme to the other? Where it leads
 * is guard_judge_target's question. */
enum verdict guard_judge_redirect(const struct guard *guard, const struct target *from,
                                  const struct target *to, const char **ret_reason);
/* guard_rule names what decided a verdict of guard_judge_target: an option, or a rule
 * that is none. `reason` is what it left; NULL: nothing, the target is allowed. Constant,
 * and never an entry of a list: a caller does not learn the policy by asking. */
const char *guard_rule(const struct guard *guard, const struct target *target,
                       const char *reason);
/* guard_reason returns which row of the policy a text in `ret_reason` is; EGRESS_OTHER
 * for any other text. */
enum egress_reason guard_reason(const char *text);
