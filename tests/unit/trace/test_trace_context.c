/* SPDX-License-Identifier: Apache-2.0 */
/* trace/trace_context.h: the grammar of both headers, every byte of a traceparent changed
 * to every other, and what of a long tracestate is left out. */
#include "trace/trace_context.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

/* From memory of exactly its size, so that a sanitizer sees a byte read too much. */
static char *exact(const char *text, size_t len)
{
    char *copy = malloc(len ? len : 1);
    if (len)
        memcpy(copy, text, len);
    return copy;
}

static bool parse(const char *text, struct trace_context *ret_context)
{
    char *copy = exact(text, strlen(text));
    bool is_read = trace_context_parse(slice_make(copy, strlen(text)), ret_context);
    free(copy);
    return is_read;
}

static bool is_taken(const char *text)
{
    struct trace_context context;
    return parse(text, &context);
}

Test(traceparent, the_example_of_the_standard_is_read_and_written_back)
{
    struct trace_context context;
    char text[TRACEPARENT_LEN];
    cr_assert(parse(GOOD, &context));
    cr_expect(memcmp(context.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736", 32) == 0);
    cr_expect(memcmp(context.span_id, "00f067aa0ba902b7", 16) == 0);
    cr_expect(context.is_sampled);
    trace_context_write(&context, text);
    cr_expect(memcmp(text, GOOD, sizeof text) == 0);
}

Test(traceparent, each_flag_is_read_and_only_sampled_is_passed_on)
{
    char text[] = GOOD;
    for (unsigned flags = 0; flags < 256; flags++) {
        struct trace_context context;
        char written[TRACEPARENT_LEN];
        snprintf(text + 53, 3, "%02x", flags);
        cr_assert(parse(text, &context), "%s", text);
        cr_expect(context.is_sampled == (flags & 1));
        trace_context_write(&context, written);
        cr_expect(written[53] == '0' && written[54] == (flags & 1 ? '1' : '0'));
    }
}

/* Which bytes may stand at a place of a traceparent of version 00 without changing what
 * it is: hex digits for hex digits; of the version only 0. */
static bool may_stand(size_t at, unsigned char byte)
{
    if (at == 2 || at == 35 || at == 52)
        return byte == '-';
    bool is_digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
    return is_digit;
}

Test(traceparent, every_byte_changed_to_every_other_is_taken_only_where_it_may_stand)
{
    for (size_t at = 0; at < TRACEPARENT_LEN; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[] = GOOD;
            struct trace_context context;
            text[at] = (char)byte;
            char *copy = exact(text, TRACEPARENT_LEN);
            bool is_read =
                trace_context_parse(slice_make(copy, TRACEPARENT_LEN), &context);
            cr_assert(is_read == may_stand(at, (unsigned char)byte), "byte %u at %zu",
                      byte, at);
            free(copy);
        }
    }
}

Test(traceparent, a_version_is_any_but_ff_and_an_unknown_one_may_go_on_behind_a_hyphen)
{
    static const struct {
        const char *text;
        bool is_taken;
    } cases[] = {
        {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", false},
        {"fe-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
        {"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-else", true},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-", true},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what", false},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011", false},
        {GOOD "-what", false},
        {GOOD "-", false},
        {GOOD " 1", false},
        {GOOD "1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(is_taken(cases[i].text) == cases[i].is_taken, "%s", cases[i].text);
}

Test(traceparent, what_is_too_short_all_zero_or_in_capitals_is_none)
{
    static const char *const cases[] = {
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b70-01",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(!is_taken(cases[i]), "%s", cases[i]);
}

Test(traceparent, blanks_around_it_are_ignored)
{
    cr_expect(is_taken(" \t" GOOD "\t "));
    cr_expect(!is_taken(" \t "));
}

/* ---------------------------------------------------------------------- tracestate */

static const char *join(size_t count, const char *const *lines)
{
    static char text[TRACESTATE_MAX + 1];
    struct slice slices[40] = {{0}};
    char *copies[40];
    for (size_t i = 0; i < count; i++) {
        copies[i] = exact(lines[i], strlen(lines[i]));
        slices[i] = slice_make(copies[i], strlen(lines[i]));
    }
    char *room = malloc(TRACESTATE_MAX);
    size_t len = trace_state_join(slices, count, room);
    memcpy(text, room, len);
    text[len] = '\0';
    free(room);
    for (size_t i = 0; i < count; i++)
        free(copies[i]);
    return text;
}

static const char *join_one(const char *line)
{
    return join(1, &line);
}

static void expect_same(const char *line)
{
    cr_expect(strcmp(join_one(line), line) == 0, "%s became %s", line, join_one(line));
}

static void expect_none(const char *line)
{
    cr_expect(strcmp(join_one(line), "") == 0, "%s became %s", line, join_one(line));
}

Test(tracestate, what_the_standard_allows_is_passed_on)
{
    expect_same("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
    expect_same("a=1");
    expect_same("foo=1,foo=2"); /* two of a name: not ours to choose from */
    expect_same("t-1*/_@vendor=x");
    expect_same("1t@v=x");
    expect_same("a= b");
    expect_same("a=!\"#$%&'()*+-./09:;<>?@AZ[\\]^_`az{|}~");
}

Test(tracestate, what_it_does_not_allow_makes_the_whole_list_go)
{
    static const char *const cases[] = {
        "a",          "a=",         "=1",      "A=1",      "1a=1",
        "a=1,b",      "foo =1",     "a=b=c",   "a=\t1",    "a@=1",
        "@a=1",       "a@1v=1",     "a@v@w=1", "a;b=1",    "a=\x7f",
        "a=\xc3\xa4", "\xc3\xa4=1", "a.b=1",   "a@vv.v=1", "a=1;b=2\x01",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_none(cases[i]);
}

Test(tracestate, lines_are_joined_and_empty_members_and_blanks_left_out)
{
    static const char *const lines[] = {"a=1, b=2 ,", "", " ,,\tc=3", ",d=4 x"};
    cr_expect(strcmp(join(4, lines), "a=1,b=2,c=3,d=4 x") == 0, "%s", join(4, lines));
    static const char *const broken[] = {"a=1", "b"};
    cr_expect(strcmp(join(2, broken), "") == 0);
    cr_expect(strcmp(join(0, NULL), "") == 0);
}

Test(tracestate, of_more_than_32_members_none_is_passed_on)
{
    char line[512] = "";
    for (int i = 0; i < 32; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), "%sk%d=v", i ? "," : "",
                 i);
    expect_same(line);
    snprintf(line + strlen(line), sizeof line - strlen(line), ",more=v");
    expect_none(line);
}

static void put(char *line, size_t size, const char *key, size_t value_len)
{
    size_t len = strlen(line);
    len += (size_t)snprintf(line + len, size - len, "%s%s=", len ? "," : "", key);
    memset(line + len, 'v', value_len);
    line[len + value_len] = '\0';
}

Test(tracestate, keys_and_values_have_the_lengths_of_the_standard)
{
    char line[1024] = "", key[300];
    put(line, sizeof line, "a", 256);
    expect_same(line);
    line[0] = '\0';
    put(line, sizeof line, "a", 257);
    expect_none(line);
    memset(key, 'k', sizeof key);
    key[256] = '\0';
    line[0] = '\0';
    put(line, sizeof line, key, 1);
    expect_same(line);
    key[256] = 'k';
    key[257] = '\0';
    line[0] = '\0';
    put(line, sizeof line, key, 1);
    expect_none(line);
    memcpy(key + 241, "@vvvvvvvvvvvvvv", 16); /* 241 + 14 */
    line[0] = '\0';
    put(line, sizeof line, key, 1);
    expect_same(line);
    memcpy(key + 241, "@vvvvvvvvvvvvvvv", 17);
    line[0] = '\0';
    put(line, sizeof line, key, 1);
    expect_none(line);
}

Test(tracestate, of_more_than_512_bytes_the_long_members_go_first_then_the_last_ones)
{
    char line[2048] = "", expected[2048] = "";
    put(line, sizeof line, "a", 200); /* longer than 128: goes, but after c */
    put(line, sizeof line, "b", 100);
    put(line, sizeof line, "c", 200);
    put(line, sizeof line, "d", 100);
    put(expected, sizeof expected, "a", 200);
    put(expected, sizeof expected, "b", 100);
    put(expected, sizeof expected, "d", 100);
    cr_expect(strcmp(join_one(line), expected) == 0, "%s", join_one(line));
    line[0] = expected[0] = '\0';
    for (char key[] = "a"; key[0] <= 'f'; key[0]++) {
        put(line, sizeof line, key, 100); /* 102 and a comma each: five are 514 */
        if (key[0] <= 'd')
            put(expected, sizeof expected, key, 100);
    }
    cr_expect(strcmp(join_one(line), expected) == 0, "%s", join_one(line));
    line[0] = '\0';
    put(line, sizeof line, "a", 253);
    put(line, sizeof line, "b", 254); /* 255 + 1 + 256 = 512 */
    expect_same(line);
}
