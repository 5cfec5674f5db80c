/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_global_init against another libcurl than the one it was built with: this
 * program's curl_version_info takes the place of the library's. */
#include "fetch/fetcher.h"

#include <criterion/criterion.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

static curl_version_info_data found = {.age = CURLVERSION_NOW, .version = "8.14.1"};

curl_version_info_data *curl_version_info(CURLversion age)
{
    (void)age;
    return &found;
}

Test(fetch_global, a_libcurl_before_8_is_refused_at_the_start_with_the_remedy)
{
    struct error err = {.kind = ERROR_NONE};
    found.version = "7.88.1";
    found.version_num = 0x075801;
    cr_assert_not(fetch_global_init(&err));
    cr_expect(strstr(err.text, "libcurl 7.88.1 is too old"), "%s", err.text);
    cr_expect(strstr(err.text, "bookworm-backports"), "%s", err.text);
    cr_expect(strstr(err.text, "deploy/setup.sh"), "%s", err.text);
}

Test(fetch_global, variables_that_would_steer_a_gateway_are_cleared)
{
    struct error err = {.kind = ERROR_NONE};
    found.version_num = 0x080e01;
    static const char *const names[] = {"http_proxy", "HTTPS_PROXY", "all_proxy",
                                        "no_proxy", "SSLKEYLOGFILE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        setenv(names[i], "http://127.0.0.1:1", 1);
    cr_assert(fetch_global_init(&err), "%s", err.text);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_expect_null(getenv(names[i]), "%s", names[i]);
    fetch_global_done();
}
