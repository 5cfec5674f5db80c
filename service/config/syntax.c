/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of single texts. Looks up no name and opens nothing but to see whether it can be
 * opened: a configuration that passes here fails at the start only for reasons outside it
 * (a port in use, a name that does not resolve). Called through the options table. */
#include "config/syntax.h"

#include "base/field_text.h"
#include "base/json_text.h"
#include "base/slice.h"
#include "config/values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HOST_MAX = 253, LABEL_MAX = 63, SOCKET_NAME_MAX = 64 };

static const char letters_and_digits[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/* Copies `text` if it is short enough to be an address or a host name. */
static bool copy_host(struct slice text, char host[HOST_MAX + 1])
{
    if (text.len == 0 || text.len > HOST_MAX)
        return false;
    memcpy(host, text.data, text.len);
    host[text.len] = '\0';
    return true;
}

static bool is_label(struct slice label)
{
    if (label.len == 0 || label.len > LABEL_MAX)
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (label.data[i] != '-' && label.data[i] != '_' &&
            !strchr(letters_and_digits, label.data[i]))
            return false;
    }
    return label.data[0] != '-' && label.data[label.len - 1] != '-';
}

/* "7", "0x7f": what some programs read as the end of an IPv4 address. */
static bool is_numeric_label(const char *label)
{
    if (strncasecmp(label, "0x", 2) == 0)
        return label[2 + strspn(label + 2, "0123456789abcdefABCDEF")] == '\0';
    return label[strspn(label, "0123456789")] == '\0';
}

/* A name whose last label is not a number; one final dot is fine. */
static bool is_host_name(struct slice text)
{
    char host[HOST_MAX + 1];
    if (text.len > 1 && text.data[text.len - 1] == '.')
        text.len--;
    if (!copy_host(text, host))
        return false;
    const char *label = host;
    for (;;) {
        size_t len = strcspn(label, ".");
        if (!is_label(slice_make(label, len)))
            return false;
        if (!label[len])
            return !is_numeric_label(label);
        label += len + 1;
    }
}

static bool parse_port(struct slice text, uint64_t min, uint64_t *ret_port)
{
    return values_parse_number(text, ret_port, NULL) && *ret_port >= min &&
           *ret_port <= UINT16_MAX;
}

static bool is_port_range(struct slice text)
{
    const char *dash = text.len ? memchr(text.data, '-', text.len) : NULL;
    uint64_t first;
    uint64_t last;
    if (!dash)
        return parse_port(text, 1, &first);
    size_t len = (size_t)(dash - text.data);
    return parse_port(slice_make(text.data, len), 1, &first) &&
           parse_port(slice_make(dash + 1, text.len - len - 1), 1, &last) &&
           first <= last;
}

static bool is_address(struct slice text, int family)
{
    char host[HOST_MAX + 1];
    unsigned char address[sizeof(struct in6_addr)];
    return copy_host(text, host) && inet_pton(family, host, address) == 1;
}

/* The host in front of the last ':', without brackets; `ret_port` what is behind it. */
static bool split_host(const char *text, struct slice *ret_host, struct slice *ret_port,
                       bool *ret_is_bracketed)
{
    const char *colon = strrchr(text, ':');
    if (!colon)
        return false;
    struct slice host = slice_make(text, (size_t)(colon - text));
    bool is_bracketed =
        host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    if (is_bracketed)
        host = slice_make(host.data + 1, host.len - 2);
    *ret_host = host;
    *ret_port = slice_from(colon + 1);
    *ret_is_bracketed = is_bracketed;
    return true;
}

static bool is_listen_host(const char *text, struct error *err)
{
    static const char shape[] = "write host:port, [v6]:port, unix:/path or fd:N";
    struct slice host;
    struct slice port;
    bool is_bracketed;
    uint64_t number;
    bool ends_in_bracket = *text && text[strlen(text) - 1] == ']';
    if (ends_in_bracket || !split_host(text, &host, &port, &is_bracketed))
        return error_set(err, ERROR_INVALID, "\"%.80s\" has no port: %s", text, shape);
    if (host.len == 0)
        return error_set(err, ERROR_INVALID,
                         "\"%.80s\" has no host: 0.0.0.0 or [::] listens everywhere",
                         text);
    if (!is_bracketed && memchr(host.data, ':', host.len))
        return error_set(err, ERROR_INVALID,
                         "\"%.80s\": an IPv6 address goes in brackets: "
                         "[::1]:8080",
                         text);
    if (is_bracketed ? !is_address(host, AF_INET6)
                     : !is_address(host, AF_INET) && !is_host_name(host))
        return error_set(err, ERROR_INVALID,
                         "\"%.80s\": \"%.*s\" is no host or address: %s", text,
                         (int)(host.len < 60 ? host.len : 60), host.data, shape);
    if (!parse_port(port, 0, &number))
        return error_set(err, ERROR_INVALID,
                         "\"%.80s\": the port is a number up to 65535", text);
    return true;
}

/* What systemd.socket(5) takes for FileDescriptorName=, less whatever needs quotes: it
 * begins with a letter, so it is no number. */
static bool is_socket_name(const char *text)
{
    static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789._@-";
    bool begins_with_letter =
        (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
    size_t len = strlen(text);
    return begins_with_letter && len <= SOCKET_NAME_MAX && strspn(text, others) == len;
}

bool syntax_is_listen(const char *text, struct error *err)
{
    uint64_t number;
    if (strncmp(text, "unix:", 5) == 0) {
        if (text[5] != '/')
            return error_set(err, ERROR_INVALID,
                             "\"%.80s\": write unix: and the whole path", text);
        if (strlen(text + 5) >= sizeof((struct sockaddr_un *)0)->sun_path)
            return error_set(err, ERROR_INVALID, "\"%.80s\": the path is over %zu bytes",
                             text, sizeof((struct sockaddr_un *)0)->sun_path - 1);
        return true;
    }
    if (strncmp(text, "fd:", 3) == 0) {
        if (is_socket_name(text + 3))
            return true;
        if (!values_parse_number(slice_from(text + 3), &number, NULL) || number < 3 ||
            number > UINT16_MAX)
            return error_set(err, ERROR_INVALID,
                             "\"%.80s\": write fd: and a descriptor from 3 on, or the "
                             "name that a socket unit gave it",
                             text);
        return true;
    }
    return is_listen_host(text, err);
}

bool syntax_is_handover(const char *text, struct error *err)
{
    if (*text && strncmp(text, "unix:", 5) != 0)
        return error_set(err, ERROR_INVALID, "\"%.80s\": write unix: and the whole path",
                         text);
    return !*text || syntax_is_listen(text, err);
}

bool syntax_is_local_listen(const char *text)
{
    struct slice host;
    struct slice port;
    bool is_bracketed;
    char name[HOST_MAX + 1];
    struct in6_addr v6;
    struct in_addr v4;
    if (strncmp(text, "unix:", 5) == 0)
        return true;
    if (strncmp(text, "fd:", 3) == 0 || !split_host(text, &host, &port, &is_bracketed) ||
        !copy_host(host, name))
        return false;
    if (is_bracketed)
        return inet_pton(AF_INET6, name, &v6) == 1 &&
               (IN6_IS_ADDR_LOOPBACK(&v6) ||
                (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127));
    if (inet_pton(AF_INET, name, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return strcasecmp(name, "localhost") == 0;
}

bool syntax_is_own_host(const char *text, struct error *err)
{
    struct slice host = slice_from(text);
    bool is_bracketed =
        host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    bool is_sound = is_bracketed
                        ? is_address(slice_make(text + 1, host.len - 2), AF_INET6)
                        : is_address(host, AF_INET) ||
                              (is_host_name(host) && text[host.len - 1] != '.');
    if (!is_sound)
        return error_set(err, ERROR_INVALID,
                         "\"%.80s\" is no name as a Host header has it: write it "
                         "without port and final dot, IPv6 in brackets",
                         text);
    return true;
}

bool syntax_is_scheme(const char *text, struct error *err)
{
    if (strcmp(text, "http") != 0 && strcmp(text, "https") != 0)
        return error_set(err, ERROR_INVALID, "\"%.40s\" is neither http nor https", text);
    return true;
}

bool syntax_is_ports(const char *text, struct error *err)
{
    if (!is_port_range(slice_from(text)))
        return error_set(err, ERROR_INVALID,
                         "\"%.40s\" is not a port (1-65535) or a range like 1024-65535",
                         text);
    return true;
}

bool syntax_is_deny_ports(const char *text, struct error *err)
{
    if (strcmp(text, "unsafe") != 0 && !is_port_range(slice_from(text)))
        return error_set(err, ERROR_INVALID,
                         "\"%.40s\" is not unsafe, a port or a range like 1024-65535",
                         text);
    return true;
}

/* No bit may be set behind the prefix: such a rule was meant otherwise. */
static bool has_bits_beyond(const unsigned char *address, size_t bits, uint64_t prefix)
{
    for (size_t bit = prefix; bit < bits; bit++) {
        if (address[bit / 8] & (0x80U >> bit % 8))
            return true;
    }
    return false;
}

/* "10.1.0.0/16", "2001:db8::1"; `what` is the whole rule. */
static bool is_network(const char *text, const char *what, struct error *err)
{
    unsigned char address[sizeof(struct in6_addr)];
    char host[HOST_MAX + 1];
    size_t len = strcspn(text, "/");
    int family = memchr(text, ':', len) ? AF_INET6 : AF_INET;
    uint64_t bits = family == AF_INET6 ? 128 : 32;
    uint64_t prefix = bits;
    if (!copy_host(slice_make(text, len), host) || inet_pton(family, host, address) != 1)
        return error_set(err, ERROR_INVALID, "\"%.80s\" is not an address", what);
    if (text[len] == '/' &&
        (!values_parse_number(slice_from(text + len + 1), &prefix, NULL) ||
         prefix > bits))
        return error_set(err, ERROR_INVALID, "\"%.80s\": the prefix length is 0 to %u",
                         what, (unsigned)bits);
    if (has_bits_beyond(address, bits, prefix))
        return error_set(err, ERROR_INVALID,
                         "\"%.80s\" has bits set beyond its prefix of %u bits", what,
                         (unsigned)prefix);
    return true;
}

/* Cuts ":port" off the copy `rule`, and the brackets. */
static bool cut_port(char *rule, const char *what, struct error *err)
{
    char *colon = strchr(rule, ':');
    if (rule[0] == '[') {
        char *bracket = strchr(rule, ']');
        if (!bracket || (bracket[1] && bracket[1] != ':'))
            return error_set(err, ERROR_INVALID, "\"%.80s\": the brackets do not match",
                             what);
        colon = bracket[1] ? bracket + 1 : NULL;
        *bracket = '\0';
    } else if (!colon || strchr(colon + 1, ':')) {
        return true; /* none, or IPv6 without brackets */
    }
    if (colon && !is_port_range(slice_from(colon + 1)))
        return error_set(err, ERROR_INVALID,
                         "\"%.80s\": behind the colon goes a port or a range", what);
    if (colon)
        *colon = '\0';
    return true;
}

bool syntax_is_egress_rule(const char *text, struct error *err)
{
    char rule[HOST_MAX + 32];
    if ((size_t)snprintf(rule, sizeof rule, "%s", text) >= sizeof rule)
        return error_set(err, ERROR_INVALID, "\"%.80s…\" is too long for a rule", text);
    if (!cut_port(rule, text, err))
        return false;
    if (rule[0] == '[') {
        if (!strchr(rule, ':'))
            return error_set(err, ERROR_INVALID, "\"%.80s\": brackets are for IPv6",
                             text);
        return is_network(rule + 1, text, err);
    }
    if (strpbrk(rule, "/:") || (*rule && rule[strspn(rule, "0123456789.")] == '\0'))
        return is_network(rule, text, err);
    const char *name = strncmp(rule, "*.", 2) == 0 ? rule + 2 : rule;
    if (!is_host_name(slice_from(name)))
        return error_set(
            err, ERROR_INVALID,
            "\"%.80s\" is not an address, a network like 10.1.0.0/16, a host or "
            "*.suffix, with or without :port",
            text);
    return true;
}

bool syntax_is_proxy(const char *text, struct error *err)
{
    static const char *const schemes[] = {"http://", "https://", "socks5://",
                                          "socks5h://"};
    if (!*text)
        return true;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i]);
        if (strncmp(text, schemes[i], len) != 0)
            continue;
        const char *at = strrchr(text, '@');
        /* The value may hold a password: it is not repeated. */
        if (!is_listen_host(at ? at + 1 : text + len, NULL))
            return error_set(err, ERROR_INVALID, "behind %s goes host:port", schemes[i]);
        return true;
    }
    return error_set(err, ERROR_INVALID,
                     "write http://host:port (or https, socks5, socks5h)");
}

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
