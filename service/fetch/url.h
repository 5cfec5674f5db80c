/* SPDX-License-Identifier: Apache-2.0 */
/* A client's URL vetted and taken apart by libcurl's parser, the same one that will use
 * it: two parsers that disagree are how filters are passed. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"
#include "fetch/guard.h"

#include <stdbool.h>

/* url_parse fills `ret_target`, or returns false with a constant sentence in `ret_reason`
 * when the URL does not parse, holds a byte outside 0x21–0x7e or a backslash, carries
 * userinfo, has a host that is not LDH/underscore labels or an IP literal, a zone id, or
 * port 0. A scheme other than http and https parses (the guard refuses it): then
 * ret_target->scheme tells. `url` must be NUL-terminated at data[len]. */
bool url_parse(struct slice url, struct target *ret_target,
               const char **ret_reason) MUST_CHECK;

/* url_join resolves `location` against `base` (RFC 3986 5) into a new string for free();
 * NULL when that gives no URL. */
char *url_join(const char *base, const char *location) MUST_CHECK;
