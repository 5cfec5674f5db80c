/* SPDX-License-Identifier: Apache-2.0 */
/* config/syntax_address.c: listeners, hosts, proxies. */
#include "unit/config/syntax_fixture.h"

Test(syntax_address, addresses_to_listen_on)
{
    static const char *const good[] = {
        "127.0.0.1:8080",  "0.0.0.0:0", "localhost:80",         "gate.example:65535",
        "[::1]:8080",      "[::]:80",   "unix:/run/g.sock",     "fd:3",
        "[2001:db8::5]:1", "fd:web",    "fd:gatherd-ops.socket"};
    static const char *const bad[] = {
        "",           "8080",           ":8080",       "127.0.0.1",
        "127.0.0.1:", "h:-1",           "h:65536",     "h:0x50",
        "h:080",      "h:http",         "::1:80",      "[::1]",
        "[::1]:",     "[127.0.0.1]:80", "[::g]:80",    "127.1:80",
        "0x7f.1:80",  "a b:80",         "-a:80",       "a..b:80",
        "*:80",       "unix:",          "unix:g.sock", "fd:",
        "fd:2",       "fd:-1",          "fd:99999999", "fd:3x",
        "fd:a:b",     "fd:.a",          "fd:a b",      "http://h:80",
        "h:80/",      "[]:80",          "]:80",        "1.2.3.4.5:80"};
    expect_all(syntax_is_listen, good, COUNT(good), true);
    expect_all(syntax_is_listen, bad, COUNT(bad), false);
}

Test(syntax_address, a_hand_over_is_at_a_unix_socket_or_nowhere)
{
    static const char *const good[] = {"", "unix:/run/gatherd/handover.sock"};
    static const char *const bad[] = {"/run/h", "unix:h", "127.0.0.1:80", "fd:3", "x"};
    expect_all(syntax_is_handover, good, COUNT(good), true);
    expect_all(syntax_is_handover, bad, COUNT(bad), false);
}

Test(syntax_address, a_unix_path_fits_the_kernel)
{
    char text[200] = "unix:/";
    memset(text + 6, 'a', 106);
    cr_assert(syntax_is_listen(text, NULL));
    memset(text + 6, 'a', 107);
    cr_assert(not(syntax_is_listen(text, NULL)));
}

Test(syntax_address, what_only_this_machine_reaches_is_local)
{
    static const char *const local[] = {"127.0.0.1:1",         "127.9.9.9:1", "[::1]:1",
                                        "localhost:1",         "LocalHost:1", "unix:/x",
                                        "[::ffff:127.0.0.1]:1"};
    static const char *const open[] = {
        "0.0.0.0:1",      "[::]:1", "10.0.0.1:1",         "128.0.0.1:1",
        "gate.example:1", "fd:3",   "[::ffff:1.2.3.4]:1", "localhost.example:1",
        "127.example:1"};
    for (size_t i = 0; i < COUNT(local); i++)
        cr_expect(syntax_is_local_listen(local[i]), "%s", local[i]);
    for (size_t i = 0; i < COUNT(open); i++)
        cr_expect(not(syntax_is_local_listen(open[i])), "%s", open[i]);
}

Test(syntax_address, proxies)
{
    static const char *const good[] = {"",
                                       "http://proxy:3128",
                                       "https://p.example:443",
                                       "socks5://127.0.0.1:1080",
                                       "socks5h://[::1]:1080",
                                       "http://user:p@ss@proxy:3128"};
    static const char *const bad[] = {
        "proxy:3128",     "http://",     "http://proxy", "ftp://p:1",
        "http://proxy:x", "http://fd:x", "http:// p:1",  "http://u:secret@proxy"};
    expect_all(syntax_is_proxy, good, COUNT(good), true);
    expect_all(syntax_is_proxy, bad, COUNT(bad), false);
}

Test(syntax_address, a_wrong_proxy_is_not_repeated_as_it_may_hold_a_password)
{
    struct error err;
    cr_assert(not(syntax_is_proxy("http://u:secret@proxy", &err)));
    cr_assert(strstr(err.text, "secret") == NULL);
}

Test(syntax_address, the_services_own_hosts)
{
    static const char *const good[] = {"gatherd.example", "localhost", "a",
                                       "127.0.0.1",       "[::1]",     "[2001:db8::5]",
                                       "x-y_z.example"};
    static const char *const bad[] = {
        "",         "a:80", "127.0.0.1:80", "[::1]:80",   "::1", "a.", ".",  "*.example",
        "http://a", "a b",  "[a]",          "[]",         "[",   "]",  "-a", "a..b",
        "1.2.3",    "a/b",  "\xc3\xa9",     "[127.0.0.1]"};
    expect_all(syntax_is_own_host, good, COUNT(good), true);
    expect_all(syntax_is_own_host, bad, COUNT(bad), false);
}
