/* SPDX-License-Identifier: Apache-2.0 */
/* config/syntax_tracing.c. */
#include "unit/config/syntax_fixture.h"

Test(syntax_tracing, an_endpoint_of_spans_is_a_url_without_secrets)
{
    static const char *const good[] = {
        "", "http://localhost:4318", "https://otel.example/",
        "http://[::1]:4318/v1/traces", "https://a.example/x?tenant=1&y=a@b"};
    static const char *const bad[] = {
        "localhost:4318", "ftp://a",      "http://",           "http:///x",
        "http://:1",      "http://u:p@a", "https://user@a/x",  "http://a/b c",
        "http://a/#x",    "http://a\\b",  "http://a/\xc3\xa4", "HTTP://a"};
    expect_all(syntax_is_otlp_endpoint, good, COUNT(good), true);
    expect_all(syntax_is_otlp_endpoint, bad, COUNT(bad), false);
    char long_one[1100] = "http://a/";
    memset(long_one + 9, 'x', sizeof long_one - 10);
    struct error err = {0};
    cr_assert(not(syntax_is_otlp_endpoint(long_one, &err)));
    cr_assert(not(syntax_is_otlp_endpoint("http://u:secret@a", &err)));
    cr_assert(strstr(err.text, "secret") == NULL);
}

Test(syntax_tracing, an_exports_headers_are_the_operators_but_those_that_frame_it)
{
    static const char *const good[] = {"authorization", "x-scope-orgid", "Api-Key"};
    static const char *const bad[] = {
        "", "a b", "a:", "content-type", "Content-Length", "HOST", "transfer-encoding"};
    expect_all(syntax_is_export_header, good, COUNT(good), true);
    expect_all(syntax_is_export_header, bad, COUNT(bad), false);
}
