/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of FIPS 180-2, appendix B. */
#include "base/sha256.h"

#include "base/hex.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const char *digest_of(struct slice bytes)
{
    static char text[2 * SHA256_BYTES + 1];
    unsigned char digest[SHA256_BYTES];
    cr_assert(sha256(bytes, digest));
    hex_write(text, digest, sizeof digest);
    return text;
}

Test(sha256, gives_the_published_digests)
{
    cr_expect_str_eq(digest_of(slice_make(NULL, 0)),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    cr_expect_str_eq(digest_of(slice_from("abc")),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    cr_expect_str_eq(digest_of(slice_make(million, 1000000)),
                     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}
