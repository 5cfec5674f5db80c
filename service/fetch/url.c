/* SPDX-License-Identifier: Apache-2.0 */
/* URLs by libcurl's URL API, after a sieve for what parsers are known to disagree about:
 * bytes outside ASCII, backslashes, any number of slashes but two, an '@' before the
 * path.
 *
 * libcurl turns decimal, octal, hexadecimal, short and %-escaped IPv4 into dotted form,
 * but leaves "127.1." and "127.0.0.1." to the resolver, so a name whose last label is a
 * number is refused here. Looks nothing up and judges nothing: the guard does. Called by
 * the fetcher for each item and each redirect. */
#include "fetch/url.h"

#include "fetch/host_name.h"

#include <curl/curl.h>

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof((struct target *)0)->host >= HOST_NAME_SIZE, "a name fits a target");

static bool fail(const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return false;
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_foreign_bytes(struct slice url)
{
    for (size_t i = 0; i < url.len; i++) {
        if (url.data[i] < 0x21 || url.data[i] > 0x7e || url.data[i] == '\\')
            return true;
    }
    return false;
}

/* Writes the scheme in lower case and returns its length, or 0 when there is none. */
static size_t read_scheme(struct slice url, char *ret_scheme, size_t size)
{
    size_t len = strcspn(url.data, ":");
    if (len == 0 || len >= size || url.data[len] == '\0' || !is_alpha(url.data[0]))
        return 0;
    for (size_t i = 0; i < len; i++) {
        char c = url.data[i];
        bool is_other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!is_alpha(c) && !is_other)
            return 0;
        ret_scheme[i] = is_alpha(c) ? (char)(c | 0x20) : c;
    }
    ret_scheme[len] = '\0';
    return len;
}

/* "example.com:80/" and "localhost:80" parse as a scheme too; say what is really missing.
 * */
static bool is_host_and_port(struct slice url, size_t scheme_len)
{
    const char *rest = url.data + scheme_len + 1;
    return *rest >= '0' && *rest <= '9';
}

static const char *reason_of(CURLUcode code)
{
    switch (code) {
    case CURLUE_USER_NOT_ALLOWED:
        return "the URL carries userinfo";
    case CURLUE_BAD_PORT_NUMBER:
        return "the port is not a number from 1 to 65535";
    case CURLUE_NO_HOST:
    case CURLUE_BAD_HOSTNAME:
    case CURLUE_BAD_IPV6:
        return "the host is neither a host name nor an IP address";
    default:
        return "the URL does not parse";
    }
}

static void fill_address(struct target *target, const struct in6_addr *in6,
                         const struct in_addr *in)
{
    target->is_literal = true;
    if (in6) {
        struct sockaddr_in6 address = {
            .sin6_family = AF_INET6, .sin6_port = htons(target->port), .sin6_addr = *in6};
        memcpy(&target->address, &address, sizeof address);
        inet_ntop(AF_INET6, in6, target->host, sizeof target->host);
    } else {
        struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_port = htons(target->port), .sin_addr = *in};
        memcpy(&target->address, &address, sizeof address);
        inet_ntop(AF_INET, in, target->host, sizeof target->host);
    }
}

/* `host` as libcurl gives it: IPv6 in brackets, IPv4 in any notation already dotted. */
static bool read_host(char *host, struct target *target)
{
    struct in_addr in;
    struct in6_addr in6;
    size_t len = strlen(host);
    bool is_bracketed = host[0] == '[' && host[len - 1] == ']';
    if (inet_pton(AF_INET, host, &in) == 1) {
        fill_address(target, NULL, &in);
        return true;
    }
    if (!is_bracketed)
        return host_name_copy(slice_make(host, len), target->host);
    host[len - 1] = '\0';
    bool is_address = inet_pton(AF_INET6, host + 1, &in6) == 1;
    if (is_address)
        fill_address(target, &in6, NULL);
    return is_address;
}

static bool read_port(CURLU *parsed, struct target *target)
{
    char *port = NULL;
    curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    unsigned long number = port ? strtoul(port, NULL, 10) : 0;
    curl_free(port);
    if (number == 0 || number > UINT16_MAX)
        return false;
    target->port = (uint16_t)number;
    return true;
}

static bool has_zone(CURLU *parsed)
{
    char *text = NULL;
    bool is_there = curl_url_get(parsed, CURLUPART_ZONEID, &text, 0) == CURLUE_OK;
    curl_free(text);
    return is_there;
}

static bool read_parts(CURLU *parsed, struct target *target, const char **ret_reason)
{
    if (has_zone(parsed))
        return fail("the address has a zone", ret_reason);
    if (!read_port(parsed, target))
        return fail(reason_of(CURLUE_BAD_PORT_NUMBER), ret_reason);
    char *host = NULL;
    curl_url_get(parsed, CURLUPART_HOST, &host, 0);
    bool is_read = host && *host && read_host(host, target);
    curl_free(host);
    return is_read || fail(reason_of(CURLUE_BAD_HOSTNAME), ret_reason);
}

/* What stands between "://" and the path must begin with a host and hold no '@'. */
static bool check_authority(const char *rest, const char **ret_reason)
{
    if (strncmp(rest, "://", 3) != 0)
        return fail("the scheme must be followed by ://", ret_reason);
    const char *authority = rest + 3;
    size_t len = strcspn(authority, "/?#");
    if (len == 0)
        return fail(reason_of(CURLUE_NO_HOST), ret_reason);
    if (memchr(authority, '@', len))
        return fail(reason_of(CURLUE_USER_NOT_ALLOWED), ret_reason);
    return true;
}

bool url_parse(struct slice url, struct target *ret_target, const char **ret_reason)
{
    struct target target = {0};
    if (url.len == 0)
        return fail("the URL is empty", ret_reason);
    if (has_foreign_bytes(url))
        return fail("the URL has a space, a backslash or a byte beyond printable ASCII",
                    ret_reason);
    size_t scheme_len = read_scheme(url, target.scheme, sizeof target.scheme);
    if (scheme_len == 0)
        return fail("the URL must begin with http:// or https://", ret_reason);
    bool is_http = strcmp(target.scheme, "http") == 0;
    target.is_https = strcmp(target.scheme, "https") == 0;
    if (!is_http && !target.is_https) {
        if (is_host_and_port(url, scheme_len))
            return fail("the URL must begin with http:// or https://", ret_reason);
        *ret_target = target; /* no part of it is used: the guard refuses the scheme */
        return true;
    }
    if (!check_authority(url.data + scheme_len, ret_reason))
        return false;

    CURLU *parsed = curl_url(); /* NULL when there is no memory: then nothing parses */
    CURLUcode code = curl_url_set(parsed, CURLUPART_URL, url.data, CURLU_DISALLOW_USER);
    bool is_read = code == CURLUE_OK ? read_parts(parsed, &target, ret_reason)
                                     : fail(reason_of(code), ret_reason);
    curl_url_cleanup(parsed);
    if (is_read)
        *ret_target = target;
    return is_read;
}

char *url_join(const char *base, const char *location)
{
    CURLU *parsed = curl_url(); /* likewise */
    char *joined = NULL;
    char *copy = NULL;
    /* URLENCODE: servers do send spaces and UTF-8 in Location; in the host they stay and
     * are refused when the result is parsed. NON_SUPPORT_SCHEME: a redirect to ftp:// is
     * to be refused as such. */
    const unsigned flags = CURLU_URLENCODE | CURLU_NON_SUPPORT_SCHEME;
    if (curl_url_set(parsed, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(parsed, CURLUPART_URL, location, flags) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_URL, &joined, 0) == CURLUE_OK)
        copy = strdup(joined);
    curl_free(joined);
    curl_url_cleanup(parsed);
    return copy;
}
