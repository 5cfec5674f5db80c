/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes undone, held against a JSON library. */
#include "base/json_string.h"

#include "base/json_text.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>

static void check(const char *raw, size_t len)
{
    cr_assert(json_text_is_valid(slice_make(raw, len)), "%s", raw);
    json_t *value = json_loadb(raw, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    cr_assert_not_null(value, "%s", raw);
    char *out = malloc(len); /* a sanitizer sees a byte too much */
    size_t written = json_string_decode(slice_make(raw, len), out);
    cr_expect_eq(written, json_string_length(value), "%s", raw);
    cr_expect_eq(memcmp(out, json_string_value(value), written), 0, "%s", raw);
    free(out);
    json_decref(value);
}

Test(json_string, every_kind_of_escape_is_undone)
{
    static const char *const strings[] = {
        "\"\"",
        "\"plain\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"a\\u0000b\"",
        "\"\\u007f\\u0080\\u07ff\\u0800\\uffff\\uFFFE\"",
        "\"\\ud800\\udc00\\uDBFF\\uDFFF\"",
        "\"\xc3\xbc\\u00fc\xf0\x9f\x98\x80\"",
        "\"\\\\u0041\"",
        "\"\\\\\\\\\"",
        "\"end\\n\"",
    };
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        check(strings[i], strlen(strings[i]));
}

Test(json_string, every_unit_is_decoded_as_the_library_does)
{
    for (unsigned code = 0; code < 0x10000; code += code < 0x900 ? 1 : 7) {
        char raw[32];
        if (code >= 0xd800 && code <= 0xdfff)
            snprintf(raw, sizeof raw, "\"\\u%04x\\u%04X\"", 0xd800 + (code & 0x3ff),
                     0xdc00 + (code * 3 & 0x3ff));
        else
            snprintf(raw, sizeof raw, "\"x\\u%04xy\"", code);
        check(raw, strlen(raw));
    }
}
