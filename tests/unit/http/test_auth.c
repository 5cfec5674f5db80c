/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in, with keys "alpha" and "beta". */
#include "http/auth.h"

#include <criterion/criterion.h>
#include <openssl/sha.h>

static struct config_key keys[2] = {{.name = (char[]){"a"}}, {.name = (char[]){"b"}}};
static struct config config;

static void with_keys(void)
{
    SHA256((const unsigned char *)"alpha", 5, keys[0].sha256);
    SHA256((const unsigned char *)"beta", 4, keys[1].sha256);
    config.auth.keys.items = keys;
    config.auth.keys.count = 2;
    config.auth.mode = AUTH_KEYS;
}

static const struct config_key *caller(const char *authorization, const char *api_key)
{
    return auth_caller(&config, slice_from(authorization), slice_from(api_key));
}

TestSuite(auth, .init = with_keys);

Test(auth, each_configured_key_is_let_in_by_either_header)
{
    cr_expect(caller("Bearer alpha", "") == &keys[0]);
    cr_expect(caller("Bearer beta", "") == &keys[1]);
    cr_expect(caller("", "alpha") == &keys[0]);
    cr_expect(caller("", "beta") == &keys[1]);
    cr_expect(caller("bearer  alpha", NULL) == &keys[0], "the scheme has no case");
}

Test(auth, everything_else_is_nobody)
{
    static const char *const wrong[] = {"",
                                        "Bearer",
                                        "Bearer ",
                                        "Bearer Alpha",
                                        "Bearer alph",
                                        "Bearer alphaa",
                                        "Basic alpha",
                                        "alpha",
                                        "Bearer alpha x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_null(caller(wrong[i], ""), "%s", wrong[i]);
    cr_expect_null(caller("", "gamma"));
}

Test(auth, the_authorization_header_alone_counts_when_there_is_one)
{
    cr_expect_null(caller("Bearer gamma", "alpha"));
    cr_expect_null(caller("Basic abc", "alpha"));
}

Test(auth, a_huge_key_is_not_even_hashed)
{
    char key[600];
    memset(key, 'x', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    cr_expect_null(caller("", key));
}

Test(auth, the_mode_decides_whether_a_key_is_needed)
{
    cr_expect(auth_is_required(&config));
    config.auth.mode = AUTH_NONE;
    cr_expect_not(auth_is_required(&config));
    config.auth.mode = AUTH_AUTO;
    cr_expect(auth_is_required(&config), "auto with keys asks for them");
    config.auth.keys.count = 0;
    cr_expect_not(auth_is_required(&config));
    config.auth.mode = AUTH_KEYS;
    cr_expect(auth_is_required(&config), "keys without a key lets nobody in");
    cr_expect_null(caller("Bearer alpha", ""));
}
