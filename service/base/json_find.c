/* SPDX-License-Identifier: Apache-2.0 */
/* Steps over members and elements with json_text_skip, from the outside in. Called for
 * `select`, for references between items, and for the elements of forEach. */
#include "base/json_find.h"

#include "base/json_string.h"
#include "base/json_text.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

static struct slice trim(struct slice text)
{
    const char *end = text.data + text.len;
    const char *start = skip_space(text.data, end);
    while (end > start && skip_space(end - 1, end) == end)
        end--;
    return slice_make(start, (size_t)(end - start));
}

/* The value at *at, which moves behind it. */
static struct slice take_value(const char **at, const char *end)
{
    const char *start = skip_space(*at, end);
    const char *behind = json_text_skip(start, end);
    assert(behind);
    *at = skip_space(behind, end);
    return slice_make(start, (size_t)(behind - start));
}

/* Are the characters of the JSON string `raw` those of `name`? An escape is never shorter
 * than what it stands for. */
static bool is_name(struct slice raw, struct slice name)
{
    char few[256];
    if (!memchr(raw.data, '\\', raw.len))
        return slice_equal(slice_make(raw.data + 1, raw.len - 2), name);
    if (raw.len < name.len + 2 || raw.len - 2 > 6 * name.len)
        return false;
    char *room = raw.len <= sizeof few ? few : malloc(raw.len);
    bool is_same =
        room && slice_equal(slice_make(room, json_string_decode(raw, room)), name);
    if (room != few)
        free(room);
    return is_same;
}

static bool step_into_object(struct slice object, struct slice name,
                             struct slice *ret_value)
{
    const char *end = object.data + object.len;
    const char *at = skip_space(object.data + 1, end);
    bool is_found = false;
    while (*at != '}') {
        struct slice key = take_value(&at, end);
        at++; /* the colon */
        struct slice value = take_value(&at, end);
        if (is_name(key, name)) {
            *ret_value = value;
            is_found = true;
        }
        if (*at == ',')
            at = skip_space(at + 1, end);
    }
    return is_found;
}

bool json_array_next(struct slice array, const char **cursor, struct slice *ret_element)
{
    const char *end = array.data + array.len;
    if (!*cursor && (array.len == 0 || array.data[0] != '['))
        return false;
    const char *at = skip_space(*cursor ? *cursor : array.data + 1, end);
    if (*at == ',')
        at++;
    if (*at == ']')
        return false;
    *ret_element = take_value(&at, end);
    *cursor = at;
    return true;
}

static bool step_into_array(struct slice array, size_t index, struct slice *ret_value)
{
    const char *cursor = NULL;
    while (json_array_next(array, &cursor, ret_value)) {
        if (index-- == 0)
            return true;
    }
    return false;
}

bool json_find(struct slice text, const struct json_step *steps, size_t count,
               struct slice *ret_value)
{
    struct slice value = trim(text);
    for (size_t i = 0; i < count; i++) {
        bool is_found = false;
        if (value.data[0] == '{' && steps[i].name.data)
            is_found = step_into_object(value, steps[i].name, &value);
        else if (value.data[0] == '[' && steps[i].index != SIZE_MAX)
            is_found = step_into_array(value, steps[i].index, &value);
        if (!is_found)
            return false;
    }
    *ret_value = value;
    return true;
}

/* RFC 6901 4: digits without a leading zero. SIZE_MAX: no index. */
static size_t index_of(struct slice name)
{
    if (name.len < 1 || name.len > 9 || (name.data[0] == '0' && name.len > 1))
        return SIZE_MAX;
    size_t index = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] < '0' || name.data[i] > '9')
            return SIZE_MAX;
        index = index * 10 + (size_t)(name.data[i] - '0');
    }
    return index;
}

/* Between two slashes, ~0 and ~1 undone; NULL: another tilde. Returns where it ends. */
static char *unescape(struct slice token, char *to)
{
    for (size_t i = 0; i < token.len; i++) {
        char byte = token.data[i];
        if (byte == '~') {
            char which = ++i < token.len ? token.data[i] : '\0';
            if (which != '0' && which != '1')
                return NULL;
            byte = which == '0' ? '~' : '/';
        }
        *to++ = byte;
    }
    return to;
}

bool json_pointer_parse(struct slice text, char *room,
                        struct json_step steps[JSON_POINTER_STEPS_MAX], size_t *ret_count,
                        const char **ret_fault)
{
    size_t count = 0;
    size_t at = 0;
    while (at < text.len) {
        if (text.data[at++] != '/') {
            *ret_fault = "must be a JSON pointer (RFC 6901): \"\", or \"/\" and a name";
            return false;
        }
        if (count == JSON_POINTER_STEPS_MAX) {
            *ret_fault = "has more than 32 steps";
            return false;
        }
        const char *slash = memchr(text.data + at, '/', text.len - at);
        size_t len = slash ? (size_t)(slash - text.data) - at : text.len - at;
        char *end = unescape(slice_make(text.data + at, len), room);
        if (!end) {
            *ret_fault = "is no JSON pointer: behind ~ stands 0 or 1 (~0 is ~, ~1 is /)";
            return false;
        }
        struct slice name = slice_make(room, (size_t)(end - room));
        steps[count++] = (struct json_step){.name = name, .index = index_of(name)};
        room = end;
        at += len;
    }
    *ret_count = count;
    return true;
}
