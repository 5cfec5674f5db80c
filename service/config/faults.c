/* SPDX-License-Identifier: Apache-2.0 */
/* The list of faults of one load. Formats and sorts; decides nothing. The ceiling keeps a
 * hostile file from making more text than it has itself. Called by the other files of
 * this folder, read by config_load. */
#include "config/faults.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENTENCE_MAX = 512 };

void faults_done(struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        free(faults->items[i].text);
    faults->count = 0;
    faults->error_count = 0;
    faults->left_out = 0;
}

/* Control characters (C1 too: some terminals obey them) and broken UTF-8 become '?'. */
static void make_harmless(char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        size_t len = utf8_sequence(text, left);
        unsigned char first = (unsigned char)text[0];
        unsigned char second = len > 1 ? (unsigned char)text[1] : 0;
        if (len == 0 || first < 0x20 || first == 0x7f ||
            (first == 0xc2 && second < 0xa0)) {
            len = len ? len : 1;
            memset(text, '?', len);
        }
        text += len;
        left -= len;
    }
}

static PRINTF_LIKE(4, 0) void add(struct faults *faults, const struct fault *fault,
                                  const char *key, const char *format, va_list arguments)
{
    if (!fault->is_warning)
        faults->error_count++;
    if (faults->count == FAULTS_MAX) {
        faults->left_out++;
        return;
    }
    char text[SENTENCE_MAX];
    int len = *key ? snprintf(text, sizeof text, "%s: ", key) : 0;
    if (len < 0 || (size_t)len >= sizeof text)
        len = 0;
    size_t at = (size_t)len;
    if (fault->is_warning)
        at += (size_t)snprintf(text + at, sizeof text - at, "warning: ");
    if (at < sizeof text)
        vsnprintf(text + at, sizeof text - at, format, arguments);
    make_harmless(text);
    faults->items[faults->count] = *fault;
    faults->items[faults->count].text = memory_copy_text(text);
    faults->count++;
}

void faults_add(struct faults *faults, struct place place, const char *key,
                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(faults, &(struct fault){.place = place}, key, format, arguments);
    va_end(arguments);
}

void faults_warn(struct faults *faults, struct place place, const char *key,
                 const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(faults, &(struct fault){.place = place, .is_warning = true}, key, format,
        arguments);
    va_end(arguments);
}

static bool is_before(const struct fault *a, const struct fault *b)
{
    if (a->place.line != b->place.line)
        return a->place.line < b->place.line;
    return a->place.column < b->place.column;
}

/* Insertion sort among neighbours of the same source: stable, and the list is short. */
static void sort(struct faults *faults)
{
    for (size_t i = 1; i < faults->count; i++) {
        struct fault moved = faults->items[i];
        size_t to = i;
        while (to > 0 &&
               strcmp(faults->items[to - 1].place.source, moved.place.source) == 0 &&
               is_before(&moved, &faults->items[to - 1])) {
            faults->items[to] = faults->items[to - 1];
            to--;
        }
        faults->items[to] = moved;
    }
}

void faults_write(struct faults *faults, struct buffer *out)
{
    sort(faults);
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->items[i];
        if (*fault->place.source)
            buffer_append_text(out, fault->place.source);
        if (fault->place.line)
            buffer_append_format(out, ":%zu:%zu", fault->place.line, fault->place.column);
        if (*fault->place.source)
            buffer_append_text(out, ": ");
        buffer_append_text(out, fault->text);
        buffer_append_byte(out, '\n');
    }
    if (faults->left_out)
        buffer_append_format(out, "and %zu more\n", faults->left_out);
}
