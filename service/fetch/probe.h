/* SPDX-License-Identifier: Apache-2.0 */
/* One blocking GET, for `gatherd health`: asks the running service how it is. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>

/* probe_get asks `url` (over the unix socket `unix_path` when that is not NULL) and waits
 * at most `timeout_ms`. The service's own certificate is not verified: it is reached by
 * address. */
bool probe_get(const char *url, const char *unix_path, long timeout_ms, int *ret_status,
               struct buffer *ret_body, struct error *err) MUST_CHECK;
