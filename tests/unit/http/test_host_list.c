/* SPDX-License-Identifier: Apache-2.0 */
/* H16: which Host headers are the service's own. */
#include "http/host_list.h"

#include <criterion/criterion.h>

static char *names[] = {"gatherd.example", "127.0.0.1", "[::1]", "localhost"};
static const struct config_strings list = {.items = names, .count = 4};

Test(host_list, h16_an_empty_list_takes_any_host)
{
    const struct config_strings none = {.count = 0};
    cr_expect(host_list_has(&none, slice_from("evil.test")));
    cr_expect(host_list_has(&none, slice_from("")));
}

Test(host_list, h16_only_the_names_listed_are_taken)
{
    static const struct {
        const char *host;
        bool is_ours;
    } rows[] = {
        {"gatherd.example", true},
        {"gatherd.example:8080", true},
        {"GATHERD.Example", true},
        {"gatherd.example.", true},
        {"gatherd.example.:80", true},
        {"gatherd.example:", true},
        {"127.0.0.1:1", true},
        {"[::1]", true},
        {"[::1]:8080", true},
        {"localhost", true},
        {"evil.test", false},
        {"evil.test:8080", false},
        {"gatherd.example.evil.test", false},
        {"xgatherd.example", false},
        {"atherd.example", false},
        {"gatherd.example..", false},
        {"127.0.0.2", false},
        {"[::2]", false},
        {"::1", false},
        {"", false},
        {".", false},
        {":", false},
        {":80", false},
        {"[::1", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(host_list_has(&list, slice_from(rows[i].host)), rows[i].is_ours,
                     "%s", rows[i].host);
}
