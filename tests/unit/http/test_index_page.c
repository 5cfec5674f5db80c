/* SPDX-License-Identifier: Apache-2.0 */
/* The page and its policy must agree, or browsers show it unstyled. */
#include "http/index_page.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static struct buffer page;

static void write_page(void)
{
    buffer_init(&page, 1 << 20);
    index_page_write(&page, "9.8.7", true);
}

static void free_page(void)
{
    buffer_done(&page);
}

TestSuite(index_page, .init = write_page, .fini = free_page);

Test(index_page, the_policy_names_the_hash_of_the_style)
{
    const char *text = buffer_text(&page);
    cr_assert_not_null(text);
    const char *begin = strstr(text, "<style>"), *end = strstr(text, "</style>");
    cr_assert(begin && end);
    begin += strlen("<style>");
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)begin, (size_t)(end - begin), digest);
    unsigned char base64[64];
    EVP_EncodeBlock(base64, digest, sizeof digest);
    char source[96];
    snprintf(source, sizeof source, "style-src 'sha256-%s'", (const char *)base64);
    cr_expect(strstr(index_page_policy, source), "%s", source);
}

Test(index_page, it_asks_nothing_of_anybody)
{
    const char *text = buffer_text(&page);
    cr_assert_not_null(text);
    cr_expect(strstr(text, "9.8.7"), "the version is shown");
    cr_expect_null(strstr(text, "<script"));
    cr_expect_null(strstr(text, "src="));
    cr_expect_null(strstr(text, "href=\"http"));
    cr_expect_null(strstr(text, "@import"));
    cr_expect(strncmp(index_page_policy, "default-src 'none'", 18) == 0);
}

Test(index_page, the_console_is_linked_where_it_is)
{
    struct buffer without;
    buffer_init(&without, 1 << 20);
    index_page_write(&without, "1", false);
    cr_expect(strstr(buffer_text(&page), "href=\"/console\""));
    cr_expect_null(strstr(buffer_text(&without), "/console"));
    buffer_done(&without);
}
