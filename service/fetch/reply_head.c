/* SPDX-License-Identifier: Apache-2.0 */
/* Checks and collects an upstream's reply head. libcurl (8.14 as well) accepts two
 * different Content-Length fields, Content-Length beside Transfer-Encoding, an unasked
 * 101 and a bare CR inside a value; each of them lets an upstream, or somebody behind it,
 * say one thing to us and another to the next parser. Here they are all refused.
 *
 * It refuses to repair: no unfolding, no stripping of odd white space. Called by
 * transfer.c from libcurl's header callback. */
#include "fetch/reply_head.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_FIELDS = 16,
    KEEP_TEXT_BYTES = 8 * 1024, /* memory a pooled head may hold on to */
};

/* RFC 9110 5.6.2: token characters, mapped to lower case; 0 is no token character. */
static const unsigned char token_lower[256] = {
    ['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'',
    ['*'] = '*', ['+'] = '+', ['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_',
    ['`'] = '`', ['|'] = '|', ['~'] = '~', ['0'] = '0', ['1'] = '1', ['2'] = '2',
    ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8',
    ['9'] = '9', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e',
    ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k',
    ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q',
    ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w',
    ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c',
    ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i',
    ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o',
    ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u',
    ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
};

static const struct {
    const char *name;
    enum field_kind kind;
} known_fields[] = {
    {"connection", FIELD_CONNECTION},
    {"content-encoding", FIELD_CONTENT_ENCODING},
    {"content-length", FIELD_CONTENT_LENGTH},
    {"content-type", FIELD_CONTENT_TYPE},
    {"keep-alive", FIELD_HOP_BY_HOP},
    {"location", FIELD_LOCATION},
    {"proxy-authenticate", FIELD_HOP_BY_HOP},
    {"proxy-authorization", FIELD_HOP_BY_HOP},
    {"proxy-connection", FIELD_HOP_BY_HOP},
    {"te", FIELD_HOP_BY_HOP},
    {"trailer", FIELD_HOP_BY_HOP},
    {"transfer-encoding", FIELD_TRANSFER_ENCODING},
    {"upgrade", FIELD_HOP_BY_HOP},
};

void reply_head_init(struct reply_head *head, size_t bytes_max)
{
    *head = (struct reply_head){.bytes_max = bytes_max};
    buffer_init(&head->text, bytes_max);
}

void reply_head_done(struct reply_head *head)
{
    buffer_done(&head->text);
    free(head->fields);
    head->fields = NULL;
    head->count = head->fields_cap = 0;
}

static void forget_fields(struct reply_head *head)
{
    buffer_clear(&head->text);
    head->count = 0;
    head->has_length = false;
    head->has_transfer_encoding = false;
    head->has_connection = false;
    head->has_content_encoding = false;
    head->locations = 0;
}

void reply_head_clear(struct reply_head *head)
{
    if (head->text.cap > KEEP_TEXT_BYTES)
        buffer_done(&head->text);
    forget_fields(head);
    head->bytes = 0;
    head->lines = 0;
    head->state = HEAD_STATUS_LINE;
    head->status = 0;
    head->version = NULL;
    head->reason = NULL;
    head->is_ambiguous = false;
}

static enum head_verdict refuse(struct reply_head *head, const char *reason)
{
    head->reason = reason;
    return HEAD_BAD;
}

static enum head_verdict refuse_framing(struct reply_head *head, const char *reason)
{
    head->is_ambiguous = true;
    return refuse(head, reason);
}

static enum head_verdict refuse_size(struct reply_head *head, const char *reason)
{
    head->reason = reason;
    return HEAD_TOO_LARGE;
}

/* Control characters but HTAB: a bare CR, NUL or ESC among them (RFC 9110 5.5). */
static bool has_controls(const char *text, size_t len)
{
    unsigned found = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        found |= (unsigned)((c < 0x20) & (c != '\t')) | (unsigned)(c == 0x7f);
    }
    return found != 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 " or "HTTP/2 " → what follows; NULL: no version we speak. */
static const char *parse_version(struct reply_head *head, const char *line, size_t len)
{
    static const struct {
        const char *text;
        const char *version;
    } versions[] = {
        {"HTTP/1.1 ", "1.1"}, {"HTTP/1.0 ", "1.0"}, {"HTTP/2 ", "2"}, {"HTTP/3 ", "3"}};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        size_t text_len = strlen(versions[i].text);
        if (len < text_len || memcmp(line, versions[i].text, text_len) != 0)
            continue;
        head->version = versions[i].version;
        return line + text_len;
    }
    return NULL;
}

static enum head_verdict take_status_line(struct reply_head *head, const char *line,
                                          size_t len)
{
    const char *digits = parse_version(head, line, len);
    if (!digits)
        return refuse(head,
                      "the reply does not start with an HTTP/1.0, 1.1 or 2 status line");
    size_t left = len - (size_t)(digits - line);
    if (left < 3 || !is_digit(digits[0]) || !is_digit(digits[1]) ||
        !is_digit(digits[2]) || (left > 3 && digits[3] != ' ') || digits[0] == '0')
        return refuse(head, "the reply's status is not a number from 100 to 999");
    if (has_controls(digits + 3, left - 3))
        return refuse(head, "the reply's status line holds control characters");
    head->status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
    if (head->status == 101)
        return refuse(head, "the reply switches protocols, which nobody asked for");
    head->state = HEAD_FIELDS;
    forget_fields(head);
    return HEAD_FINE;
}

static enum head_verdict check_length(struct reply_head *head, struct slice value)
{
    uint64_t length = 0;
    if (value.len == 0)
        return refuse_framing(head, "the reply's Content-Length is not a number");
    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.data[i]))
            return refuse_framing(head, "the reply's Content-Length is not a number");
        if (length > (INT64_MAX - 9) / 10)
            return refuse_framing(head, "the reply's Content-Length is absurd");
        length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    if (head->has_length && head->length != length)
        return refuse_framing(head, "the reply has two different Content-Length fields");
    head->has_length = true;
    head->length = length;
    return HEAD_FINE;
}

static enum head_verdict check_transfer_encoding(struct reply_head *head,
                                                 struct slice value)
{
    if (head->has_transfer_encoding || !slice_is_ignoring_case(value, "chunked"))
        return refuse_framing(head,
                              "the reply's Transfer-Encoding is not exactly \"chunked\"");
    if (head->version[0] == '1' && head->version[2] == '0')
        return refuse_framing(head, "the reply is HTTP/1.0 and chunked");
    head->has_transfer_encoding = true;
    return HEAD_FINE;
}

static enum field_kind kind_of(const char *name, size_t len)
{
    /* By far most names differ from all of these in length or in their first letter. */
    for (size_t i = 0; i < sizeof known_fields / sizeof *known_fields; i++) {
        const char *known = known_fields[i].name;
        if (known[0] == name[0] && strlen(known) == len && memcmp(known, name, len) == 0)
            return known_fields[i].kind;
    }
    return FIELD_PLAIN;
}

static void keep_field(struct reply_head *head, struct head_field field)
{
    if (head->count == head->fields_cap) {
        size_t cap = head->fields_cap ? 2 * head->fields_cap : FIRST_FIELDS;
        struct head_field *bigger = realloc(head->fields, cap * sizeof *bigger);
        if (!bigger) {
            head->text.failed = true;
            return;
        }
        head->fields = bigger;
        head->fields_cap = cap;
    }
    head->fields[head->count++] = field;
}

static enum head_verdict note_field(struct reply_head *head, struct head_field *field,
                                    struct slice value)
{
    switch (field->kind) {
    case FIELD_CONTENT_LENGTH:
        return check_length(head, value);
    case FIELD_TRANSFER_ENCODING:
        return check_transfer_encoding(head, value);
    case FIELD_LOCATION:
        head->locations++;
        return HEAD_FINE;
    case FIELD_CONNECTION:
        head->has_connection = true;
        return HEAD_FINE;
    case FIELD_CONTENT_ENCODING:
        head->has_content_encoding = true;
        return HEAD_FINE;
    default:
        return HEAD_FINE;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice trim(const char *from, const char *to)
{
    while (from < to && is_blank(*from))
        from++;
    while (to > from && is_blank(to[-1]))
        to--;
    return slice_make(from, (size_t)(to - from));
}

static enum head_verdict take_field(struct reply_head *head, const char *line, size_t len)
{
    char *name = buffer_reserve(&head->text, len);
    if (!name)
        return refuse_size(head, "the reply's header is larger than allowed");
    size_t name_len = 0;
    while (name_len < len && token_lower[(unsigned char)line[name_len]]) {
        name[name_len] = (char)token_lower[(unsigned char)line[name_len]];
        name_len++;
    }
    if (name_len == 0 || name_len == len || line[name_len] != ':')
        return refuse(head, is_blank(line[0])
                                ? "the reply's header has a folded line"
                                : "the reply's header has a malformed line");
    struct slice value = trim(line + name_len + 1, line + len);
    if (has_controls(value.data, value.len))
        return refuse(head, "the reply's header holds control characters");
    struct head_field field = {.at = (uint32_t)head->text.len,
                               .name_len = (uint32_t)name_len,
                               .value_len = (uint32_t)value.len,
                               .kind = kind_of(name, name_len)};
    enum head_verdict verdict = note_field(head, &field, value);
    if (verdict != HEAD_FINE || field.kind == FIELD_HOP_BY_HOP)
        return verdict;
    memcpy(name + name_len, value.data, value.len);
    buffer_commit(&head->text, name_len + value.len);
    keep_field(head, field);
    return head->text.failed ? refuse_size(head, "no memory for the reply's header")
                             : HEAD_FINE;
}

static enum head_verdict end_head(struct reply_head *head)
{
    if (head->has_length && head->has_transfer_encoding)
        return refuse_framing(head,
                              "the reply has both Content-Length and Transfer-Encoding");
    head->state = head->status < 200 ? HEAD_STATUS_LINE : HEAD_TRAILERS;
    return HEAD_FINE;
}

/* Trailers are checked like fields and then forgotten: nobody asked for them. */
static enum head_verdict take_trailer(struct reply_head *head, const char *line,
                                      size_t len)
{
    size_t name_len = 0;
    while (name_len < len && token_lower[(unsigned char)line[name_len]])
        name_len++;
    if (name_len == 0 || name_len == len || line[name_len] != ':' ||
        has_controls(line, len))
        return refuse(head, "the reply has a malformed trailer");
    return HEAD_FINE;
}

enum head_verdict reply_head_line(struct reply_head *head, const char *line, size_t len)
{
    head->bytes += len;
    if (head->bytes > head->bytes_max)
        return refuse_size(head, "the reply's header is larger than allowed");
    if (++head->lines > REPLY_HEAD_LINES_MAX)
        return refuse_size(head, "the reply's header has more than 200 lines");
    if (len > 0 && line[len - 1] == '\n')
        len--;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    switch (head->state) {
    case HEAD_STATUS_LINE:
        return take_status_line(head, line, len);
    case HEAD_FIELDS:
        return len == 0 ? end_head(head) : take_field(head, line, len);
    case HEAD_TRAILERS:
        break;
    }
    return len == 0 ? HEAD_FINE : take_trailer(head, line, len);
}

static struct slice field_name(const struct reply_head *head,
                               const struct head_field *field)
{
    return slice_make(head->text.data + field->at, field->name_len);
}

static struct slice field_value(const struct reply_head *head,
                                const struct head_field *field)
{
    return slice_make(head->text.data + field->at + field->name_len, field->value_len);
}

struct slice reply_head_find(const struct reply_head *head, enum field_kind kind)
{
    for (size_t i = head->count; i > 0; i--) {
        if (head->fields[i - 1].kind == kind)
            return field_value(head, &head->fields[i - 1]);
    }
    return slice_make(NULL, 0);
}

/* True when `name` is among the comma-separated `options` of a Connection field. */
static bool is_named(struct slice options, struct slice name)
{
    const char *end = options.data + options.len;
    for (const char *at = options.data; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        struct slice option = trim(at, stop);
        if (slice_equal_ignoring_case(option, name))
            return true;
        at = comma ? comma + 1 : end;
    }
    return false;
}

static bool is_connection_option(const struct reply_head *head, struct slice name)
{
    for (size_t i = 0; i < head->count; i++) {
        const struct head_field *field = &head->fields[i];
        if (field->kind == FIELD_CONNECTION && is_named(field_value(head, field), name))
            return true;
    }
    return false;
}

size_t reply_head_fields(const struct reply_head *head, bool is_decoded,
                         struct call_header *out)
{
    size_t count = 0;
    for (size_t i = 0; i < head->count; i++) {
        const struct head_field *field = &head->fields[i];
        if (field->kind == FIELD_CONNECTION || field->kind == FIELD_TRANSFER_ENCODING)
            continue;
        if (is_decoded && (field->kind == FIELD_CONTENT_ENCODING ||
                           field->kind == FIELD_CONTENT_LENGTH))
            continue;
        struct slice name = field_name(head, field);
        if (head->has_connection && is_connection_option(head, name))
            continue;
        out[count++] =
            (struct call_header){.name = name, .value = field_value(head, field)};
    }
    return count;
}

bool reply_head_keeps(const struct reply_head *head, bool is_to_head)
{
    bool is_bodiless = is_to_head || head->status == 204 || head->status == 304;
    if (!reply_head_is_whole(head) || strcmp(head->version, "1.1") != 0)
        return false;
    if (!is_bodiless && !head->has_length && !head->has_transfer_encoding)
        return false;
    return !head->has_connection || !is_connection_option(head, slice_from("close"));
}
