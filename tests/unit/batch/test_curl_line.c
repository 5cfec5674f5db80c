/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what it says for what kind of call, that no value leaves its quotes
 * (also read by a real shell), and what is masked. */
#include "batch/curl_line.h"

#include "base/json_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEADERS = 4 };

struct sample {
    struct call_header headers[HEADERS];
    struct call call;
};

static void init(struct sample *sample, const char *url)
{
    *sample = (struct sample){.call = {.url = slice_from(url),
                                       .timeout_ms = 10000,
                                       .connect_timeout_ms = 2050,
                                       .body_max_bytes = 4096,
                                       .headers = sample->headers}};
}

static void add(struct sample *sample, const char *name, const char *value)
{
    sample->headers[sample->call.header_count++] =
        (struct call_header){slice_from(name), slice_from(value)};
}

static void set_body(struct sample *sample, enum call_method method, struct slice body)
{
    sample->call.method = method;
    sample->call.has_body = true;
    sample->call.body = body;
}

/* In memory of the caller's. */
static char *line_of(const struct sample *sample, bool is_signed)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    const struct curl_line line = {.call = &sample->call,
                                   .user_agent = "gatherd/1",
                                   .codings = "gzip",
                                   .left_name = "",
                                   .is_signed = is_signed};
    curl_line_append(&out, &line);
    cr_assert_not_null(buffer_text(&out));
    return buffer_take(&out, &(size_t){0});
}

static void expect_part(const struct sample *sample, const char *part)
{
    char *line = line_of(sample, false);
    cr_expect_not_null(strstr(line, part), "%s\nin %s", part, line);
    free(line);
}

static void expect_no_part(const struct sample *sample, const char *part)
{
    char *line = line_of(sample, false);
    cr_expect_null(strstr(line, part), "%s\nin %s", part, line);
    free(line);
}

Test(curl_line, a_plain_get)
{
    struct sample sample;
    init(&sample, "http://a.example/x?y=1");
    char *line = line_of(&sample, false);
    cr_expect_str_eq(
        line, "curl --silent --show-error --globoff --noproxy '*' --header "
              "'user-agent: gatherd/1' --header 'accept-encoding: gzip' --compressed "
              "--connect-timeout 2.050 --max-time 10.000 --max-filesize 4096 --url "
              "'http://a.example/x?y=1'");
    free(line);
}

Test(curl_line, methods_with_and_without_a_body)
{
    static const struct {
        enum call_method method;
        const char *part;
        const char *with_body;
    } rows[] = {
        {METHOD_HEAD, " --head ", NULL},
        {METHOD_POST, " --header 'expect:' --data-raw '' ", " --data-raw '{}' "},
        {METHOD_PUT, " --request PUT ", " --request PUT "},
        {METHOD_PATCH, " --data-raw '' ", " --request PATCH "},
        {METHOD_DELETE, " --request DELETE ", " --data-raw '{}' "},
        {METHOD_OPTIONS, " --request OPTIONS ", " --request OPTIONS "},
    };
    struct sample sample;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        init(&sample, "http://a/");
        sample.call.method = rows[i].method;
        expect_part(&sample, rows[i].part);
        if (!rows[i].with_body)
            continue;
        set_body(&sample, rows[i].method, slice_from("{}"));
        expect_part(&sample, rows[i].with_body);
    }
    init(&sample, "http://a/");
    sample.call.method = METHOD_DELETE;
    expect_no_part(&sample, "--data");
    set_body(&sample, METHOD_POST, slice_from("x"));
    expect_no_part(&sample, "--request");
    expect_part(&sample, " --header 'content-type:' ");
    add(&sample, "Content-Type", "text/plain");
    add(&sample, "Expect", "");
    expect_no_part(&sample, "content-type:");
    expect_part(&sample, " --header 'Expect;' ");
}

Test(curl_line, redirects_agents_and_codings_of_the_callers_own)
{
    struct sample sample;
    init(&sample, "http://a/");
    sample.call.redirects = 3;
    add(&sample, "User-Agent", "mine");
    add(&sample, "Accept-Encoding", "identity");
    expect_part(&sample, " --location --max-redirs 3 ");
    expect_no_part(&sample, "gatherd/1");
    expect_no_part(&sample, "gzip");
    struct buffer out;
    buffer_init(&out, 4096);
    sample.call.header_count = 0;
    curl_line_append(&out, &(struct curl_line){.call = &sample.call,
                                               .user_agent = "",
                                               .codings = "gzip",
                                               .left_name = ""});
    cr_expect_not_null(strstr(buffer_text(&out), " --header 'user-agent:' "));
    buffer_done(&out);
}

Test(curl_line, names_that_look_like_a_secrets_have_their_values_masked)
{
    static const char *const secret[] = {"Authorization",
                                         "proxy-authorization",
                                         "Cookie",
                                         "x-api-key",
                                         "X-Auth-Token",
                                         "client_secret",
                                         "X-Signature",
                                         "webhook-signature",
                                         "X-Amz-Credential",
                                         "sid",
                                         "PWD",
                                         "x-session-id",
                                         "Proxy-Authenticate"};
    static const char *const open[] = {"accept",       "Idempotency-Key", "x-request-id",
                                       "content-type", "x-design",        "host"};
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        cr_expect(curl_line_is_secret_header(slice_from(secret[i])), "%s", secret[i]);
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        cr_expect_not(curl_line_is_secret_header(slice_from(open[i])), "%s", open[i]);
    char longest[200];
    memset(longest, 'x', sizeof longest);
    cr_expect(curl_line_is_secret_header(slice_make(longest, sizeof longest)));
    struct sample sample;
    init(&sample, "http://a/");
    add(&sample, "Authorization", "Bearer abc");
    expect_part(&sample, " --header 'Authorization: ***' ");
    expect_no_part(&sample, "abc");
}

Test(curl_line, a_signed_call_has_the_headers_without_their_values)
{
    struct sample sample;
    init(&sample, "http://a/");
    add(&sample, "webhook-id", "evt_1");
    char *line = line_of(&sample, true);
    cr_expect_not_null(strstr(line, " --header 'webhook-id: evt_1' --header "
                                    "'webhook-timestamp: ***' --header "
                                    "'webhook-signature: ***' "));
    free(line);
    sample.call.header_count = 0;
    line = line_of(&sample, true);
    cr_expect_not_null(strstr(line, " --header 'webhook-id: ***' "));
    free(line);
}

Test(curl_line, arguments_of_the_url_are_masked_by_name_too)
{
    static const char *const rows[][2] = {
        {"http://a/p?token=x&b=2", "http://a/p?token=***&b=2"},
        {"http://a/p?b=2;api_key=x=y", "http://a/p?b=2;api_key=***"},
        {"http://a/p?t%6Fken=x", "http://a/p?t%6Fken=***"},
        {"http://a/p?%2", "http://a/p?%2"},
        {"http://a/p?%2=1&%zz=2&%4x=3", "http://a/p?%2=1&%zz=2&%4x=3"},
        {"http://a/p?token", "http://a/p?token"},
        {"http://a/p#access_token=x", "http://a/p#access_token=***"},
        {"http://a/token=x/", "http://a/token=x/"},
        {"http://a/p?a=1?sig=x", "http://a/p?a=1?sig=***"},
        {"http://a/p?", "http://a/p?"},
        {"http://a/p?it's=1&key='", "http://a/p?it'\\''s=1&key=***"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sample sample;
        char part[200];
        init(&sample, rows[i][0]);
        snprintf(part, sizeof part, " --url '%s'", rows[i][1]);
        expect_part(&sample, part);
    }
    char url[400] = "http://a/?";
    memset(url + 10, 'x', 200);
    memcpy(url + 210, "=1", 3);
    struct sample sample;
    init(&sample, url);
    expect_part(&sample, "x=***'");
}

Test(curl_line, bodies_are_text_bytes_or_left_out)
{
    struct sample sample;
    char large[CURL_LINE_BODY_MAX + 1];
    memset(large, 'x', sizeof large);
    init(&sample, "http://a/");
    set_body(&sample, METHOD_POST, slice_from("it's\n\tü"));
    expect_part(&sample, " --data-raw 'it'\\''s\n\tü' ");
    set_body(&sample, METHOD_POST, slice_make("\0\1", 2));
    expect_part(&sample, "printf %s 'AAE=' | base64 -d | curl ");
    expect_part(&sample, " --data-binary @- ");
    set_body(&sample, METHOD_POST, slice_from("\x1b[31m"));
    expect_no_part(&sample, "\x1b");
    set_body(&sample, METHOD_POST, slice_from("\x7f"));
    expect_part(&sample, "base64 -d");
    set_body(&sample, METHOD_POST, slice_from("\xc2\x9b"));
    expect_part(&sample, "base64 -d");
    set_body(&sample, METHOD_POST, slice_from("\xff"));
    expect_part(&sample, "base64 -d");
    set_body(&sample, METHOD_POST, slice_make(large, CURL_LINE_BODY_MAX));
    expect_part(&sample, "--data-raw 'xxx");
    set_body(&sample, METHOD_POST, slice_make(large, sizeof large));
    expect_part(&sample, " --data-binary @BODY ");
}

Test(curl_line, header_values_that_are_no_text_are_not_shown)
{
    struct sample sample;
    init(&sample, "http://a/");
    add(&sample, "x-bytes", "\xff\xfe");
    add(&sample, "x-tab", "a\tb");
    add(&sample, "x'y", "it's");
    expect_part(&sample, " --header 'x-bytes: [bytes that cannot be shown]' ");
    expect_part(&sample, " --header 'x-tab: a\tb' ");
    expect_part(&sample, " --header 'x'\\''y: it'\\''s' ");
}

Test(curl_line, a_full_buffer_stays_as_it_was)
{
    struct sample sample;
    init(&sample, "http://a/");
    set_body(&sample, METHOD_POST, slice_make("\0", 1));
    for (size_t max = 0; max < 400; max++) {
        struct buffer out;
        buffer_init(&out, max);
        curl_line_append(&out, &(struct curl_line){.call = &sample.call,
                                                   .user_agent = "u",
                                                   .codings = "gzip",
                                                   .left_name = ""});
        cr_expect(out.len <= max);
        buffer_done(&out);
    }
}

/* A shell that reads the line passes the very bytes on, and runs nothing else. */
Test(curl_line, a_shell_reads_what_was_meant)
{
    static const char *const evil[] = {
        "$(touch /tmp/x) `id` $HOME",
        "'; id; echo '",
        "\\",
        "\"",
        "!x",
        "a\nb",
        "''",
        "-x",
        "*",
        "~ & | < > ( ) # %s",
    };
    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
        struct sample sample;
        init(&sample, "http://a/");
        set_body(&sample, METHOD_POST, slice_from(evil[i]));
        char *line = line_of(&sample, false);
        char command[4096];
        char got[4096] = "";
        /* The value behind --data-raw. */
        snprintf(command, sizeof command,
                 "curl() { while [ \"$1\" != --data-raw ]; do shift; done; printf %%s "
                 "\"$2\"; }\n%s",
                 line);
        FILE *shell = popen(command, "r");
        cr_assert_not_null(shell);
        size_t len = fread(got, 1, sizeof got - 1, shell);
        cr_expect_eq(pclose(shell), 0);
        got[len] = '\0';
        cr_expect_str_eq(got, evil[i]);
        free(line);
    }
}

Test(curl_line, what_time_is_left_is_the_gateways_to_say)
{
    static const struct {
        uint64_t deadline_ms;
        const char *part;
    } rows[] = {{3000, " --header 'X-Left: 3000' "},
                {30000, " --header 'X-Left: 10000' "}};
    for (size_t i = 0; i < 2; i++) {
        struct sample sample;
        struct buffer out;
        init(&sample, "http://a/");
        add(&sample, "x-left", "7");
        sample.call.deadline_ms = rows[i].deadline_ms;
        buffer_init(&out, 4096);
        curl_line_append(&out, &(struct curl_line){.call = &sample.call,
                                                   .user_agent = "u",
                                                   .codings = "gzip",
                                                   .left_name = "X-Left"});
        cr_expect_not_null(strstr(buffer_text(&out), rows[i].part), "%s", out.data);
        cr_expect_null(strstr(out.data, "x-left"));
        buffer_done(&out);
    }
}
