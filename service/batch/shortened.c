/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves the bodies out of what the JSON library reads: it takes 30 ns for a byte of a
 * string and 15 for a blank, so a body of 4 MiB would stop a worker for a tenth of a
 * second. Called by body_spans; the parser asks for places when it reports errors. */
#include "batch/shortened.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void shortened_init(struct shortened *shortened, struct slice text)
{
    *shortened = (struct shortened){.text = text};
    buffer_init(&shortened->shorter, text.len);
}

void shortened_done(struct shortened *shortened)
{
    buffer_done(&shortened->shorter);
    free(shortened->cuts);
    shortened_init(shortened, slice_make(NULL, 0));
}

static bool add_cut(struct shortened *shortened, size_t removed)
{
    if (shortened->count == shortened->capacity) {
        size_t capacity = shortened->capacity ? shortened->capacity * 2 : 16;
        struct shortened_cut *cuts = realloc(shortened->cuts, capacity * sizeof *cuts);
        if (!cuts)
            return false;
        shortened->cuts = cuts;
        shortened->capacity = capacity;
    }
    size_t before = shortened->count ? shortened->cuts[shortened->count - 1].removed : 0;
    shortened->cuts[shortened->count++] = (struct shortened_cut){
        .at = shortened->shorter.len,
        .removed = before + removed,
    };
    return true;
}

/* Copies the original up to `until`. */
static bool copy(struct shortened *shortened, size_t until)
{
    size_t from = shortened->copied;
    shortened->copied = until;
    return buffer_append(&shortened->shorter, shortened->text.data + from, until - from);
}

bool shortened_replace(struct shortened *shortened, struct slice part,
                       const char *stand_in)
{
    size_t begin = (size_t)(part.data - shortened->text.data);
    size_t len = strlen(stand_in);
    assert(begin >= shortened->copied && len <= part.len);
    if (!copy(shortened, begin) || !buffer_append(&shortened->shorter, stand_in, len))
        return false;
    shortened->copied = begin + part.len;
    return add_cut(shortened, part.len - len);
}

bool shortened_finish(struct shortened *shortened, struct slice *ret_text)
{
    if (shortened->copied == 0) {
        *ret_text = shortened->text;
        return true;
    }
    bool is_copied = copy(shortened, shortened->text.len);
    *ret_text = buffer_slice(&shortened->shorter);
    return is_copied;
}

size_t shortened_original(const struct shortened *shortened, size_t offset)
{
    /* Cuts before `low` end at or before the offset, those from `high` on behind it. */
    size_t low = 0;
    size_t high = shortened->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (shortened->cuts[middle].at <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return offset + (low > 0 ? shortened->cuts[low - 1].removed : 0);
}
