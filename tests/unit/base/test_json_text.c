/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_text.h's writers: what they write, a JSON library reads back equal. */
#include "base/json_text.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void assert_reads_back(struct slice text)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    json_text_append_string(&out, text);
    cr_assert(not(out.failed));
    cr_assert(json_text_is_valid(buffer_slice(&out)), "%.*s", (int)out.len, out.data);
    json_error_t error;
    json_t *value =
        json_loadb(out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    cr_assert(ne(ptr, value, NULL), "%s: %.*s", error.text, (int)out.len, out.data);
    cr_assert(eq(sz, json_string_length(value), text.len));
    cr_assert(eq(int, memcmp(json_string_value(value), text.data, text.len), 0));
    for (size_t i = 0; i < out.len; i++)
        cr_assert(ge(int, (unsigned char)out.data[i], 0x20), "no raw control byte");
    json_decref(value);
    buffer_done(&out);
}

Test(json_text, every_ascii_character_reads_back_at_every_place)
{
    char text[70];
    for (int byte = 0; byte < 128; byte++) {
        for (size_t at = 0; at < sizeof text; at++) {
            memset(text, 'x', sizeof text);
            text[at] = (char)byte;
            assert_reads_back(slice_make(text, sizeof text));
        }
    }
}

Test(json_text, random_mixes_of_all_kinds_read_back)
{
    static const char *const parts[] = {
        "\"",
        "\\",
        "\n",
        "\x01",
        "\x7f",
        "a",
        "0123456789abcdef",
        "\xc3\xa9",
        "\xe2\x80\xa8",
        "\xe2\x80\xa9",
        "\xe2\x80\x99",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "</script>",
        "\t\"\"\"",
    };
    enum { COUNT = sizeof parts / sizeof *parts };
    char text[4096];
    srand(1);
    for (int round = 0; round < 20000; round++) {
        size_t len = 0;
        for (int pieces = rand() % 60; pieces > 0; pieces--) {
            const char *part = parts[rand() % COUNT];
            memcpy(text + len, part, strlen(part));
            len += strlen(part);
        }
        /* Exactly sized, so that a read behind the end is seen. */
        char *exact = malloc(len ? len : 1);
        memcpy(exact, text, len);
        assert_reads_back(slice_make(exact, len));
        free(exact);
    }
}

Test(json_text, line_separators_and_delete_are_escaped)
{
    struct buffer out;
    buffer_init(&out, 1000);
    json_text_append_string(&out, slice_from("a\xe2\x80\xa8"
                                             "b\xe2\x80\xa9\x7f\xe2\x80\xaa"));
    cr_assert(
        eq(str, (char *)buffer_text(&out), "\"a\\u2028b\\u2029\\u007f\xe2\x80\xaa\""));
    buffer_done(&out);
}

Test(json_text, a_full_buffer_stays_as_it_was)
{
    struct buffer out;
    buffer_init(&out, 40);
    buffer_append_text(&out, "kept");
    json_text_append_string(&out, slice_from("0123456789012345678901234567890123456789"));
    cr_assert(out.failed);
    cr_assert(eq(sz, out.len, 4));
    buffer_done(&out);
}

Test(json_text, latin1_bytes_become_characters)
{
    struct buffer out;
    buffer_init(&out, 1000);
    json_text_append_latin1(&out, slice_make("a\x80\xff\x1b\"\r", 6));
    cr_assert(eq(str, (char *)buffer_text(&out), "\"a\xc2\x80\xc3\xbf\\u001b\\\"\\r\""));
    buffer_done(&out);
}

Test(json_text, base64_of_the_rfcs_vectors)
{
    static const char *const vectors[][2] = {
        {"", "\"\""},
        {"f", "\"Zg==\""},
        {"fo", "\"Zm8=\""},
        {"foo", "\"Zm9v\""},
        {"foob", "\"Zm9vYg==\""},
        {"fooba", "\"Zm9vYmE=\""},
        {"foobar", "\"Zm9vYmFy\""},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct buffer out;
        buffer_init(&out, 100);
        json_text_append_base64(&out, slice_from(vectors[i][0]));
        cr_assert(eq(str, (char *)buffer_text(&out), (char *)vectors[i][1]));
        buffer_done(&out);
    }
}

Test(json_text, base64_decodes_what_it_encoded)
{
    srand(3);
    char bytes[300];
    for (size_t len = 0; len < sizeof bytes; len++) {
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)rand();
        struct buffer encoded, decoded;
        buffer_init(&encoded, 1000);
        buffer_init(&decoded, 1000);
        json_text_append_base64(&encoded, slice_make(bytes, len));
        cr_assert(base64_decode(&decoded, slice_make(encoded.data + 1, encoded.len - 2)));
        cr_assert(eq(sz, decoded.len, len));
        cr_assert(eq(int, len ? memcmp(decoded.data, bytes, len) : 0, 0));
        buffer_done(&encoded);
        buffer_done(&decoded);
    }
}

Test(json_text, base64_refuses_what_is_none)
{
    static const char *const wrong[] = {"a",    "ab",       "abc",  "ab=",   "a===",
                                        "====", "ab==ab==", "ab c", "ab\nc", "-_-_",
                                        "Zh==", "Zm9=",     "Zg=a", "=abc"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct buffer out;
        buffer_init(&out, 100);
        buffer_append_text(&out, "x");
        cr_assert(not(base64_decode(&out, slice_from(wrong[i]))), "%s", wrong[i]);
        cr_assert(eq(sz, out.len, 1), "%s", wrong[i]);
        buffer_done(&out);
    }
}

/* Short texts are looked at in overlapping pieces: every length, with one byte that is
 * not plain at every place. */
Test(json_text, one_byte_to_escape_is_found_wherever_it_stands)
{
    static const struct {
        const char *bytes, *written;
    } odd[] = {
        {"\"", "\\\""},      {"\\", "\\\\"},       {"\n", "\\n"},
        {"\x1f", "\\u001f"}, {"\x7f", "\\u007f"},  {" ", " "},
        {"~", "~"},          {"\x80", "\xc2\x80"}, {"\xff", "\xc3\xbf"},
    };
    for (size_t len = 1; len <= 70; len++) {
        for (size_t at = 0; at < len; at++) {
            for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
                char *text = malloc(len); /* of its size: a byte read too much is seen */
                struct buffer out, expected;
                memset(text, 'x', len);
                text[at] = odd[i].bytes[0];
                buffer_init(&out, 1024);
                buffer_init(&expected, 1024);
                json_text_append_any(&out, slice_make(text, len));
                buffer_append_byte(&expected, '"');
                buffer_append(&expected, text, at);
                buffer_append_text(&expected, odd[i].written);
                buffer_append(&expected, text + at + 1, len - at - 1);
                buffer_append_byte(&expected, '"');
                cr_assert(slice_equal(buffer_slice(&out), buffer_slice(&expected)),
                          "length %zu, byte %zu", len, at);
                buffer_done(&out);
                buffer_done(&expected);
                free(text);
            }
        }
    }
}

Test(json_text, any_text_keeps_what_is_utf8)
{
    struct buffer out;
    buffer_init(&out, 1024);
    json_text_append_any(&out, slice_from("caf\xc3\xa9"));
    json_text_append_any(&out, slice_from("caf\xe9"));
    json_text_append_any(&out, slice_make(NULL, 0));
    cr_expect(slice_is(buffer_slice(&out), "\"caf\xc3\xa9\"\"caf\xc3\xa9\"\"\""));
    buffer_done(&out);
}
