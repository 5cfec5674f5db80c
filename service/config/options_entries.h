/* SPDX-License-Identifier: Apache-2.0 */
/* The maps that lists of the configuration are made of, as tables: for options.c only. */
#pragma once

#include "config/options.h"

extern const struct option_entry option_keys;
extern const struct option_entry option_limits;
extern const struct option_entry option_rules;
extern const struct option_entry option_headers;
extern const struct option_entry option_webhook_secrets;
