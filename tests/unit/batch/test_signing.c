/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures: the vector of the Standard Webhooks libraries, rotation, who may use which
 * secret, and which ids keep id, time and body apart. */
#include "batch/signing.h"

#include <criterion/criterion.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
/* 64 bytes, the most there may be */
#define LONG_SECRET                                                                      \
    "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4" \
    "OTo7PD0+Pw=="
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static const struct slice id = {"msg_p5jXN8AQM9LWM0D4loKWxJek", 28};
static const struct slice body = {"{\"test\": 2432232314}", 20};

static struct signature sign(const struct signing *signing, uint64_t now_s)
{
    struct signature made;
    cr_assert(signing_sign(signing, id, now_s, body, &made));
    return made;
}

Test(signing, it_signs_as_the_libraries_of_the_specification_do)
{
    const struct signing one = {.secrets = {SECRET}, .secret_count = 1};
    struct signature made = sign(&one, 1614265330);
    cr_expect_str_eq(made.timestamp, "1614265330");
    cr_expect_str_eq(made.text, SIGNATURE);
}

Test(signing, another_second_is_another_signature)
{
    const struct signing one = {.secrets = {SECRET}, .secret_count = 1};
    cr_expect_str_neq(sign(&one, 1614265331).text, SIGNATURE);
}

Test(signing, while_a_secret_is_replaced_both_sign_in_the_order_of_the_file)
{
    const struct signing two = {.secrets = {SECRET, LONG_SECRET}, .secret_count = 2};
    const struct signing back = {.secrets = {LONG_SECRET, SECRET}, .secret_count = 2};
    struct signature made = sign(&two, 1614265330);
    struct signature reversed = sign(&back, 1614265330);
    const char *second = strchr(made.text, ' ');
    cr_assert_not_null(second);
    cr_expect(strncmp(made.text, SIGNATURE " v1,", strlen(SIGNATURE) + 4) == 0);
    cr_expect_null(strchr(second + 1, ' '));
    cr_expect_eq(strlen(made.text) + 1, SIGNATURE_TEXT_SIZE, "all of the room is used");
    cr_expect_str_eq(strchr(reversed.text, ' ') + 1, SIGNATURE);
}

Test(signing, an_empty_body_is_signed_too)
{
    const struct signing one = {.secrets = {SECRET}, .secret_count = 1};
    struct signature made;
    cr_assert(signing_sign(&one, id, UINT64_MAX, slice_make(NULL, 0), &made));
    cr_expect_str_eq(made.timestamp, "18446744073709551615");
}

static char billing[] = "billing", search[] = "search", all[] = "*";
static char first[] = SECRET, second[] = LONG_SECRET;
static char orders[] = "orders", news[] = "news", probes[] = "probes";
static char *billing_keys[] = {search, billing};
static char *all_keys[] = {all};

static struct config_webhook_secret secrets[] = {
    {.name = orders, .secret = first, .keys = {billing_keys, 2}},
    {.name = news, .secret = first, .keys = {all_keys, 1}},
    {.name = orders, .secret = second, .keys = {billing_keys, 2}},
    {.name = probes, .secret = second},
};
static const struct config config = {.webhooks = {.secrets = {secrets, 4}}};

static size_t count_of(const char *caller, const char *name)
{
    struct signing found = {.secret_count = 0};
    bool is_found = signing_find(&config, caller, slice_from(name), &found);
    cr_expect_eq(is_found, found.secret_count > 0);
    return found.secret_count;
}

Test(signing, a_secret_is_found_for_the_callers_it_names_and_no_others)
{
    cr_expect_eq(count_of("billing", "orders"), 2);
    cr_expect_eq(count_of("search", "orders"), 2);
    cr_expect_eq(count_of("other", "orders"), 0);
    cr_expect_eq(count_of("", "orders"), 0, "nobody in particular is none of them");
    cr_expect_eq(count_of("billing", "news"), 1);
    cr_expect_eq(count_of("", "news"), 1);
    cr_expect_eq(count_of("", "probes"), 1, "it names nobody: everybody's");
    cr_expect_eq(count_of("billing", "order"), 0);
    cr_expect_eq(count_of("billing", ""), 0);
}

Test(signing, ids_are_visible_ascii_without_a_dot)
{
    static const char *const good[] = {"m", "msg_1", "a:b-c_d/e~!|", "0"};
    static const char *const bad[] = {"",    "a.b",  ".",     "{{x}}",   "}",
                                      "a b", "a\tb", "a\x7f", "\xc3\xa9"};
    char longest[SIGNING_ID_MAX + 2];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(signing_id_is_valid(slice_from(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(signing_id_is_valid(slice_from(bad[i])), "%s", bad[i]);
    memset(longest, 'x', sizeof longest);
    cr_expect(signing_id_is_valid(slice_make(longest, SIGNING_ID_MAX)));
    cr_expect_not(signing_id_is_valid(slice_make(longest, SIGNING_ID_MAX + 1)));
}
