/* SPDX-License-Identifier: Apache-2.0 */
/* Who is calling. Keys are stored as SHA-256; the key presented is hashed and compared
 * with every stored one in constant time, so that neither the place nor the time of a
 * mismatch says anything. Pure but for the configuration. */
#pragma once

#include "base/slice.h"
#include "config/config.h"

#include <stdbool.h>

/* auth_is_required: the mode is `keys`, or `auto` and there are keys. (That `auto`
 * without keys does not start on a public address is the configuration's rule, enforced
 * at start.) */
bool auth_is_required(const struct config *config);

/* auth_caller returns the configured key presented by `Authorization: Bearer KEY`, or
 * without an Authorization header by `X-Api-Key: KEY`; NULL when there is none or a wrong
 * one. */
const struct config_key *auth_caller(const struct config *config,
                                     struct slice authorization, struct slice api_key);
