/* SPDX-License-Identifier: Apache-2.0 */
/* config/syntax.c: headers, names of keys, secrets, files. */
#include "unit/config/syntax_fixture.h"

Test(syntax, header_texts_are_printable_ascii)
{
    cr_assert(syntax_is_header_text("gatherd/1.0 (+https://example)", NULL));
    cr_assert(syntax_is_header_text("", NULL));
    cr_assert(not(syntax_is_header_text("a\r\nX: y", NULL)));
    cr_assert(not(syntax_is_header_text("a\tb", NULL)));
    cr_assert(not(syntax_is_header_text("gr\xc3\xbc\xc3\x9f", NULL)));
    cr_assert(not(syntax_is_header_text("\x7f", NULL)));
}

Test(syntax, key_names)
{
    static const char *const good[] = {"a", "billing", "Team-7_x.y", "0", "-", "..."};
    static const char *const bad[] = {"", "two words", "a/b", "a\nb", "\xc3\xbc", "a,b"};
    expect_all(syntax_is_key_name, good, COUNT(good), true);
    expect_all(syntax_is_key_name, bad, COUNT(bad), false);
    char text[66];
    memset(text, 'a', 65);
    text[65] = '\0';
    cr_assert(not(syntax_is_key_name(text, NULL)));
    text[64] = '\0';
    cr_assert(syntax_is_key_name(text, NULL));
}

Test(syntax, files_must_be_readable_now)
{
    struct error err;
    cr_assert(syntax_is_readable_file("", NULL));
    cr_assert(syntax_is_readable_file("/etc/passwd", NULL));
    cr_assert(not(syntax_is_readable_file("/nonexistent/x", &err)));
    expect_text(err.text, "cannot read /nonexistent/x: No such file or directory");
    cr_assert(not(syntax_is_readable_file("/tmp", &err)));
}

Test(syntax, pem_has_its_frame)
{
    cr_assert(syntax_is_pem("-----BEGIN X-----\n-----END X-----\n", NULL));
    cr_assert(not(syntax_is_pem("", NULL)));
    cr_assert(not(syntax_is_pem("-----BEGIN X-----", NULL)));
}

Test(syntax, a_header_for_deadlines)
{
    static const char *const good[] = {"", "X-Request-Timeout-Ms", "x_left!", "Proxyx",
                                       "1"};
    static const char *const bad[] = {"a b",       "a:",
                                      "\x7f",      "a\r\nb",
                                      "\xc3\xa4",  "Host",
                                      "TE",        "accept-encoding",
                                      "proxy-x",   "Cookie",
                                      "(x)",       "x@",
                                      "X-Api-Key", "content-length"};
    expect_all(syntax_is_deadline_header, good, COUNT(good), true);
    expect_all(syntax_is_deadline_header, bad, COUNT(bad), false);
}

/* Of 23, 24, 64 and 65 bytes. */
#define EIGHT "AAAAAAAAAAA"
#define B24 EIGHT EIGHT "AAAAAAAAAA"
#define B63 B24 B24 "AAAAAAAAAAAAAAAAAAAA"

Test(syntax, a_webhook_secret_is_the_base64_of_24_to_64_bytes)
{
    static const char *const good[] = {
        "whsec_" B24, "whsec_" B63 "AA==", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
    static const char *const bad[] = {"",
                                      "whsec_",
                                      B24,
                                      "whsec",
                                      "WHSEC_" B24,
                                      "whsk_" B24,
                                      "whsec_AAAA" B24 "A",
                                      "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                                      "whsec_" B63 "AAA=",
                                      "whsec_" B63 B63,
                                      "whsec_" B24 "\n",
                                      "whsec_-AAA" B24};
    struct error err;
    expect_all(syntax_is_webhook_secret, good, COUNT(good), true);
    expect_all(syntax_is_webhook_secret, bad, COUNT(bad), false);
    cr_assert(not(syntax_is_webhook_secret("whsec_MfKQ9r8G", &err)));
    cr_expect_null(strstr(err.text, "MfKQ"), "a refusal quotes nothing of it");
}
