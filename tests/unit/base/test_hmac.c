/* SPDX-License-Identifier: Apache-2.0 */
/* base/hmac.h against the vectors of RFC 4231, and that parts are one text. */
#include "base/hmac.h"

#include "base/hex.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

struct vector {
    const char *name;
    size_t key_len;
    const char *key; /* repeated if it is shorter than key_len */
    const char *text;
    const char *digest;
};

static const struct vector vectors[] = {
    {"1", 20, "\x0b", "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"2", 4, "Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"6", 131, "\xaa", "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
};

static void expect_digest(const struct vector *vector, const struct slice *parts,
                          size_t count)
{
    char key[200];
    char hex[2 * HMAC_SHA256_SIZE + 1];
    unsigned char digest[HMAC_SHA256_SIZE];
    for (size_t i = 0; i < vector->key_len; i++)
        key[i] = vector->key[i % strlen(vector->key)];
    cr_assert(hmac_sha256(slice_make(key, vector->key_len), parts, count, digest));
    hex_write(hex, digest, sizeof digest);
    cr_expect(eq(str, hex, (char *)(uintptr_t)vector->digest), "%s", vector->name);
}

Test(hmac, it_signs_as_the_rfc_says)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct slice whole = slice_from(vectors[i].text);
        expect_digest(&vectors[i], &whole, 1);
    }
}

Test(hmac, parts_are_signed_as_one_text_wherever_it_is_cut)
{
    const struct vector *vector = &vectors[1];
    size_t len = strlen(vector->text);
    for (size_t cut = 0; cut <= len; cut++) {
        const struct slice parts[] = {slice_make(vector->text, cut), slice_make(NULL, 0),
                                      slice_make(vector->text + cut, len - cut)};
        expect_digest(vector, parts, 3);
    }
}

Test(hmac, nothing_at_all_has_a_digest)
{
    unsigned char digest[HMAC_SHA256_SIZE];
    char hex[2 * HMAC_SHA256_SIZE + 1];
    cr_assert(hmac_sha256(slice_from("k"), NULL, 0, digest));
    hex_write(hex, digest, sizeof digest);
    cr_expect(eq(str, hex,
                 (char[]){"8bb990c40a7d61cb97597a942125025b"
                          "e50ac8beb74436e3735b98893a7f6620"}));
}
