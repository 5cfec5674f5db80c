/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of run_text.h. Called by what a run draws. */
#include "run/run_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void run_text_count(uint64_t count, char text[RUN_TEXT_MAX])
{
    char digits[RUN_TEXT_MAX];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *to = text;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
}

void run_text_span(double ms, char text[RUN_TEXT_MAX])
{
    uint64_t seconds = (uint64_t)(ms / 1000 + 0.5);
    if (ms < 9950)
        snprintf(text, RUN_TEXT_MAX, "%.1fs", ms > 0 ? ms / 1000 : 0.0);
    else if (seconds < 60)
        snprintf(text, RUN_TEXT_MAX, "%" PRIu64 "s", seconds);
    else if (seconds < 3600)
        snprintf(text, RUN_TEXT_MAX, "%" PRIu64 ":%02" PRIu64, seconds / 60,
                 seconds % 60);
    else
        snprintf(text, RUN_TEXT_MAX, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
                 seconds / 3600, seconds / 60 % 60, seconds % 60);
}

void run_text_bytes(uint64_t bytes, char text[RUN_TEXT_MAX])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int unit = -1;
    while (value >= 1023.95 && unit < 3) {
        value /= 1024;
        unit++;
    }
    if (unit < 0)
        snprintf(text, RUN_TEXT_MAX, "%" PRIu64 " B", bytes);
    else
        snprintf(text, RUN_TEXT_MAX, "%.1f %s", value, units[unit]);
}

void run_text_ms(double ms, char text[RUN_TEXT_MAX])
{
    if (ms < 0)
        snprintf(text, RUN_TEXT_MAX, "-");
    else if (ms < 99.95)
        snprintf(text, RUN_TEXT_MAX, "%.1f ms", ms);
    else if (ms < 9999.5)
        snprintf(text, RUN_TEXT_MAX, "%.0f ms", ms);
    else
        snprintf(text, RUN_TEXT_MAX, "%.1f s", ms / 1000);
}

enum run_colour run_text_colour(enum call_code code, int status)
{
    if (code != CALL_OK || status >= 500)
        return COLOUR_BAD;
    return status >= 300 ? COLOUR_NOTE : COLOUR_GOOD;
}

void run_text_begin(struct buffer *out, enum run_colour colour, bool is_on)
{
    static const char *const sequences[] = {"", "\033[32m", "\033[33m", "\033[31m",
                                            "\033[2m"};
    if (is_on)
        buffer_append_text(out, sequences[colour]);
}

void run_text_end(struct buffer *out, enum run_colour colour, bool is_on)
{
    if (is_on && colour != COLOUR_NONE)
        buffer_append_text(out, "\033[0m");
}
