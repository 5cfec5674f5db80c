/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": optimal string alignment distance (Damerau-Levenshtein without editing
 * a pair twice), on names folded to lower case with '-' and '_' left out. Pure, no
 * memory: names over the ceiling are simply never near. Called by the checks of
 * configuration and of requests. */
#include "base/nearest.h"

enum { NAME_MAX_LEN = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Writes the folded name to `to` (NAME_MAX_LEN bytes); returns its length, or 0 if it is
 * too long. */
static size_t fold(struct slice name, char *to)
{
    if (name.len > NAME_MAX_LEN)
        return 0;
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.data[i];
        if (byte == '_' || byte == '-')
            continue;
        to[len++] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
    }
    return len;
}

static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][NAME_MAX_LEN + 1] = {0};
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];
    for (size_t j = 0; j <= b_len; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t swap = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(swap, least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *reused = before;
        before = last;
        last = row;
        row = reused;
    }
    return last[b_len];
}

const char *nearest_name(struct slice wrong, const char *const *names, size_t count)
{
    char folded[NAME_MAX_LEN];
    size_t len = fold(wrong, folded);
    if (len == 0)
        return NULL;
    const char *nearest = NULL;
    size_t nearest_distance = NAME_MAX_LEN;
    for (size_t i = 0; i < count; i++) {
        char candidate[NAME_MAX_LEN];
        size_t candidate_len = fold(slice_from(names[i]), candidate);
        size_t longer = len > candidate_len ? len : candidate_len;
        size_t allowed = longer < 3 ? 1 : longer / 3;
        /* A name of one letter would be near to every other one. */
        if (candidate_len == 0 || allowed >= longer)
            allowed = 0;
        size_t edits = distance(folded, len, candidate, candidate_len);
        if (candidate_len && edits <= allowed && edits < nearest_distance) {
            nearest = names[i];
            nearest_distance = edits;
        }
    }
    return nearest;
}
