/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in, with keys "alpha" and "beta". */
#include "http/auth.h"
#include "http/auth_key.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static char no_id[] = "";
static struct config_key keys[2] = {{.name = (char[]){"a"}, .id = no_id},
                                    {.name = (char[]){"b"}, .id = no_id}};
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
    struct auth *auth = auth_new(&config);
    const struct config_key *key =
        auth_find(auth, slice_from(authorization), slice_from(api_key)).key;
    auth_free(auth);
    return key;
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

/* --------------------------------------------------------------------- keys with ids */

enum { MADE = 9 };
static struct auth_key made[MADE];
static struct config_key made_keys[MADE];
static struct auth *auth;

static void with_made_keys(void)
{
    for (size_t i = 0; i < MADE; i++) {
        auth_key_make(&made[i]);
        made_keys[i] = (struct config_key){.name = no_id, .id = made[i].id};
        auth_key_hash(made[i].text, made_keys[i].sha256);
    }
    config.auth.keys = (struct config_keys){made_keys, MADE};
    auth = auth_new(&config);
}

static void without_made_keys(void)
{
    auth_free(auth);
}

TestSuite(auth_ids, .init = with_made_keys, .fini = without_made_keys);

static struct auth_result find(const char *key)
{
    return auth_find(auth, slice_from(""), slice_from(key));
}

Test(auth_ids, o4_each_made_key_is_found_by_its_id)
{
    for (size_t i = 0; i < MADE; i++)
        cr_expect(find(made[i].text).key == &made_keys[i], "%s", made[i].text);
}

Test(auth_ids, o4_two_active_keys_of_one_caller_are_both_let_in)
{
    made_keys[1].name = made_keys[0].name;
    cr_expect(find(made[0].text).key == &made_keys[0]);
    cr_expect(find(made[1].text).key == &made_keys[1]);
}

Test(auth_ids, o4_an_unknown_id_costs_what_a_wrong_secret_costs)
{
    struct auth_key other;
    auth_key_make(&other);
    struct auth_result right = find(made[3].text);
    struct auth_result unknown = find(other.text);
    made[3].text[AUTH_KEY_TEXT_MAX - 2] ^= 1;
    struct auth_result wrong = find(made[3].text);
    cr_expect(wrong.key == NULL && unknown.key == NULL);
    cr_expect(right.hashes == 1 && right.comparisons == 1);
    cr_expect(wrong.hashes == 1 && wrong.comparisons == 1);
    cr_expect(unknown.hashes == 1 && unknown.comparisons == 1);
}

Test(auth_ids, o4_the_id_of_one_key_with_the_secret_of_another_is_nobody)
{
    memcpy(made[0].text + 3, made[1].id, AUTH_KEY_ID_SIZE);
    cr_expect(find(made[0].text).key == NULL);
}

Test(auth_ids, o4_keys_without_an_id_are_compared_all_whatever_the_key)
{
    made_keys[2].id = no_id;
    made_keys[5].id = no_id;
    auth_free(auth);
    auth = auth_new(&config);
    cr_expect(find(made[2].text).key == &made_keys[2]);
    cr_expect(find(made[5].text).key == &made_keys[5]);
    cr_expect(find(made[4].text).key == &made_keys[4]);
    cr_expect(eq(u32, find(made[2].text).comparisons, 3));
    cr_expect(eq(u32, find(made[4].text).comparisons, 3));
    cr_expect(eq(u32, find("an old key of any form").comparisons, 3));
}

Test(auth_ids, without_any_key_with_an_id_nothing_is_found)
{
    struct config empty = {0};
    struct auth *nothing = auth_new(&empty);
    struct auth_result result =
        auth_find(nothing, slice_from(""), slice_from(made[0].text));
    cr_expect(result.key == NULL && result.hashes == 1 && result.comparisons == 1);
    auth_free(nothing);
    auth_free(NULL);
}

Test(auth_ids, a_hash_of_zeros_lets_nobody_in)
{
    static const struct config_key zeros;
    memcpy(made_keys[0].sha256, zeros.sha256, sizeof zeros.sha256);
    cr_expect(find(made[0].text).key == NULL);
}

Test(auth_key, is_told_by_its_form)
{
    struct auth_key key;
    auth_key_make(&key);
    struct slice text = slice_from(key.text);
    cr_expect(eq(sz, text.len, 64));
    cr_expect(strncmp(key.text, "gd_", 3) == 0);
    cr_expect(auth_key_id(text) == key.text + 3);
    cr_expect(strncmp(auth_key_id(text), key.id, AUTH_KEY_ID_SIZE) == 0);
    cr_expect(auth_key_id(slice_make(key.text, 63)) == NULL);
    key.text[15] = '-';
    cr_expect(auth_key_id(text) == NULL);
    key.text[15] = '_';
    key.text[0] = 'G';
    cr_expect(auth_key_id(text) == NULL);
}

Test(auth_key, no_two_are_alike)
{
    struct auth_key one, other;
    auth_key_make(&one);
    auth_key_make(&other);
    cr_expect(strcmp(one.text, other.text) != 0 && strcmp(one.id, other.id) != 0);
    cr_expect(strcmp(one.hash_hex, other.hash_hex) != 0 && strlen(one.hash_hex) == 64);
}
