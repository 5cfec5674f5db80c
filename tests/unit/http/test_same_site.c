/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests a page from elsewhere may have made a browser send. */
#include "http/same_site.h"

#include <criterion/criterion.h>

static char gateway[] = "gateway.example";
static char *names[] = {gateway};
static const struct config_strings no_hosts = {.count = 0};
static const struct config_strings hosts = {.items = names, .count = 1};

static bool host(const char *value, const struct config_strings *list)
{
    return same_site_host(slice_from(value), list);
}

Test(same_site, an_address_is_no_name_that_could_be_rebound)
{
    static const char *const good[] = {
        "127.0.0.1", "127.0.0.1:8080", "10.1.2.3:9",     "[::1]:8080",   "[fe80::1]",
        "localhost", "LocalHost",      "localhost:8080", "localhost.:1", ""};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(host(good[i], &no_hosts), "%s", good[i]);
}

Test(same_site, a_name_is_taken_when_it_is_ours)
{
    static const char *const foreign[] = {
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "1.2.3",
        "0x7f.0.0.1:80",
        "127.0.0.1evil",
        "a.very.long.name.that.is.longer.than.any.address.example",
        ":80"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        cr_expect_not(host(foreign[i], &no_hosts), "%s", foreign[i]);
        cr_expect_not(host(foreign[i], &hosts), "%s", foreign[i]);
    }
    cr_expect(host("gateway.example:8080", &hosts));
    cr_expect_not(host("gateway.example:8080", &no_hosts));
    cr_expect(host("127.0.0.1:8080", &hosts), "as with none");
}

static bool sender(const char *site, const char *origin)
{
    return same_site_sender(slice_from(site), slice_from(origin),
                            slice_from("127.0.0.1:8080"));
}

Test(same_site, what_is_no_browser_says_nothing_of_its_origin)
{
    cr_expect(sender(NULL, NULL));
}

Test(same_site, fetch_metadata_decides_where_it_is_there)
{
    cr_expect(sender("same-origin", NULL));
    cr_expect(sender("none", NULL), "typed by the user");
    cr_expect_not(sender("cross-site", NULL));
    cr_expect_not(sender("same-site", NULL), "another port of this machine");
    cr_expect_not(sender("whatever", NULL));
    cr_expect_not(sender("cross-site", "http://127.0.0.1:8080"));
    cr_expect(sender("same-origin", "https://console.example"), "a proxy renamed us");
}

Test(same_site, else_the_origin_must_be_where_it_was_sent_to)
{
    cr_expect(sender(NULL, "http://127.0.0.1:8080"));
    cr_expect(sender(NULL, "HTTP://127.0.0.1:8080"));
    cr_expect_not(sender(NULL, "http://127.0.0.1:8081"));
    cr_expect_not(sender(NULL, "http://evil.example"));
    cr_expect_not(sender(NULL, "null"));
    cr_expect_not(sender(NULL, "127.0.0.1:8080"));
}
