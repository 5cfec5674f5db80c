/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of a URL once url_parse has taken it, whatever it was made from. */
#pragma once

#include "fetch/guard.h"

#include <stdbool.h>

/* vetted_guard is the policy of the defaults. */
const struct guard *vetted_guard(void);

/* vetted_check parses and judges `text` and aborts unless libcurl, given the same text,
 * would connect exactly where the verdict was about. True when the policy lets it pass:
 * then `ret_target` is where it leads. */
bool vetted_check(const char *text, struct target *ret_target);
