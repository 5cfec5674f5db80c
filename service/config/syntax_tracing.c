/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of `tracing:`. An endpoint is read by libcurl later; here what would be refused
 * there, or could hold a secret, is told at the start. */
#include "config/syntax.h"

#include "base/field_text.h"

#include <string.h>
#include <strings.h>

enum { ENDPOINT_MAX = 1024 };

bool syntax_is_otlp_endpoint(const char *text, struct error *err)
{
    static const char *const schemes[] = {"http://", "https://"};
    const char *rest = NULL;
    if (!*text)
        return true;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (strncmp(text, schemes[i], strlen(schemes[i])) == 0)
            rest = text + strlen(schemes[i]);
    }
    if (!rest || !*rest || *rest == '/' || *rest == ':')
        return error_set(err, ERROR_INVALID,
                         "write http://host:port or https://host/path");
    size_t host_len = strcspn(rest, "/");
    if (memchr(rest, '@', host_len)) /* it may be a password: not repeated */
        return error_set(err, ERROR_INVALID,
                         "user and password go into tracing.headers, not into the URL");
    for (const char *at = text; *at; at++) {
        if (*at <= ' ' || *at > '~' || *at == '#' || *at == '\\')
            return error_set(err, ERROR_INVALID,
                             "character %zu cannot stand in a URL without query and "
                             "fragment",
                             (size_t)(at - text) + 1);
    }
    if (strlen(text) > ENDPOINT_MAX)
        return error_set(err, ERROR_INVALID, "over %d bytes", ENDPOINT_MAX);
    return true;
}

bool syntax_is_export_header(const char *text, struct error *err)
{
    static const char *const taken[] = {
        "content-length", "content-type", "content-encoding", "host", "transfer-encoding",
        "connection",     "expect"};
    if (!field_is_token(slice_from(text)))
        return error_set(err, ERROR_INVALID, "\"%.60s\" is not a header's name", text);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (strcasecmp(text, taken[i]) == 0)
            return error_set(err, ERROR_INVALID, "%s is gatherd's to write", taken[i]);
    }
    return true;
}
