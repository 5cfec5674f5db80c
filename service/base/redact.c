/* SPDX-License-Identifier: Apache-2.0 */
/* A name is decoded, cut into words, and each is looked up; some words are so telling
 * that they count inside of others too ("xsecretx"). Too much hidden is better than too
 * little: nothing but the log depends on it. Called by the lines about items. */
#include "base/redact.h"

#include "base/hex.h"

#include <stddef.h>
#include <string.h>

enum { NAME_MAX_LEN = 128, WORD_MAX = 32, PENDING_MAX = 64 };

static const char hidden[] = "***";

/* Whole words. Seen in what public APIs ask for: Google key=, AWS X-Amz-Signature and
 * X-Amz-Credential, Azure sig=, OAuth 2.0 code=, assertion= and client_secret= (RFC 6749,
 * RFC 7521), OpenID id_token_hint=, CAS ticket=, Slack and Telegram token=. */
static const char *const words[] = {
    "key",     "keys",    "sig",  "hmac",      "hash",    "sign",     "pass",  "pwd",
    "pw",      "pin",     "otp",  "totp",      "code",    "auth",     "oauth", "authz",
    "session", "sess",    "sid",  "cookie",    "ticket",  "bearer",   "nonce", "jwt",
    "saml",    "csrf",    "xsrf", "assertion", "private", "verifier", "seed",  "apikey",
    "appkey",  "authkey", "cred", "creds"};

/* Anywhere in a name, its punctuation left out. */
static const char *const parts[] = {"secret",     "token",      "passw",     "passphrase",
                                    "credential", "signature",  "authoriz",  "accesskey",
                                    "apikey",     "privatekey", "sessionid", "sessid",
                                    "samlre"};

/* ------------------------------------------------------------------------- names */

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool is_upper(char byte)
{
    return byte >= 'A' && byte <= 'Z';
}

static bool is_letter(char byte)
{
    return lower(byte) >= 'a' && lower(byte) <= 'z';
}

/* Decodes as often as it was percent-encoded, digits of an encoding too ("%25%33F").
 * Bytes wait while more may make a '%' before them an encoding. */
struct decoder {
    struct slice text;
    size_t at;
    char waiting[PENDING_MAX];
    size_t len;      /* of waiting */
    size_t taken;    /* of those that are settled */
    bool is_too_odd; /* more '%' wait than anybody means: taken for a secret */
};

/* Two encodings never overlap, so that their order does not matter. */
static void decode_top(struct decoder *decoder)
{
    char *end = decoder->waiting + decoder->len;
    while (decoder->len >= 3 && end[-3] == '%' && hex_digit(end[-2]) >= 0 &&
           hex_digit(end[-1]) >= 0) {
        end[-3] = (char)(hex_digit(end[-2]) * 16 + hex_digit(end[-1]));
        end -= 2;
        decoder->len -= 2;
    }
}

static bool must_wait(const struct decoder *decoder)
{
    char top = decoder->waiting[decoder->len - 1];
    return top == '%' || (decoder->len > 1 && hex_digit(top) >= 0);
}

static bool next_byte(struct decoder *decoder, char *ret_byte)
{
    if (decoder->taken == decoder->len) {
        decoder->taken = decoder->len = 0;
        while (decoder->at < decoder->text.len && !decoder->is_too_odd) {
            decoder->waiting[decoder->len++] = decoder->text.data[decoder->at++];
            decode_top(decoder);
            if (!must_wait(decoder))
                break;
            decoder->is_too_odd = decoder->len == PENDING_MAX;
        }
    }
    if (decoder->taken == decoder->len)
        return false;
    *ret_byte = decoder->waiting[decoder->taken++];
    return true;
}

static bool is_secret_word(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0)
            return true;
    }
    return false;
}

/* A word ends where the letters end, and before a capital behind a small one. */
static bool has_secret_word(const char *text, size_t len)
{
    char word[WORD_MAX];
    size_t word_len = 0;
    for (size_t i = 0; i <= len; i++) {
        bool is_end = i == len || !is_letter(text[i]) ||
                      (is_upper(text[i]) && i > 0 && !is_upper(text[i - 1]));
        if (is_end && is_secret_word(word, word_len))
            return true;
        if (is_end)
            word_len = 0;
        if (i < len && is_letter(text[i]) && word_len < WORD_MAX)
            word[word_len++] = lower(text[i]);
    }
    return false;
}

static bool has_secret_part(const char *text, size_t len)
{
    char letters[NAME_MAX_LEN + 1];
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        if (is_letter(text[i]))
            letters[count++] = lower(text[i]);
    }
    letters[count] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(letters, parts[i]))
            return true;
    }
    return is_secret_word(letters, count); /* "API-KEY", "ApiKey", "a_p_i_key" */
}

static bool is_secret(const char *text, size_t len)
{
    return has_secret_word(text, len) || has_secret_part(text, len);
}

bool redact_is_secret_name(struct slice name)
{
    struct decoder decoder = {.text = name};
    char text[NAME_MAX_LEN]; /* what is too long is cut: more than enough of a name */
    size_t len = 0;
    while (len < NAME_MAX_LEN && next_byte(&decoder, &text[len]))
        len++;
    return decoder.is_too_odd || is_secret(text, len);
}

/* ------------------------------------------------------------- URLs inside of values */

/* A compact JWS or JWE begins with an object in base64url, {" at first. */
static const char web_token_start[] = "eyJ";
enum { WEB_TOKEN_START = sizeof web_token_start - 1, WEB_TOKEN_LEAST = 16 };

/* What is looked at: a run of bytes that names, and web tokens, are made of. */
struct look {
    char run[NAME_MAX_LEN];
    size_t len; /* of the run, which may have been cut */
    bool has_dot;
    bool is_behind_secret; /* in the value of a name that is one */
    unsigned slashes;      /* just read */
    bool is_authority;     /* behind "//" */
};

static bool is_of_name(char byte)
{
    return is_letter(byte) || (byte >= '0' && byte <= '9') || strchr("-_.[]$", byte);
}

static bool is_run_a_web_token(const struct look *look)
{
    return look->len > WEB_TOKEN_LEAST && look->has_dot &&
           memcmp(look->run, web_token_start, WEB_TOKEN_START) == 0;
}

/* Whether it is userinfo. */
static bool look_at_authority(struct look *look, char byte)
{
    if (byte == '/') {
        look->is_authority = false;
        look->slashes++;
        return false;
    }
    look->is_authority = look->is_authority ? !strchr("?#", byte) : look->slashes > 1;
    look->slashes = 0;
    return look->is_authority && byte == '@';
}

/* True: a secret begins, or has ended. */
static bool look_at(struct look *look, char byte)
{
    if (byte == '\0')
        byte = ' '; /* strchr would find it */
    bool is_end = strchr("?&;#", byte);
    if ((look->is_behind_secret && !is_end) || look_at_authority(look, byte))
        return true;
    if (is_of_name(byte)) {
        if (look->len < NAME_MAX_LEN)
            look->run[look->len] = byte;
        look->has_dot = look->has_dot || byte == '.';
        look->len++;
        return false;
    }
    size_t len = look->len < NAME_MAX_LEN ? look->len : NAME_MAX_LEN;
    if (is_run_a_web_token(look))
        return true;
    look->is_behind_secret = byte == '=' && is_secret(look->run, len);
    look->len = 0;
    look->has_dot = false;
    return false;
}

/* Is there, percent-encoded as often as may be, what would be hidden if it stood in the
 * open: "next=https%3A%2F%2Fh%2F%3Ftoken%3Dabc"? Reads each byte once, and looks names up
 * where there is a '='. */
static bool holds_secret(struct slice text)
{
    struct look look = {.len = 0};
    if (!memchr(text.data, '%', text.len) && !memchr(text.data, '=', text.len) &&
        !memchr(text.data, '@', text.len))
        return false;
    struct decoder decoder = {.text = text};
    char byte;
    while (next_byte(&decoder, &byte)) {
        if (look_at(&look, byte))
            return true;
    }
    return decoder.is_too_odd || is_run_a_web_token(&look);
}

/* -------------------------------------------------------------------------- URLs */

static struct slice until(struct slice text, const char *marks)
{
    size_t len = 0;
    while (len < text.len && !strchr(marks, text.data[len] ? text.data[len] : ' '))
        len++;
    return slice_make(text.data, len);
}

static struct slice behind(struct slice text, size_t len)
{
    return slice_make(text.data + len, text.len - len);
}

static bool is_web_token(struct slice value)
{
    return value.len > WEB_TOKEN_LEAST &&
           memcmp(value.data, web_token_start, WEB_TOKEN_START) == 0 &&
           memchr(value.data, '.', value.len);
}

static bool must_hide(struct slice text)
{
    return is_web_token(text) || holds_secret(text);
}

static void append_parameter(struct buffer *out, struct slice parameter)
{
    struct slice name = until(parameter, "=");
    struct slice value = behind(parameter, name.len);
    if (must_hide(name)) { /* without a name of its own */
        buffer_append_text(out, hidden);
        return;
    }
    buffer_append(out, name.data, name.len);
    bool has_value = value.len > 1; /* with its '=' */
    if (has_value && (redact_is_secret_name(name) || must_hide(behind(value, 1)))) {
        buffer_append_byte(out, '=');
        buffer_append_text(out, hidden);
    } else {
        buffer_append(out, value.data, value.len);
    }
}

static void append_query(struct buffer *out, struct slice query, enum redact_mode mode)
{
    buffer_append_byte(out, '?');
    if (mode == REDACT_QUERY) {
        buffer_append_text(out, hidden);
        return;
    }
    while (query.len > 0) {
        struct slice parameter = until(query, "&;?"); /* '?': of a URL in a value */
        append_parameter(out, parameter);
        query = behind(query, parameter.len);
        if (query.len > 0) {
            buffer_append_byte(out, query.data[0]);
            query = behind(query, 1);
        }
    }
}

/* The scheme with its "://", its ':' alone, or whatever slashes there are. */
static struct slice scheme_of(struct slice url)
{
    struct slice name = until(url, ":/?#");
    struct slice rest = behind(url, name.len);
    size_t len = rest.len > 0 && rest.data[0] == ':' ? name.len + 1 : 0;
    while (len < url.len && url.data[len] == '/')
        len++;
    return slice_make(url.data, len);
}

/* What passes for userinfo with the most lenient reader: up to the last '@' of the
 * authority. A URL without "//" has one here too: nothing is known of those. */
static void append_authority(struct buffer *out, struct slice authority)
{
    const char *at = authority.len ? memrchr(authority.data, '@', authority.len) : NULL;
    if (at) {
        buffer_append_text(out, hidden);
        authority = behind(authority, (size_t)(at - authority.data));
    }
    buffer_append(out, authority.data, authority.len);
}

void redact_url(struct buffer *out, struct slice url, enum redact_mode mode)
{
    struct slice scheme = scheme_of(url);
    buffer_append(out, scheme.data, scheme.len);
    struct slice rest = behind(url, scheme.len);
    struct slice authority = until(rest, "/?#");
    append_authority(out, authority);
    rest = behind(rest, authority.len);
    struct slice path = until(rest, "?#");
    buffer_append(out, path.data, path.len);
    rest = behind(rest, path.len);
    struct slice query = until(rest, "#");
    if (query.len > 0)
        append_query(out, behind(query, 1), mode);
    rest = behind(rest, query.len);
    if (rest.len > 0) {
        buffer_append_byte(out, '#');
        buffer_append_text(out, hidden);
    }
}
