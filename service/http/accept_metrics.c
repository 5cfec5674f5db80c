/* SPDX-License-Identifier: Apache-2.0 */
/* Reads as much of Accept as Prometheus writes: media types and their q, in thousandths;
 * other parameters, as versions, are not looked at. Called by the handler of /metrics. */
#include "http/accept_metrics.h"

enum { QUALITY_FULL = 1000 };

/* Cuts what stands before `stop` off and trims it. */
static struct slice cut(struct slice *rest, char stop)
{
    const char *end = rest->len ? memchr(rest->data, stop, rest->len) : NULL;
    struct slice part = *rest;
    if (end)
        part.len = (size_t)(end - rest->data);
    size_t skip = part.len + (end != NULL);
    *rest = slice_make(rest->data + skip, rest->len - skip);
    while (part.len && (part.data[0] == ' ' || part.data[0] == '\t'))
        part = slice_make(part.data + 1, part.len - 1);
    while (part.len &&
           (part.data[part.len - 1] == ' ' || part.data[part.len - 1] == '\t'))
        part.len--;
    return part;
}

/* "0.75" is 750; what is no number is 0. */
static int quality_of(struct slice text)
{
    int quality = 0, unit = QUALITY_FULL;
    for (size_t i = 0; i < text.len && unit > 0; i++) {
        if (text.data[i] == '.' && i == 1)
            continue;
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        quality += (text.data[i] - '0') * unit;
        unit /= 10;
    }
    return quality < QUALITY_FULL ? quality : QUALITY_FULL;
}

static void note_range(struct slice range, int *open, int *text)
{
    struct slice type = cut(&range, ';');
    int quality = QUALITY_FULL;
    while (range.len) {
        struct slice value = cut(&range, ';');
        struct slice name = cut(&value, '=');
        if (slice_is_ignoring_case(name, "q"))
            quality = quality_of(cut(&value, ';'));
    }
    int *best = slice_is_ignoring_case(type, "application/openmetrics-text") ? open
                : slice_is_ignoring_case(type, "text/plain")                 ? text
                                                                             : NULL;
    if (best && quality > *best)
        *best = quality;
}

bool accept_metrics_is_open(const struct slice *lines, size_t count)
{
    int open = 0, text = 0;
    for (size_t i = 0; i < count; i++) {
        struct slice rest = lines[i];
        while (rest.len)
            note_range(cut(&rest, ','), &open, &text);
    }
    return open > 0 && open >= text;
}
