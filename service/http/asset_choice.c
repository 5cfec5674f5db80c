/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the two lists. What is malformed counts as not there: the whole file, uncoded, is
 * right for everybody. Called by handle_console.c. */
#include "http/asset_choice.h"

static struct slice trim(struct slice text)
{
    while (text.len && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = slice_make(text.data + 1, text.len - 1);
    while (text.len &&
           (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* Cuts what stands before the first `mark` off `rest`, and the mark. */
static struct slice cut(struct slice *rest, char mark)
{
    const char *end = rest->len ? memchr(rest->data, mark, rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    struct slice part = slice_make(rest->data, len);
    size_t skip = len + (end != NULL);
    *rest = slice_make(rest->data + skip, rest->len - skip);
    return trim(part);
}

/* "q=0", "q=0.000" */
static bool is_refusal(struct slice weight)
{
    if (weight.len < 3 || strncasecmp(weight.data, "q=0", 3) != 0)
        return false;
    for (size_t i = 3; i < weight.len; i++) {
        if (weight.data[i] != '.' && weight.data[i] != '0')
            return false;
    }
    return true;
}

bool asset_choice_gzip(struct slice value)
{
    while (value.len) {
        struct slice entry = cut(&value, ',');
        struct slice name = cut(&entry, ';');
        if (slice_is_ignoring_case(name, "gzip") ||
            slice_is_ignoring_case(name, "x-gzip"))
            return !is_refusal(trim(entry));
    }
    return false;
}

/* Tags of ours hold no comma. */
bool asset_choice_is_known(struct slice value, struct slice etag)
{
    while (value.len) {
        struct slice entry = cut(&value, ',');
        if (entry.len > 2 && entry.data[0] == 'W' && entry.data[1] == '/')
            entry = slice_make(entry.data + 2, entry.len - 2);
        if (slice_is(entry, "*") || slice_equal(entry, etag))
            return true;
    }
    return false;
}
