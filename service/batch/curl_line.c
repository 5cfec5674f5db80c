/* SPDX-License-Identifier: Apache-2.0 */
/* What curl would do by itself and gatherd does not is switched off in the line:
 * globbing, its own User-Agent and form type, the proxies of the environment. Masks by
 * names, as values say nothing: too much rather than too little. The body is the caller's
 * own and shown. Called by explain_item.c. */
#include "batch/curl_line.h"

#include "base/hex.h"
#include "base/json_text.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

enum { NAME_MAX_LOOKED_AT = 128 };

/* ---------------------------------------------------------------------------- secrets */

static const char *const secret_parts[] = {
    "auth",       "cookie", "credential", "key",       "passw",
    "passphrase", "secret", "session",    "signature", "token",
};
/* Whole names only: too short to be looked for inside others. */
static const char *const secret_names[] = {"jwt", "pass", "pin", "pwd", "sid", "sig"};

static bool contains(const char *text, size_t len, const char *part)
{
    size_t part_len = strlen(part);
    for (size_t i = 0; i + part_len <= len; i++) {
        if (strncasecmp(text + i, part, part_len) == 0)
            return true;
    }
    return false;
}

static bool is_secret_name(struct slice name)
{
    /* A name too long to be looked at could be anything. */
    if (name.len > NAME_MAX_LOOKED_AT)
        return true;
    for (size_t i = 0; i < sizeof secret_parts / sizeof *secret_parts; i++) {
        if (contains(name.data, name.len, secret_parts[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof secret_names / sizeof *secret_names; i++) {
        if (slice_is_ignoring_case(name, secret_names[i]))
            return true;
    }
    return false;
}

bool curl_line_is_secret_header(struct slice name)
{
    return is_secret_name(name) && !slice_is_ignoring_case(name, "idempotency-key");
}

/* The name of a query's argument, its %XX decoded: t%6Fken is one as well. */
static bool is_secret_argument(struct slice name)
{
    char decoded[NAME_MAX_LOOKED_AT];
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (len == sizeof decoded)
            return true;
        bool is_escape = name.data[i] == '%' && i + 2 < name.len &&
                         hex_digit(name.data[i + 1]) >= 0 &&
                         hex_digit(name.data[i + 2]) >= 0;
        decoded[len++] =
            is_escape
                ? (char)(hex_digit(name.data[i + 1]) * 16 + hex_digit(name.data[i + 2]))
                : name.data[i];
        i += is_escape ? 2 : 0;
    }
    return is_secret_name(slice_make(decoded, len));
}

/* Inside '…' nothing but ' itself means anything to a POSIX shell (2.2.2). */
static void append_inside(struct buffer *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\'')
            buffer_append_text(out, "'\\''");
        else
            buffer_append_byte(out, text.data[i]);
    }
}

/* "name=value" between the separators of a query. */
static void append_argument(struct buffer *out, struct slice argument)
{
    const char *equals = argument.len ? memchr(argument.data, '=', argument.len) : NULL;
    size_t name_len = equals ? (size_t)(equals - argument.data) : argument.len;
    if (equals && is_secret_argument(slice_make(argument.data, name_len))) {
        append_inside(out, slice_make(argument.data, name_len + 1));
        buffer_append_text(out, "***");
    } else {
        append_inside(out, argument);
    }
}

static void append_url(struct buffer *out, struct slice url)
{
    static const char separators[] = "?&;#";
    size_t at = 0;
    while (at < url.len && url.data[at] != '?' && url.data[at] != '#')
        at++;
    append_inside(out, slice_make(url.data, at));
    while (at < url.len) {
        buffer_append_byte(out, url.data[at++]);
        size_t start = at;
        while (at < url.len && !memchr(separators, url.data[at], sizeof separators - 1))
            at++;
        append_argument(out, slice_make(url.data + start, at - start));
    }
}

/* ---------------------------------------------------------------------------- quoting */

/* For a terminal: what could steer it is not shown as it is. */
static bool is_printable(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        /* U+0080 to U+009F are control characters too, C2 80 to C2 9F in UTF-8. */
        bool is_c1 =
            byte == 0xc2 && i + 1 < text.len && (unsigned char)text.data[i + 1] < 0xa0;
        if ((byte < ' ' && byte != '\t' && byte != '\n') || byte == 0x7f || is_c1)
            return false;
    }
    return utf8_is_valid(text);
}

/* ------------------------------------------------------------------------------ parts */

static void append_header(struct buffer *out, struct slice name, struct slice value)
{
    buffer_append_text(out, " --header '");
    append_inside(out, name); /* a token may hold a quote (RFC 9110 5.6.2) */
    buffer_append_text(out, value.len ? ": " : ";");
    if (!is_printable(value))
        buffer_append_text(out, "[bytes that cannot be shown]");
    else
        append_inside(out, value);
    buffer_append_byte(out, '\'');
}

static bool has_header(const struct call *call, const char *name)
{
    for (size_t i = 0; i < call->header_count; i++) {
        if (slice_is_ignoring_case(call->headers[i].name, name))
            return true;
    }
    return false;
}

static void append_removal(struct buffer *out, const struct call *call, const char *name)
{
    if (!has_header(call, name))
        buffer_append_format(out, " --header '%s:'", name);
}

/* In a plan whose clock begins at 0. */
static uint64_t left_ms(const struct call *call)
{
    return call->timeout_ms < call->deadline_ms ? call->timeout_ms : call->deadline_ms;
}

static void append_headers(struct buffer *out, const struct curl_line *line)
{
    static const char *const of_signature[] = {"webhook-id", "webhook-timestamp",
                                               "webhook-signature"};
    const struct call *call = line->call;
    for (size_t i = 0; i < call->header_count; i++) {
        const struct call_header *header = &call->headers[i];
        if (slice_is_ignoring_case(header->name, line->left_name))
            continue; /* the gateway's to say */
        bool is_secret = curl_line_is_secret_header(header->name);
        append_header(out, header->name, is_secret ? slice_from("***") : header->value);
    }
    for (size_t i = 0; line->is_signed && i < 3; i++) {
        if (!has_header(call, of_signature[i]))
            append_header(out, slice_from(of_signature[i]), slice_from("***"));
    }
    if (*line->left_name)
        buffer_append_format(out, " --header '%s: %" PRIu64 "'", line->left_name,
                             left_ms(call));
    if (!*line->user_agent)
        append_removal(out, call, "user-agent");
    else if (!has_header(call, "user-agent"))
        append_header(out, slice_from("user-agent"), slice_from(line->user_agent));
    if (has_header(call, "accept-encoding"))
        return;
    append_header(out, slice_from("accept-encoding"), slice_from(line->codings));
    buffer_append_text(out, " --compressed"); /* the coding is undone */
}

/* Without one, POST, PUT and PATCH say Content-Length: 0 (RFC 9110 8.6). */
static bool has_upload(const struct call *call)
{
    return call->has_body || call->method == METHOD_POST || call->method == METHOD_PUT ||
           call->method == METHOD_PATCH;
}

static void append_body(struct buffer *out, const struct call *call)
{
    struct slice body = call->has_body ? call->body : slice_make(NULL, 0);
    if (!has_upload(call))
        return;
    append_removal(out, call, "content-type");
    append_removal(out, call, "expect");
    if (body.len > CURL_LINE_BODY_MAX) {
        buffer_append_text(out, " --data-binary @BODY");
    } else if (is_printable(body)) {
        buffer_append_text(out, " --data-raw '");
        append_inside(out, body);
        buffer_append_byte(out, '\'');
    } else {
        buffer_append_text(out, " --data-binary @-");
    }
}

/* Bytes no command line can hold come by the standard input. */
static void append_pipe(struct buffer *out, const struct call *call)
{
    if (!call->has_body || call->body.len > CURL_LINE_BODY_MAX ||
        is_printable(call->body))
        return;
    size_t quote = out->len + strlen("printf %s ");
    buffer_append_text(out, "printf %s ");
    json_text_append_base64(out, call->body);
    if (out->failed)
        return;
    out->data[quote] = '\'';
    out->data[out->len - 1] = '\'';
    buffer_append_text(out, " | base64 -d | ");
}

static void append_seconds(struct buffer *out, const char *option, uint64_t ms)
{
    buffer_append_format(out, " %s %" PRIu64 ".%03u", option, ms / 1000,
                         (unsigned)(ms % 1000));
}

/* POST comes of the body: said as well, it would be repeated at redirects. */
static void append_method(struct buffer *out, enum call_method method)
{
    if (method == METHOD_HEAD)
        buffer_append_text(out, " --head");
    else if (method != METHOD_GET && method != METHOD_POST)
        buffer_append_format(out, " --request %s", call_method_name(method));
}

void curl_line_append(struct buffer *out, const struct curl_line *line)
{
    const struct call *call = line->call;
    append_pipe(out, call);
    buffer_append_text(out, "curl --silent --show-error --globoff --noproxy "
                            "'*'");
    append_method(out, call->method);
    append_headers(out, line);
    append_body(out, call);
    append_seconds(out, "--connect-timeout", call->connect_timeout_ms);
    append_seconds(out, "--max-time", call->timeout_ms);
    if (call->redirects)
        buffer_append_format(out, " --location --max-redirs %u", call->redirects);
    buffer_append_format(out, " --max-filesize %" PRIu64 " --url '",
                         call->body_max_bytes);
    append_url(out, call->url);
    buffer_append_byte(out, '\'');
}
