/* SPDX-License-Identifier: Apache-2.0 */
/* What callers may reach: the egress policy, compiled from `egress:`. Pure: text and
 * addresses in, verdict out; no lookup, no socket, no clock. Immutable after guard_new, so
 * any thread may ask.
 *
 * Order of judgement: deny rules, then allow rules (exceptions from what follows), then
 * schemes and ports for a URL, address classes for an address. Metadata addresses and
 * gatherd's own listeners are opened by nothing but an exact address in `allow`. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"
#include "config/config.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct guard;

/* A URL after parsing, as the guard and the resolver need it. */
struct target {
    char scheme[16];     /* lower case */
    bool is_https;
    char host[256];      /* lower case, no brackets, no final dot; NUL-terminated */
    bool is_literal;     /* host is an IP address, in `address` with `port` */
    uint16_t port;       /* explicit or the scheme's */
    struct sockaddr_storage address;
};

enum verdict { VERDICT_ALLOW, VERDICT_BLOCK_URL, VERDICT_BLOCK_ADDRESS };

struct guard *guard_new(const struct config *config, struct error *err) MUST_CHECK;
void guard_free(struct guard *guard);

/* guard_judge_target: scheme, port and host name; also the address if it is a literal. The
 * constant text in `ret_reason` names the rule that refused, never an address. */
enum verdict guard_judge_target(const struct guard *guard, const struct target *target,
                                const char **ret_reason);
/* guard_judge_address: one address `target` resolved to, or is about to be connected to. */
enum verdict guard_judge_address(const struct guard *guard, const struct target *target,
                                 const struct sockaddr *address, const char **ret_reason);
