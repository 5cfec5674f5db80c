/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines → one JSON object without a name twice. Lines of one name are chained
 * first: by comparing all with all for the usual dozen, by sorting for more, because an
 * upstream may send ten thousand. Called by render_response. */
#include "batch/render_headers.h"

#include "base/json_text.h"
#include "base/memory.h"

#include <stdlib.h>

enum { FEW_LINES = 32 };

struct link {
    size_t next; /* the next line of the same name; 0: none, as line 0 follows none */
    bool is_repeat;
};

struct sorted {
    struct slice name;
    size_t index;
};

static void link_few(const struct call_header *headers, size_t count, struct link *links)
{
    for (size_t i = 0; i < count; i++) {
        if (links[i].is_repeat)
            continue;
        size_t last = i;
        for (size_t j = i + 1; j < count; j++) {
            if (!slice_equal(headers[i].name, headers[j].name))
                continue;
            links[last].next = j;
            links[j].is_repeat = true;
            last = j;
        }
    }
}

static int compare(const void *left, const void *right)
{
    const struct sorted *a = left;
    const struct sorted *b = right;
    if (a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    int order = a->name.len ? memcmp(a->name.data, b->name.data, a->name.len) : 0;
    if (order != 0)
        return order;
    return a->index < b->index ? -1 : a->index > b->index;
}

static bool link_many(const struct call_header *headers, size_t count, struct link *links)
{
    struct sorted *sorted = memory_try_array(count, sizeof *sorted);
    if (!sorted)
        return false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct sorted){.name = headers[i].name, .index = i};
    qsort(sorted, count, sizeof *sorted, compare);
    for (size_t i = 1; i < count; i++) {
        if (!slice_equal(sorted[i - 1].name, sorted[i].name))
            continue;
        links[sorted[i - 1].index].next = sorted[i].index;
        links[sorted[i].index].is_repeat = true;
    }
    free(sorted);
    return true;
}

static void append_values(struct buffer *out, const struct call_header *headers,
                          const struct link *links, size_t first)
{
    if (!links[first].next) {
        json_text_append_any(out, headers[first].value);
        return;
    }
    char separator = '[';
    for (size_t i = first; i || separator == '['; i = links[i].next) {
        buffer_append_byte(out, separator);
        json_text_append_any(out, headers[i].value);
        separator = ',';
    }
    buffer_append_byte(out, ']');
}

static void append_object(struct buffer *out, const struct call_header *headers,
                          size_t count, const struct link *links)
{
    buffer_append_text(out, ",\"headers\":{");
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        if (links[i].is_repeat)
            continue;
        if (!is_first)
            buffer_append_byte(out, ',');
        is_first = false;
        json_text_append_any(out, headers[i].name);
        buffer_append_byte(out, ':');
        append_values(out, headers, links, i);
    }
    buffer_append_byte(out, '}');
}

void render_headers(struct buffer *out, const struct call_header *headers, size_t count)
{
    if (count <= FEW_LINES) {
        struct link links[FEW_LINES] = {{.next = 0}};
        link_few(headers, count, links);
        append_object(out, headers, count, links);
        return;
    }
    struct link *links = memory_try_array(count, sizeof *links);
    if (links && link_many(headers, count, links))
        append_object(out, headers, count, links);
    else
        out->failed = true;
    free(links);
}
