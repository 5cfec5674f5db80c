/* SPDX-License-Identifier: Apache-2.0 */
/* Vets what the HTTP library hands over. libmicrohttpd 0.9.75 takes two Content-Length, a
 * length together with chunks, two Host lines and odd names; 1.0.1 at its strictest still
 * takes two Content-Length and any Host (both measured). Each of these lets somebody in
 * front of us see another request than we do. Called by exchange.c in MHD's first handler
 * call, where a refusal closes the connection and the bytes behind it are never parsed.
 */
#include "http/request_head.h"

#include "base/field_text.h"

/* Headers that may come once: a second line means two readers could pick different ones.
 */
enum {
    SEEN_HOST = 1 << 0,
    SEEN_LENGTH = 1 << 1,
    SEEN_ENCODING = 1 << 2,
    SEEN_TYPE = 1 << 3,
    SEEN_CONTENT_ENCODING = 1 << 4,
    SEEN_AUTHORIZATION = 1 << 5,
    SEEN_API_KEY = 1 << 6,
    SEEN_REQUEST_ID = 1 << 7,
    SEEN_EXPECT = 1 << 8,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Every byte is a letter, a digit or one of `others`. */
static bool is_made_of(struct slice text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!is_letter(c) && !is_digit(c) && (c == '\0' || !strchr(others, c)))
            return false;
    }
    return true;
}

/* Visible bytes, space, tab and obs-text (RFC 9110 5.5): no other control byte. */
static bool is_field_value(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static void refuse(struct request_head *head, enum problem_type type, const char *fault)
{
    if (head->fault)
        return;
    head->fault = fault;
    head->fault_type = type;
}

/* ------------------------------------------------------------------ single headers */

static void take_length(struct request_head *head, struct slice value)
{
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.data[i])) {
            refuse(head, PROBLEM_INVALID_REQUEST, "Content-Length is not a number");
            return;
        }
        uint64_t digit = (uint64_t)(value.data[i] - '0');
        length = length > (UINT64_MAX - digit) / 10 ? UINT64_MAX : length * 10 + digit;
    }
    if (value.len == 0)
        refuse(head, PROBLEM_INVALID_REQUEST, "Content-Length is empty");
    head->has_length = true;
    head->length = length;
}

static void take_encoding(struct request_head *head, struct slice value)
{
    head->is_chunked = true;
    if (!slice_is_ignoring_case(value, "chunked"))
        refuse(head, PROBLEM_INVALID_REQUEST,
               "Transfer-Encoding may only be \"chunked\"");
}

static void take_expect(struct request_head *head, struct slice value)
{
    if (!slice_is_ignoring_case(value, "100-continue"))
        refuse(head, PROBLEM_INVALID_REQUEST, "Expect may only be \"100-continue\"");
}

/* ":" and up to five digits, or nothing. */
static bool is_port(struct slice text)
{
    bool is_number = text.len >= 1 && text.len <= 6 && text.data[0] == ':';
    for (size_t i = 1; i < text.len; i++)
        is_number = is_number && is_digit(text.data[i]);
    return text.len == 0 || is_number;
}

/* uri-host [":" port]: a name, an IPv4 address or an IPv6 address in brackets; no
 * userinfo, no path, no percent escapes (RFC 9110 7.2). */
static bool is_host(struct slice value)
{
    bool is_bracketed = value.len > 0 && value.data[0] == '[';
    const char *end =
        value.len ? memchr(value.data, is_bracketed ? ']' : ':', value.len) : NULL;
    if (value.len == 0 || value.len > 261 || (is_bracketed && !end))
        return false;
    size_t len = end ? (size_t)(end - value.data) + is_bracketed : value.len;
    if (!is_port(slice_make(value.data + len, value.len - len)))
        return false;
    if (is_bracketed)
        return len > 2 && is_made_of(slice_make(value.data + 1, len - 2), ":.");
    return len > 0 && is_made_of(slice_make(value.data, len), "-._~");
}

static void take_host(struct request_head *head, struct slice value)
{
    head->host = value;
    if (!is_host(value))
        refuse(head, PROBLEM_INVALID_REQUEST,
               "Host is not a host name with an optional port");
}

static void note_trace(struct request_head *head, struct slice value)
{
    (void)value; /* several are no fault of the request: batch_trace.c */
    head->has_trace = true;
}

#define NAME(text) {.data = (text), .len = sizeof(text) - 1}

/* The headers this service reads: which bit, where the value goes, or what looks at it.
 */
static const struct known {
    struct slice name;
    unsigned bit;
    size_t offset; /* of a struct slice; SIZE_MAX: `take` has it */
    void (*take)(struct request_head *head, struct slice value);
} known_headers[] = {
    {NAME("Host"), SEEN_HOST, SIZE_MAX, take_host},
    {NAME("Content-Length"), SEEN_LENGTH, SIZE_MAX, take_length},
    {NAME("Transfer-Encoding"), SEEN_ENCODING, SIZE_MAX, take_encoding},
    {NAME("Expect"), SEEN_EXPECT, SIZE_MAX, take_expect},
    {NAME("Content-Type"), SEEN_TYPE, offsetof(struct request_head, content_type), NULL},
    {NAME("Content-Encoding"), SEEN_CONTENT_ENCODING,
     offsetof(struct request_head, content_encoding), NULL},
    {NAME("Authorization"), SEEN_AUTHORIZATION,
     offsetof(struct request_head, authorization), NULL},
    {NAME("X-Api-Key"), SEEN_API_KEY, offsetof(struct request_head, api_key), NULL},
    {NAME("X-Request-Id"), SEEN_REQUEST_ID, offsetof(struct request_head, request_id),
     NULL},
    {NAME("traceparent"), 0, SIZE_MAX, note_trace},
};

static const struct known *find_known(struct slice name)
{
    for (size_t i = 0; i < sizeof known_headers / sizeof *known_headers; i++) {
        if (slice_equal_ignoring_case(name, known_headers[i].name))
            return &known_headers[i];
    }
    return NULL;
}

static struct slice trim(struct slice text)
{
    while (text.len && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = slice_make(text.data + 1, text.len - 1);
    while (text.len &&
           (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

void request_head_add(struct request_head *head, struct slice name, struct slice value)
{
    head->header_count++;
    head->bytes += name.len + value.len;
    if (slice_is_ignoring_case(name, "Cookie"))
        head->bytes += value.len; /* taken apart in a copy */
    if (head->header_count > REQUEST_HEADERS_MAX)
        refuse(head, PROBLEM_HEAD_TOO_LARGE, "more than 100 header lines");
    if (!field_is_token(name))
        refuse(head, PROBLEM_INVALID_REQUEST, "a header name is not a token");
    if (!is_field_value(value))
        refuse(head, PROBLEM_INVALID_REQUEST, "a header value holds a control byte");
    const struct known *known = find_known(name);
    if (!known)
        return;
    if (head->seen & known->bit) {
        refuse(head, PROBLEM_INVALID_REQUEST, "a header that may come once came twice");
        return;
    }
    head->seen |= known->bit;
    value = trim(value);
    if (known->take)
        known->take(head, value);
    else
        memcpy((char *)head + known->offset, &value, sizeof value);
}

/* ------------------------------------------------------------------------ the whole */

/* Origin form only, visible ASCII, no fragment (RFC 9112 3.2.1). */
static bool is_target(struct slice target)
{
    if (target.len == 0 || target.data[0] != '/')
        return false;
    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.data[i];
        if (c <= 0x20 || c >= 0x7f || c == '#')
            return false;
    }
    return true;
}

bool request_head_judge(struct request_head *head, const char *method,
                        struct slice target, const char *version)
{
    bool is_new = strcmp(version, "HTTP/1.1") == 0;
    if (!is_new && strcmp(version, "HTTP/1.0") != 0)
        refuse(head, PROBLEM_HTTP_VERSION, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    if (!field_is_token(slice_from(method)))
        refuse(head, PROBLEM_INVALID_REQUEST, "the method is not a token");
    if (!is_target(target))
        refuse(
            head, PROBLEM_INVALID_REQUEST,
            "the request target is not a path of visible ASCII that starts with \"/\"");
    if (is_new && !(head->seen & SEEN_HOST))
        refuse(head, PROBLEM_INVALID_REQUEST, "HTTP/1.1 needs a Host header");
    if (head->is_chunked && head->has_length)
        refuse(head, PROBLEM_INVALID_REQUEST,
               "Content-Length and Transfer-Encoding exclude each other");
    if (head->is_chunked && !is_new)
        refuse(head, PROBLEM_INVALID_REQUEST, "HTTP/1.0 has no Transfer-Encoding");
    return head->fault == NULL;
}

/* ---------------------------------------------------------------------- small judges */

bool request_head_id_is_sound(struct slice id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        if (!is_letter(c) && !is_digit(c) && (c == '\0' || !strchr("._:-", c)))
            return false;
    }
    return id.len >= 1 && id.len <= 128;
}

/* Cuts the text up to `stop` (or the end) off `rest` and trims it. */
static struct slice cut(struct slice *rest, char stop)
{
    const char *end = rest->len ? memchr(rest->data, stop, rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    struct slice part = slice_make(rest->data, len);
    size_t skip = end ? len + 1 : len;
    *rest = slice_make(rest->data + skip, rest->len - skip);
    return trim(part);
}

bool request_head_is_json(struct slice content_type)
{
    struct slice rest = content_type;
    if (content_type.len == 0 ||
        !slice_is_ignoring_case(cut(&rest, ';'), "application/json"))
        return false;
    while (rest.len) {
        struct slice value = cut(&rest, ';');
        struct slice name = cut(&value, '=');
        if (!slice_is_ignoring_case(name, "charset"))
            continue;
        value = trim(value);
        if (!slice_is_ignoring_case(value, "utf-8") &&
            !slice_is_ignoring_case(value, "\"utf-8\""))
            return false;
    }
    return true;
}
