/* SPDX-License-Identifier: Apache-2.0 */
/* Retry-After → how long to wait (RFC 9110 10.2.3). Pure: the time comes as a parameter.
 * Its first caller, the fetcher's retries, is still to come.
 *
 *   120                              seconds
 *   1.5                              with a fraction, as some services send it
 *   Sun, 06 Nov 1994 08:49:37 GMT    a date, also in the two obsolete forms that must be
 *   Sunday, 06-Nov-94 08:49:37 GMT   read (RFC 9110 5.6.7); case matters
 *   Sun Nov  6 08:49:37 1994
 */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Whoever asks for more means something else, or nothing: a year. */
enum { RETRY_AFTER_ABSURD_S = 366 * 24 * 3600 };

/* retry_after_parse reads a field's value; spaces and tabs around it do not matter.
 * `now_s` is the wall clock, in seconds since 1970. A wait of more than `max_ms` is told
 * as max_ms, a date that is over as 0. False, and `ret_wait_ms` untouched, for what is
 * none of the forms above, negative, or more than RETRY_AFTER_ABSURD_S away: ignore it.
 */
bool retry_after_parse(struct slice value, int64_t now_s, uint64_t max_ms,
                       uint64_t *ret_wait_ms) MUST_CHECK;
