/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC with SHA-256 (RFC 2104), by OpenSSL. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum { HMAC_SHA256_SIZE = 32 };

/* hmac_sha256 signs `parts` as if they were one text. False, and nothing written: there
 * is no memory. Some 0.5 to 2 ms a MB. Any thread. */
bool hmac_sha256(struct slice key, const struct slice *parts, size_t count,
                 unsigned char ret_digest[HMAC_SHA256_SIZE]) MUST_CHECK;
