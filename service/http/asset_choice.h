/* SPDX-License-Identifier: Apache-2.0 */
/* Which form of a static file is sent (RFC 9110 12.5.3 and 13.1.2). Pure. */
#pragma once

#include "base/slice.h"

#include <stdbool.h>

/* asset_choice_gzip: an Accept-Encoding of `value` takes gzip; an empty one does not. */
bool asset_choice_gzip(struct slice value);

/* asset_choice_is_known: If-None-Match of `value` names `etag`, which has its quotes; by
 * the weak comparison, as that header asks for. */
bool asset_choice_is_known(struct slice value, struct slice etag);
