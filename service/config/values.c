/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars of the configuration, parsed by type and never by their looks: YAML's own
 * guesses (octal numbers, yes and no, sexagesimal 1:30) do not exist here. Pure: no file,
 * no environment, no memory. Called by assign.c, check.c and the fuzzer. */
#include "config/values.h"

#include "base/hex.h"
#include "base/nearest.h"

#include <inttypes.h>
#include <stdio.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit duration_units[] = {{"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit size_units[] = {
    {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}};

enum {
    DURATION_UNITS = sizeof duration_units / sizeof *duration_units,
    SIZE_UNITS = sizeof size_units / sizeof *size_units,
    QUOTED_MAX = 60, /* bytes of a wrong value worth repeating */
    CHOICES_MAX = 16,
};

/* How much of a wrong value is repeated in a sentence. */
static int shown(struct slice text)
{
    return (int)(text.len < QUOTED_MAX ? text.len : QUOTED_MAX);
}

static size_t count_digits(struct slice text)
{
    size_t count = 0;
    while (count < text.len && text.data[count] >= '0' && text.data[count] <= '9')
        count++;
    return count;
}

/* `digits` are digits. False if they do not fit. */
static bool read_digits(struct slice digits, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(digits.data[i] - '0'), &value))
            return false;
    }
    *ret_value = value;
    return true;
}

bool values_parse_number(struct slice text, uint64_t *ret_value, struct error *err)
{
    if (text.len == 0 || count_digits(text) != text.len)
        return error_set(err, ERROR_INVALID, "\"%.*s\" is not a whole number",
                         shown(text), text.data);
    if (text.len > 1 && text.data[0] == '0')
        return error_set(err, ERROR_INVALID,
                         "\"%.*s\" begins with a zero: write it without", shown(text),
                         text.data);
    if (!read_digits(text, ret_value))
        return error_set(err, ERROR_INVALID, "\"%.*s\" is too large", shown(text),
                         text.data);
    return true;
}

static const struct unit *find_unit(const struct unit *units, size_t count,
                                    struct slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_is(name, units[i].name))
            return &units[i];
    }
    return NULL;
}

/* A number and its unit. */
static bool parse_measure(struct slice text, const struct unit *units, size_t count,
                          uint64_t *ret_value, struct error *err)
{
    size_t digits = count_digits(text);
    const struct unit *unit =
        find_unit(units, count, slice_make(text.data + digits, text.len - digits));
    const char *kind = units == duration_units ? "duration" : "size";
    if (digits == 0 || (!unit && digits < text.len))
        return error_set(err, ERROR_INVALID, "\"%.*s\" is not a %s: write %s",
                         shown(text), text.data, kind,
                         units == duration_units
                             ? "a whole number with ms, s or m, like 250ms"
                             : "a whole number with B, KiB, MiB or GiB, "
                               "like 64KiB");
    if (!unit)
        return error_set(err, ERROR_INVALID, "\"%.*s\" has no unit: put %s behind it",
                         shown(text), text.data,
                         units == duration_units ? "ms, s or m" : "B, KiB, MiB or GiB");
    if (digits > 1 && text.data[0] == '0')
        return error_set(err, ERROR_INVALID,
                         "\"%.*s\" begins with a zero: write it without", shown(text),
                         text.data);
    uint64_t value;
    if (!read_digits(slice_make(text.data, digits), &value) ||
        __builtin_mul_overflow(value, unit->factor, &value))
        return error_set(err, ERROR_INVALID, "\"%.*s\" is too large", shown(text),
                         text.data);
    *ret_value = value;
    return true;
}

bool values_parse_duration(struct slice text, uint64_t *ret_ms, struct error *err)
{
    return parse_measure(text, duration_units, DURATION_UNITS, ret_ms, err);
}

bool values_parse_size(struct slice text, uint64_t *ret_bytes, struct error *err)
{
    return parse_measure(text, size_units, SIZE_UNITS, ret_bytes, err);
}

bool values_parse_ratio(struct slice text, uint64_t *ret_millionths, struct error *err)
{
    enum { MILLION = 1000000, LONGEST = 8 };
    bool is_whole = slice_is(text, "0") || slice_is(text, "1");
    bool is_part =
        text.len > 2 && text.len <= LONGEST && text.data[0] == '0' && text.data[1] == '.';
    uint64_t value = slice_is(text, "1") ? MILLION : 0;
    uint64_t unit = MILLION / 10;
    for (size_t i = 2; is_part && i < text.len; i++, unit /= 10) {
        is_part = text.data[i] >= '0' && text.data[i] <= '9';
        value += (uint64_t)(text.data[i] - '0') * unit;
    }
    if (!is_whole && !is_part)
        return error_set(err, ERROR_INVALID,
                         "\"%.*s\" is not a share: write a number from 0 to 1, as 0.25, "
                         "with six digits at most",
                         shown(text), text.data);
    *ret_millionths = value;
    return true;
}

bool values_parse_switch(struct slice text, bool *ret_value, struct error *err)
{
    static const char *const yes[] = {"true", "yes", "1", "y"};
    static const char *const no[] = {"false", "no", "0", "n"};
    if (slice_is(text, "on") || slice_is(text, "off")) {
        *ret_value = slice_is(text, "on");
        return true;
    }
    for (size_t i = 0; i < 4; i++) {
        bool is_yes = slice_is_ignoring_case(text, yes[i]);
        if (is_yes || slice_is_ignoring_case(text, no[i]))
            return error_set(err, ERROR_INVALID,
                             "\"%.*s\" is neither on nor off: write %s", shown(text),
                             text.data, is_yes ? "on" : "off");
    }
    return error_set(err, ERROR_INVALID, "\"%.*s\" is neither on nor off", shown(text),
                     text.data);
}

bool values_next_word(const char **words, struct slice *ret_word)
{
    size_t len = strcspn(*words, " ");
    if (len == 0)
        return false;
    *ret_word = slice_make(*words, len);
    *words += len + ((*words)[len] == ' ');
    return true;
}

/* "json, text", and what of them a misspelt one may have meant. */
static bool refuse_choice(struct slice text, const char *choices, struct error *err)
{
    char names[CHOICES_MAX][32];
    const char *pointers[CHOICES_MAX];
    char list[CHOICES_MAX * 34] = "";
    size_t count = 0;
    struct slice word;
    while (count < CHOICES_MAX && values_next_word(&choices, &word)) {
        snprintf(names[count], sizeof names[count], "%.*s", (int)word.len, word.data);
        size_t len = strlen(list);
        snprintf(list + len, sizeof list - len, "%s%s", count ? ", " : "", names[count]);
        pointers[count] = names[count];
        count++;
    }
    const char *near = nearest_name(text, pointers, count);
    return error_set(err, ERROR_INVALID, "\"%.*s\" is not one of %s%s%s%s", shown(text),
                     text.data, list, near ? " (did you mean " : "", near ? near : "",
                     near ? "?)" : "");
}

bool values_parse_choice(struct slice text, const char *choices, uint64_t *ret_index,
                         struct error *err)
{
    const char *rest = choices;
    struct slice word;
    for (uint64_t i = 0; values_next_word(&rest, &word); i++) {
        if (slice_equal(word, text)) {
            *ret_index = i;
            return true;
        }
    }
    return refuse_choice(text, choices, err);
}

bool values_parse_sha256(struct slice text, unsigned char *ret_bytes, struct error *err)
{
    unsigned char bytes[32];
    if (text.len != 2 * sizeof bytes)
        return error_set(err, ERROR_INVALID,
                         "a SHA-256 has 64 hex digits, this has %zu characters",
                         text.len);
    for (size_t i = 0; i < sizeof bytes; i++) {
        int high = hex_digit(text.data[2 * i]);
        int low = hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return error_set(err, ERROR_INVALID,
                             "a SHA-256 has 64 hex digits, character %zu is none",
                             2 * i + (high < 0 ? 1 : 2));
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    memcpy(ret_bytes, bytes, sizeof bytes);
    return true;
}

static void format_measure(uint64_t value, const struct unit *units, size_t count,
                           char *text)
{
    size_t i = 0;
    while (i + 1 < count && (value % units[i].factor != 0 || value == 0))
        i++;
    snprintf(text, VALUES_TEXT_MAX, "%" PRIu64 "%s", value / units[i].factor,
             units[i].name);
}

void values_format_duration(uint64_t ms, char text[VALUES_TEXT_MAX])
{
    if (ms == 0)
        snprintf(text, VALUES_TEXT_MAX, "0s");
    else
        format_measure(ms, duration_units, DURATION_UNITS, text);
}

void values_format_size(uint64_t bytes, char text[VALUES_TEXT_MAX])
{
    format_measure(bytes, size_units, SIZE_UNITS, text);
}
