/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) of bytes in memory. Any thread. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"

#include <stdbool.h>

enum { SHA256_BYTES = 32 };

/* sha256 writes the digest of `bytes`; false: the library has no memory for it. */
bool sha256(struct slice bytes, unsigned char digest[SHA256_BYTES]) MUST_CHECK;
