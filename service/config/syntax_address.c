/* SPDX-License-Identifier: Apache-2.0 */
/* Where something is: addresses to listen on, names of hosts, proxies. Called through the
 * options table, and by syntax_egress.c. */
#include "config/syntax_address.h"

#include "config/syntax.h"
#include "config/values.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

enum { LABEL_MAX = 63, SOCKET_NAME_MAX = 64 };

static const char letters_and_digits[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool syntax_copy_host(struct slice text, char host[SYNTAX_HOST_MAX + 1])
{
    if (text.len == 0 || text.len > SYNTAX_HOST_MAX)
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

bool syntax_is_host_name(struct slice text)
{
    char host[SYNTAX_HOST_MAX + 1];
    if (text.len > 1 && text.data[text.len - 1] == '.')
        text.len--;
    if (!syntax_copy_host(text, host))
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

bool syntax_is_port_range(struct slice text)
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
    char host[SYNTAX_HOST_MAX + 1];
    unsigned char address[sizeof(struct in6_addr)];
    return syntax_copy_host(text, host) && inet_pton(family, host, address) == 1;
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
                     : !is_address(host, AF_INET) && !syntax_is_host_name(host))
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
    char name[SYNTAX_HOST_MAX + 1];
    struct in6_addr v6;
    struct in_addr v4;
    if (strncmp(text, "unix:", 5) == 0)
        return true;
    if (strncmp(text, "fd:", 3) == 0 || !split_host(text, &host, &port, &is_bracketed) ||
        !syntax_copy_host(host, name))
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
                              (syntax_is_host_name(host) && text[host.len - 1] != '.');
    if (!is_sound)
        return error_set(err, ERROR_INVALID,
                         "\"%.80s\" is no name as a Host header has it: write it "
                         "without port and final dot, IPv6 in brackets",
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
