/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_text.h's scanner, against the grammar by hand and against jansson. */
#include "base/json_text.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const good[] = {
    "0",
    "-0",
    "1",
    "-1.5e+10",
    "1E5",
    "1e-5",
    "10.25",
    "123456789012345678901234567890",
    "1e400",
    "true",
    "false",
    "null",
    "\"\"",
    "\"a\"",
    "\"\\n\\u0041\\/\"",
    "\"\\ud83d\\ude00\"",
    "\"\xc3\xa9\xe2\x82\xac\"",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "[1,2, 3 ]",
    "{\"a\":1}",
    "{ \"a\" : [ 1 , { \"b\" : null } ] , \"a\" : 2 }",
    " \n\t\r [ ] \n",
    "\"\\u0000\"",
    "[\"0123456789abcdef0123456789abcdef\\\"\"]",
};

static const char *const bad[] = {
    "",
    " ",
    "+1",
    "01",
    "-",
    "1.",
    ".5",
    "1e",
    "1e+",
    "0x1",
    "NaN",
    "Infinity",
    "tru",
    "nul",
    "True",
    "\"",
    "\"a",
    "\"\\",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\ud800\"",
    "\"\\ud800\\u0041\"",
    "\"\\udc00\"",
    "\"\n\"",
    "\"\x01\"",
    "\"\xff\"",
    "\"\xed\xa0\x80\"",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{",
    "}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "{1:1}",
    "{\"a\" 1}",
    "[}",
    "{]",
    "[1]]",
    "{}{}",
    "1 2",
    "\xef\xbb\xbf[]",
    "[1]x",
    "'a'",
    "// c",
    "[1]//",
    "\"a\"b",
};

static bool valid(const char *text)
{
    return json_text_is_valid(slice_from(text));
}

Test(json_scan, takes_what_the_grammar_takes)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert(valid(good[i]), "%s", good[i]);
}

Test(json_scan, refuses_what_the_grammar_refuses)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert(not(valid(bad[i])), "%s", bad[i]);
    cr_assert(not(json_text_is_valid(slice_make(NULL, 0))), "nothing at all");
    cr_assert(not(json_text_is_valid(slice_make("[1]\0", 4))), "a NUL behind");
    cr_assert(not(json_text_is_valid(slice_make("\"a\0\"", 4))), "a NUL inside");
}

Test(json_scan, skip_stops_behind_the_value)
{
    const char text[] = "  {\"a\":[1,2]}  ,next";
    const char *end = json_text_skip(text, text + strlen(text));
    cr_assert(ne(ptr, (void *)end, NULL));
    cr_assert(eq(str, (char *)end, "  ,next"));
}

Test(json_scan, depth_is_bounded_and_costs_nothing)
{
    size_t depth = 1000000;
    char *text = malloc(2 * depth);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    cr_assert(not(json_text_is_valid(slice_make(text, 2 * depth))));
    cr_assert(json_text_is_valid(
        slice_make(text + depth - JSON_TEXT_DEPTH_MAX, 2 * JSON_TEXT_DEPTH_MAX)));
    cr_assert(not(json_text_is_valid(slice_make(text + depth - JSON_TEXT_DEPTH_MAX - 1,
                                                2 * JSON_TEXT_DEPTH_MAX + 2))));
    free(text);
}

/* The scanner and jansson take the same, but for numbers too large for jansson. */
Test(json_scan, agrees_with_jansson_on_mutated_documents)
{
    static const char seed[] =
        "{\"a\":[1,-2.5e3,true,null,\"x\\u00e9\\n\"],\"b\":{\"c\":\"\xc3\xa9\"}}";
    static const char alphabet[] = "{}[]\",:\\u0019ae.+-tn \x80\xc3\x01";
    char text[sizeof seed];
    size_t len = sizeof seed - 1;
    size_t taken = 0;
    srand(42);
    for (int round = 0; round < 200000; round++) {
        memcpy(text, seed, sizeof seed);
        for (int edits = 1 + rand() % 3; edits > 0; edits--)
            text[(size_t)rand() % len] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
        json_error_t error;
        json_t *parsed = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        bool ours = json_text_is_valid(slice_make(text, len));
        bool numeric = !parsed && json_error_code(&error) == json_error_numeric_overflow;
        if (!numeric) /* jansson stops there, and says nothing of what follows */
            cr_assert(eq(int, ours, parsed != NULL), "%.*s", (int)len, text);
        taken += ours;
        json_decref(parsed);
    }
    cr_assert(gt(sz, taken, 1000),
              "some mutants must stay valid or nothing was compared");
}
