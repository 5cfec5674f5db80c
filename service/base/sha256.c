/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's, which uses the processor's instructions for it. Called by render_shape. */
#include "base/sha256.h"

#include <openssl/evp.h>

bool sha256(struct slice bytes, unsigned char digest[SHA256_BYTES])
{
    const void *data = bytes.len ? bytes.data : "";
    return EVP_Digest(data, bytes.len, digest, NULL, EVP_sha256(), NULL) == 1;
}
