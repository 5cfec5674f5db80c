/* SPDX-License-Identifier: Apache-2.0 */
/* Trace Context by its grammar. What must be lower-case is not taken otherwise: others
 * compare ids byte for byte. Called by http/ for what clients send, by fetch/ for what
 * upstreams get. */
#include "trace/trace_context.h"

enum {
    TRACE_ID_AT = 3,
    SPAN_ID_AT = TRACE_ID_AT + TRACE_ID_LEN + 1,
    FLAGS_AT = SPAN_ID_AT + SPAN_ID_LEN + 1,
    MEMBER_LONG = 128,
    KEY_MAX = 256,
    TENANT_MAX = 241,
    SYSTEM_MAX = 14,
    VALUE_MAX = 256,
};

static struct slice trim(struct slice text)
{
    while (text.len && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = slice_make(text.data + 1, text.len - 1);
    while (text.len &&
           (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* The value of a lower-case digit; -1: it is none. */
static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool are_digits(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (digit_of(text[i]) < 0)
            return false;
    }
    return true;
}

static bool is_id(const char *text, size_t len)
{
    bool is_zero = true;
    for (size_t i = 0; i < len; i++)
        is_zero = is_zero && text[i] == '0';
    return !is_zero && are_digits(text, len);
}

bool trace_context_parse(struct slice text, struct trace_context *ret_context)
{
    text = trim(text);
    const char *at = text.data;
    if (text.len < TRACEPARENT_LEN || !are_digits(at, 2) ||
        slice_is(slice_make(at, 2), "ff"))
        return false;
    bool is_current = slice_is(slice_make(at, 2), "00");
    if (text.len > TRACEPARENT_LEN && (is_current || at[TRACEPARENT_LEN] != '-'))
        return false;
    if (at[TRACE_ID_AT - 1] != '-' || at[SPAN_ID_AT - 1] != '-' ||
        at[FLAGS_AT - 1] != '-' || !is_id(at + TRACE_ID_AT, TRACE_ID_LEN) ||
        !is_id(at + SPAN_ID_AT, SPAN_ID_LEN) || !are_digits(at + FLAGS_AT, 2))
        return false;
    memcpy(ret_context->trace_id, at + TRACE_ID_AT, TRACE_ID_LEN);
    memcpy(ret_context->span_id, at + SPAN_ID_AT, SPAN_ID_LEN);
    ret_context->is_sampled = digit_of(at[FLAGS_AT + 1]) & 1;
    return true;
}

void trace_context_write(const struct trace_context *context, char text[TRACEPARENT_LEN])
{
    memcpy(text, "00-", TRACE_ID_AT);
    memcpy(text + TRACE_ID_AT, context->trace_id, TRACE_ID_LEN);
    text[SPAN_ID_AT - 1] = '-';
    memcpy(text + SPAN_ID_AT, context->span_id, SPAN_ID_LEN);
    memcpy(text + FLAGS_AT - 1, context->is_sampled ? "-01" : "-00", 3);
}

/* ---------------------------------------------------------------------- tracestate */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_number(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_key_part(struct slice text, size_t most, bool may_begin_with_number)
{
    if (text.len < 1 || text.len > most ||
        !(is_lower(text.data[0]) || (may_begin_with_number && is_number(text.data[0]))))
        return false;
    for (size_t i = 1; i < text.len; i++) {
        char c = text.data[i];
        if (!is_lower(c) && !is_number(c) && c != '_' && c != '-' && c != '*' && c != '/')
            return false;
    }
    return true;
}

/* "vendor" or "tenant@vendor" (3.3.1.3.1). */
static bool is_key(struct slice key)
{
    const char *at = key.len ? memchr(key.data, '@', key.len) : NULL;
    if (!at)
        return is_key_part(key, KEY_MAX, false);
    size_t len = (size_t)(at - key.data);
    return is_key_part(slice_make(key.data, len), TENANT_MAX, true) &&
           is_key_part(slice_make(at + 1, key.len - len - 1), SYSTEM_MAX, false);
}

/* Printable without ',' and '=', not ending in a space, which was trimmed (3.3.1.3.2). */
static bool is_value(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c < 0x20 || c > 0x7e || c == '=') /* no ',': it was cut there */
            return false;
    }
    return value.len >= 1 && value.len <= VALUE_MAX;
}

static bool is_member(struct slice member)
{
    const char *at = memchr(member.data, '=', member.len);
    if (!at)
        return false;
    size_t len = (size_t)(at - member.data);
    return is_key(slice_make(member.data, len)) &&
           is_value(slice_make(at + 1, member.len - len - 1));
}

struct members {
    struct slice items[TRACESTATE_MEMBERS_MAX];
    size_t count;
    size_t size; /* of all, with the commas */
};

static bool read_line(struct members *members, struct slice line)
{
    while (line.len) {
        const char *comma = memchr(line.data, ',', line.len);
        size_t len = comma ? (size_t)(comma - line.data) : line.len;
        struct slice member = trim(slice_make(line.data, len));
        size_t skip = len + (comma != NULL);
        line = slice_make(line.data + skip, line.len - skip);
        if (member.len == 0)
            continue; /* empty ones are allowed (3.3.1.2) */
        if (members->count == TRACESTATE_MEMBERS_MAX || !is_member(member))
            return false;
        members->items[members->count++] = member;
        members->size += member.len + 1;
    }
    return true;
}

static bool fits(const struct members *members)
{
    return members->size <= TRACESTATE_MAX + 1; /* no comma behind the last */
}

/* From the last on, while there is too much. */
static void leave_out(struct members *members, size_t longer_than)
{
    for (size_t i = members->count; i > 0 && !fits(members); i--) {
        struct slice *item = &members->items[i - 1];
        if (item->len <= longer_than)
            continue;
        members->size -= item->len + 1;
        item->len = 0;
    }
}

size_t trace_state_join(const struct slice *lines, size_t count,
                        char text[TRACESTATE_MAX])
{
    struct members members = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        if (!read_line(&members, lines[i]))
            return 0;
    }
    leave_out(&members, MEMBER_LONG);
    leave_out(&members, 0);
    size_t len = 0;
    for (size_t i = 0; i < members.count; i++) {
        const struct slice *item = &members.items[i];
        if (item->len == 0)
            continue;
        if (len > 0)
            text[len++] = ',';
        memcpy(text + len, item->data, item->len);
        len += item->len;
    }
    return len;
}
