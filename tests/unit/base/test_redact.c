/* SPDX-License-Identifier: Apache-2.0 */
/* base/redact.h: what of a URL stands in the log. */
#include "base/redact.h"
#include "support/expect.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static char text[4096];

static const char *shown(const char *url, enum redact_mode mode)
{
    struct buffer out = {.data = text, .cap = sizeof text, .max = sizeof text};
    redact_url(&out, slice_from(url), mode);
    cr_assert(not(out.failed));
    text[out.len] = '\0';
    return text;
}

struct row {
    const char *url, *shown;
};

static void expect_rows(const struct row *rows, size_t count, enum redact_mode mode)
{
    for (size_t i = 0; i < count; i++)
        expect_text(shown(rows[i].url, mode), rows[i].shown);
}

static void expect_unchanged(const char *const *urls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_text(shown(urls[i], REDACT_SECRETS), urls[i]);
}

Test(redact, o8_what_is_no_secret_stays_as_it_is)
{
    static const char *const urls[] = {
        "https://api.example/users/1?page=2&sort=name",
        "http://api.example",
        "http://[2001:db8::1]:8080/a/b;c?x",
        "http://h/?a=1&&b=&=c&",
        "http://h/p?",
        "http://h/@scope/package?q=a@b",
        "http://h/?eyJ=1&short=eyJhbGci",
        "/only/a/path?x=1",
        "not a url at all",
        "",
        "?",
        ":",
        "http:",
        "//h/p",
    };
    expect_unchanged(urls, sizeof urls / sizeof *urls);
}

Test(redact, o8_values_of_secret_parameters_are_hidden_wherever_they_stand)
{
    static const struct row rows[] = {
        {"http://h/?key=abc", "http://h/?key=***"},
        {"http://h/?a=1&api_key=abc&b=2", "http://h/?a=1&api_key=***&b=2"},
        {"http://h/?a=1;token=abc;b=2", "http://h/?a=1;token=***;b=2"},
        {"http://h/?token=a=b=c", "http://h/?token=***"},
        {"http://h/?token=", "http://h/?token="},
        {"http://h/?token", "http://h/?token"},
        {"http://h/?%74oken=abc", "http://h/?%74oken=***"},
        {"http://h/?next=http://o/?token=abc&x=1",
         "http://h/?next=http://o/?token=***&x=1"},
        {"http://h/?X-Amz-Credential=A&X-Amz-Date=2026&X-Amz-Signature=B",
         "http://h/?X-Amz-Credential=***&X-Amz-Date=2026&X-Amz-Signature=***"},
        {"http://h/?se=2026&sp=r&sig=abc%3D", "http://h/?se=2026&sp=r&sig=***"},
        {"http://h/cb?code=abc&state=1", "http://h/cb?code=***&state=1"},
    };
    expect_rows(rows, sizeof rows / sizeof *rows, REDACT_SECRETS);
}

Test(redact, o8_a_web_token_is_hidden_under_any_name)
{
    static const struct row rows[] = {
        {"http://h/?x=eyJhbGciOiJIUzI1NiJ9.e30.c2ln&y=1", "http://h/?x=***&y=1"},
        {"http://h/?eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "http://h/?***"},
        {"http://h/?eyJhbGciOiJIUzI1NiJ9.e30.c2ln=&y=1", "http://h/?***&y=1"},
    };
    expect_rows(rows, sizeof rows / sizeof *rows, REDACT_SECRETS);
}

Test(redact, o8_an_encoded_url_in_a_value_is_looked_into)
{
    static const struct row rows[] = {
        {"http://h/?next=https%3A%2F%2Fx%2F%3Ftoken%3Dabc", "http://h/?next=***"},
        {"http://h/?a=1&next=https%3a%2f%2fx%3fa%3d1%26api_key%3dabc&b=2",
         "http://h/?a=1&next=***&b=2"},
        {"http://h/?u=https%253A%252F%252Fx%253Fsig%253Dabc", "http://h/?u=***"},
        {"http://h/?u=x%25253Fsig%25253Dabc", "http://h/?u=***"},
        {"http://h/?u=x%3Fs%69g%3Dabc", "http://h/?u=***"},
        {"http://h/?u=%23access_token%3Dabc", "http://h/?u=***"},
        {"http://h/?u=x%3Ba=1%3Bpw%3Dabc", "http://h/?u=***"},
        {"http://h/?state=token%3Dabc", "http://h/?state=***"},
        {"http://h/?state=token=abc", "http://h/?state=***"},
        {"http://h/?q=the+token%3D%22abc%22", "http://h/?q=***"},
        {"http://h/?u=x%3Ftoken%3D=", "http://h/?u=***"},
        {"http://h/?u=x%3Ftoken%3D%00", "http://h/?u=***"},
        {"http://h/?u=https%3A%2F%2Fme%3Apw%40x%2F", "http://h/?u=***"},
        {"http://h/?u=https://me:pw@x/", "http://h/?u=***"},
        {"http://h/?u=%2F%2F%2Fme%40x", "http://h/?u=***"},
        {"http://h/?u=x/eyJhbGciOiJIUzI1NiJ9%2Ee30.c2ln", "http://h/?u=***"},
        {"http://h/?u=x%3Fa%3DeyJhbGciOiJIUzI1NiJ9.e30.c2ln%26b", "http://h/?u=***"},
        {"http://h/?https%3A%2F%2Fx%3Ftoken%3Dabc", "http://h/?***"},
        {"http://h/?https%3A%2F%2Fx%3Ftoken%3Dabc=1&b=2", "http://h/?***&b=2"},
        {"http://h/?u=%78%3F%74%6F%6B%65%6E%3D%61", "http://h/?u=***"},
        {"http://h/?%2574oken=abc", "http://h/?%2574oken=***"},
        {"http://h/?next=x%25%33Ftoken%25%33Dabc", "http://h/?next=***"},
        {"http://h/?next=%25%37%34oken%3Dabc", "http://h/?next=***"},
        {"http://h/?next=%%37%34oken%%33%44abc", "http://h/?next=***"},
        {"http://h/?%25%37%34oken=abc", "http://h/?%25%37%34oken=***"},
        {"http://h/"
         "?u=%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%",
         "http://h/?u=***"},
    };
    expect_rows(rows, sizeof rows / sizeof *rows, REDACT_SECRETS);
}

Test(redact, o8_an_encoded_url_without_secrets_stays_as_it_is)
{
    static const char *const urls[] = {
        "http://h/?next=https%3A%2F%2Fx%2Fa%2Fb%3Fpage%3D2%26sort%3Dname%23top",
        "http://h/?next=https%3A%2F%2Fx%2Ftoken%2Fme%40home",
        "http://h/?next=https%3A%2F%2Fx%3Fq%3D%40me",
        "http://h/?next=https%3A%2F%2Fx%3Ftoken",
        "http://h/?next=https%3A%2F%2Fx%3Ftoken%3D",
        "http://h/?next=https%3A%2F%2Fx%3Ftoken%3D%26a%3D1",
        "http://h/?mail=me%40home&b64=a2V5==&share=50%25",
        "http://h/?q=the+key+is+lost&r=100%&s=%2&t=%zz&u=%25zz&v=%%%3z%&w=%%a",
        "http://h/?u=x/eyJhbGciOiJIUzI1NiJ9&v=eyJ.&w=xeyJhbGciOiJIUzI1NiJ9.e30%20",
    };
    expect_unchanged(urls, sizeof urls / sizeof *urls);
}

/* As encodeURIComponent does, and that once more, and so on. */
Test(redact, o8_however_often_it_is_encoded_a_secret_is_found)
{
    static char url[1000], inner[500], next[1000];
    strcpy(inner, "https://x/?a=1&token=SEKRET");
    for (int depth = 0; depth < 6; depth++) {
        snprintf(url, sizeof url, "http://h/?u=%s&z=1", inner);
        struct buffer out;
        buffer_init(&out, sizeof url);
        redact_url(&out, slice_from(url), REDACT_SECRETS);
        cr_expect(memmem(out.data, out.len, "SEKRET", 6) == NULL, "%d", depth);
        cr_expect(depth == 0 || out.len == strlen("http://h/?u=***&z=1"), "%d", depth);
        buffer_done(&out);
        size_t len = 0;
        for (size_t i = 0; inner[i]; i++)
            len += (size_t)sprintf(next + len, isalnum(inner[i]) ? "%c" : "%%%02X",
                                   (unsigned)inner[i]);
        cr_assert_lt(len, sizeof inner);
        memcpy(inner, next, len + 1);
    }
}

Test(redact, a_long_run_before_a_name_is_cut_and_a_long_value_is_read_to_its_end)
{
    static char url[5000];
    snprintf(url, sizeof url, "http://h/?u=%01000d%%3F%0500d%%26key%%3Dabc", 0, 0);
    expect_text(shown(url, REDACT_SECRETS), "http://h/?u=***");
    snprintf(url, sizeof url, "http://h/?u=token%01000d%%3Dabc", 0);
    expect_text(shown(url, REDACT_SECRETS), "http://h/?u=***");
}

Test(redact, o8_userinfo_and_fragments_are_hidden_in_either_mode)
{
    static const struct row rows[] = {
        {"http://user:pw@h/p", "http://***@h/p"},
        {"http://user@h", "http://***@h"},
        {"http://a@b@h/p", "http://***@h/p"},
        {"http:////user:pw@h/p", "http:////***@h/p"},
        {"http:user:pw@h/p", "http:***@h/p"},
        {"http:\\\\user:pw@h/p", "http:***@h/p"},
        {"user:pw@h/p", "user:***@h/p"},
        {"//user:pw@h/p", "//***@h/p"},
        {"http://h/p#access_token=abc", "http://h/p#***"},
        {"http://h#", "http://h#***"},
    };
    expect_rows(rows, sizeof rows / sizeof *rows, REDACT_SECRETS);
    expect_rows(rows, sizeof rows / sizeof *rows, REDACT_QUERY);
}

Test(redact, o8_the_whole_query_goes_on_demand)
{
    static const struct row rows[] = {
        {"http://h/p?a=1&b=2", "http://h/p?***"},
        {"http://h/p?a#f", "http://h/p?***#***"},
        {"http://h?", "http://h?***"},
        {"http://h/p", "http://h/p"},
    };
    expect_rows(rows, sizeof rows / sizeof *rows, REDACT_QUERY);
}

Test(redact, names_of_credentials_are_known_by_their_words)
{
    static const char *const secret[] = {
        "key",
        "KEY",
        "api_key",
        "api-key",
        "apiKey",
        "APIKey",
        "apikey",
        "ApiKey",
        "x.key",
        "key2",
        "keys[]",
        "auth[token]",
        "access_token",
        "accessToken",
        "id_token_hint",
        "refreshtoken",
        "csrfToken",
        "password",
        "passwd",
        "userPassword",
        "pwd",
        "pass",
        "client_secret",
        "clientsecret",
        "sig",
        "signature",
        "X-Goog-Signature",
        "hmac",
        "Authorization",
        "auth",
        "oauth_verifier",
        "session",
        "sessionid",
        "PHPSESSID",
        "JSESSIONID",
        "sid",
        "code",
        "pin",
        "otp",
        "ticket",
        "SAMLResponse",
        "jwt",
        "credentials",
        "AWSAccessKeyId",
        "private_key",
        "a%5Bsecret%5D",
        "%6b%65%79",
        "a_p_i_k_e_y",
        "cred",
    };
    static const char *const fine[] = {
        "",       "q",       "page",     "keyword",   "monkey",    "keyboard",
        "author", "authors", "design",   "sigma",     "passenger", "compass",
        "encode", "zipcode", "pinned",   "spin",      "inside",    "hashtag",
        "city",   "user",    "id",       "limit",     "sort",      "%",
        "%6",     "%zz",     "\xff\xfe", "bypass2go", "coder",
    };
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        cr_expect(redact_is_secret_name(slice_from(secret[i])), "%s", secret[i]);
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        cr_expect(not(redact_is_secret_name(slice_from(fine[i]))), "%s", fine[i]);
}

Test(redact, a_name_of_any_length_and_any_bytes_is_looked_at)
{
    static char name[5000];
    memset(name, 'x', sizeof name - 1);
    cr_expect(not(redact_is_secret_name(slice_from(name))));
    memcpy(name + 100, "_token_", 7);
    cr_expect(redact_is_secret_name(slice_from(name)));
    cr_expect(redact_is_secret_name(slice_make("a\0key", 5)));
    struct buffer out = {.data = text, .cap = sizeof text, .max = sizeof text};
    redact_url(&out, slice_make("http://h/\0?x\0yz=1&key=2", 23), REDACT_SECRETS);
    cr_expect(eq(int, memcmp(text, "http://h/\0?x\0yz=1&key=***", 25), 0));
}

/* Whatever is cut out of a URL, a secret of it never shows. */
Test(redact, o8_no_end_of_a_url_shows_what_its_whole_hides)
{
    static const char url[] = "https://u:SEKRET@h:1/p;v?a=1&token=SEKRET&b&"
                              "c=x%3Fkey%3DSEKRET%26d&%3Fkey%3DSEKRET#k=SEKRET";
    for (size_t len = 0; len < sizeof url; len++) {
        struct buffer out = {.data = text, .cap = sizeof text, .max = sizeof text};
        redact_url(&out, slice_make(url, len), REDACT_SECRETS);
        text[out.len] = '\0';
        if (len > 16) /* before its '@' a password looks like a port */
            cr_expect(strstr(text, "SEKRET") == NULL, "%zu: %s", len, text);
    }
}
