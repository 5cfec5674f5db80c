/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of what stands in headers, of names of keys, secrets and files. Opens nothing
 * but to see whether it can be opened: as with those of syntax_address.c, syntax_egress.c
 * and syntax_tracing.c, which look up no name, a configuration that passes fails at the
 * start only for reasons outside it (a port in use, a name that does not resolve). Called
 * through the options table. */
#include "config/syntax.h"

#include "base/field_text.h"
#include "base/json_text.h"
#include "base/slice.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char letters_and_digits[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool syntax_is_header_text(const char *text, struct error *err)
{
    for (size_t i = 0; text[i]; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < ' ' || byte > '~')
            return error_set(
                err, ERROR_INVALID,
                "character %zu cannot stand in a header: printable ASCII only", i + 1);
    }
    return true;
}

bool syntax_is_deadline_header(const char *text, struct error *err)
{
    static const char *const taken[] = {
        "accept",           "accept-encoding",
        "authorization",    "connection",
        "content-length",   "content-type",
        "content-encoding", "cookie",
        "expect",           "host",
        "keep-alive",       "te",
        "trailer",          "upgrade",
        "user-agent",       "transfer-encoding",
        "x-api-key",        "x-request-id",
    };
    for (size_t i = 0; text[i]; i++) {
        if (!field_is_token_byte(text[i]))
            return error_set(err, ERROR_INVALID,
                             "character %zu cannot stand in a header's name", i + 1);
    }
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (strcasecmp(text, taken[i]) == 0)
            return error_set(err, ERROR_INVALID, "%s means something else already",
                             taken[i]);
    }
    if (strncasecmp(text, "proxy-", 6) == 0)
        return error_set(err, ERROR_INVALID, "proxy- headers belong to the connection");
    return true;
}

bool syntax_is_readable_file(const char *text, struct error *err)
{
    struct stat status;
    if (!*text)
        return true;
    if (stat(text, &status) != 0 || access(text, R_OK) != 0)
        return error_set_errno(err, errno, "cannot read %s", text);
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_INVALID, "%s is not a file", text);
    return true;
}

bool syntax_is_key_name(const char *text, struct error *err)
{
    size_t len = strlen(text);
    size_t good = strspn(text, letters_and_digits);
    while (text[good] && strchr(".-_", text[good])) {
        good++;
        good += strspn(text + good, letters_and_digits);
    }
    if (len == 0 || len > 64 || text[good])
        return error_set(
            err, ERROR_INVALID,
            "a name is 1 to 64 letters, digits, dots, hyphens and underscores");
    return true;
}

bool syntax_is_key_choice(const char *text, struct error *err)
{
    return strcmp(text, "*") == 0 || syntax_is_key_name(text, err);
}

bool syntax_is_key_id(const char *text, struct error *err)
{
    if (strlen(text) == 12 && strspn(text, "0123456789abcdef") == 12)
        return true;
    return error_set(err, ERROR_INVALID,
                     "an id is the 12 hex digits, in lower case, behind gd_ in the key");
}

bool syntax_is_webhook_secret(const char *text, struct error *err)
{
    static const char prefix[] = "whsec_";
    enum { BYTES_MIN = 24, BYTES_MAX = 64 };
    char room[BYTES_MAX];
    struct buffer bytes = {.data = room, .cap = sizeof room, .max = sizeof room};
    size_t len = sizeof prefix - 1;
    bool is_secret = strncmp(text, prefix, len) == 0 &&
                     base64_decode(&bytes, slice_from(text + len)) &&
                     bytes.len >= BYTES_MIN;
    explicit_bzero(room, sizeof room);
    if (!is_secret)
        return error_set(err, ERROR_INVALID,
                         "a secret is whsec_ and the base64 of %d to %d random bytes",
                         BYTES_MIN, BYTES_MAX);
    return true;
}

bool syntax_is_pem(const char *text, struct error *err)
{
    if (!strstr(text, "-----BEGIN ") || !strstr(text, "-----END "))
        return error_set(err, ERROR_INVALID, "holds no PEM block (-----BEGIN …)");
    return true;
}
