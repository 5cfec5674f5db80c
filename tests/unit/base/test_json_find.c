/* SPDX-License-Identifier: Apache-2.0 */
/* Values inside JSON text, held against a JSON library that builds the tree. */
#include "base/json_find.h"

#include "base/json_text.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char document[] =
    " {\"a\": {\"b\": [10, [], {\"c\": \"d\"}]}, \"\": 1, \"a/b\": 2, \"m~n\": 3,"
    " \"0\": 4, \"01\": 5, \"-\": 6, \"k\\u00e9y\": 7, \"q\\\"\": 8,"
    " \"twice\": 1, \"twice\": {\"x\": 2}, \"big\": 123456789012345678901234567890,"
    " \"e\": {}, \"\\ud83d\\ude00\": 9 } \n";

static const struct {
    const char *pointer;
    const char *value; /* NULL: nothing there */
} rows[] = {
    {"/a/b/0", "10"},
    {"/a/b/1", "[]"},
    {"/a/b/2/c", "\"d\""},
    {"/a/b/2", "{\"c\": \"d\"}"},
    {"/a/b/3", NULL},
    {"/a/b/-", NULL},
    {"/a/b/01", NULL},
    {"/a/b/c", NULL},
    {"/a/b/0/x", NULL},
    {"/a/b/1/0", NULL},
    {"/", "1"},
    {"/a~1b", "2"},
    {"/m~0n", "3"},
    {"/0", "4"},
    {"/01", "5"},
    {"/-", "6"},
    {"/k\xc3\xa9y", "7"},
    {"/q\"", "8"},
    {"/q", NULL},
    {"/twice/x", "2"},
    {"/big", "123456789012345678901234567890"},
    {"/e/x", NULL},
    {"/\xf0\x9f\x98\x80", "9"},
    {"/none", NULL},
    {"/a/b/9999999999", NULL},
};

static bool find(const char *text, const char *pointer, struct slice *ret_value)
{
    static char room[8192];
    struct json_step steps[JSON_POINTER_STEPS_MAX];
    size_t count;
    const char *fault;
    cr_assert(json_pointer_parse(slice_from(pointer), room, steps, &count, &fault), "%s",
              pointer);
    cr_assert(json_text_is_valid(slice_from(text)));
    return json_find(slice_from(text), steps, count, ret_value);
}

Test(json_find, a_pointer_finds_the_raw_text_of_its_value_or_nothing)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice value = slice_make(NULL, 0);
        bool is_found = find(document, rows[i].pointer, &value);
        cr_expect_eq(is_found, rows[i].value != NULL, "%s", rows[i].pointer);
        if (is_found && rows[i].value)
            cr_expect(slice_is(value, rows[i].value), "%s: %.*s", rows[i].pointer,
                      (int)value.len, value.data);
    }
}

Test(json_find, the_empty_pointer_is_the_whole_value_without_the_space_around_it)
{
    struct slice value;
    cr_expect(find(" \t[1, 2]\r\n", "", &value));
    cr_expect(slice_is(value, "[1, 2]"));
    cr_expect(find("7", "", &value));
    cr_expect(slice_is(value, "7"));
    cr_expect_not(find("7", "/a", &value));
    cr_expect_not(find("\"{\"", "/a", &value));
}

Test(json_find, a_name_longer_than_a_line_with_escapes_in_it_is_found)
{
    char text[4096] = "{\"\\n";
    char pointer[4096] = "/\n";
    for (int i = 0; i < 300; i++) {
        strcat(text, "x");
        strcat(pointer, "x");
    }
    strcat(text, "\": true}");
    struct slice value;
    cr_expect(find(text, pointer, &value));
    cr_expect(slice_is(value, "true"));
    strcat(pointer, "y");
    cr_expect_not(find(text, pointer, &value));
}

Test(json_find, a_step_that_fits_no_object_or_no_array_finds_nothing_there)
{
    struct slice value;
    struct json_step no_name = {.index = 0};
    struct json_step no_index = {.name = slice_from("0"), .index = SIZE_MAX};
    cr_expect_not(json_find(slice_from("{\"0\":1}"), &no_name, 1, &value));
    cr_expect(json_find(slice_from("[1]"), &no_name, 1, &value));
    cr_expect_not(json_find(slice_from("[1]"), &no_index, 1, &value));
    cr_expect(json_find(slice_from("{\"0\":1}"), &no_index, 1, &value));
}

Test(json_find, depth_costs_no_stack)
{
    static char text[JSON_TEXT_DEPTH_MAX * 2 + 1];
    memset(text, '[', JSON_TEXT_DEPTH_MAX);
    memset(text + JSON_TEXT_DEPTH_MAX, ']', JSON_TEXT_DEPTH_MAX);
    struct slice value;
    cr_expect(find(text, "/0/0/0/0/0/0/0/0", &value));
    cr_expect_eq(value.len, 2 * (JSON_TEXT_DEPTH_MAX - 8));
}

Test(json_find, elements_come_one_by_one_and_are_those_of_the_tree)
{
    static const char *const arrays[] = {"[]", "[ ]", "[1]",
                                         "[ 1 , [2,3] ,{\"a\":[4]}, \"]\" ]"};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        json_t *tree = json_loads(arrays[i], 0, NULL);
        const char *cursor = NULL;
        struct slice element;
        size_t count = 0;
        while (json_array_next(slice_from(arrays[i]), &cursor, &element)) {
            json_t *mine = json_loadb(element.data, element.len, JSON_DECODE_ANY, NULL);
            cr_expect(json_equal(mine, json_array_get(tree, count)), "%s", arrays[i]);
            json_decref(mine);
            count++;
        }
        cr_expect_eq(count, json_array_size(tree), "%s", arrays[i]);
        json_decref(tree);
    }
    const char *cursor = NULL;
    struct slice element;
    cr_expect_not(json_array_next(slice_from("{\"a\":1}"), &cursor, &element));
    cr_expect_not(json_array_next(slice_from(""), &cursor, &element));
}

Test(json_find, what_is_no_pointer_is_refused_with_the_reason)
{
    static const struct {
        const char *pointer;
        const char *reason;
    } wrong[] = {
        {"a", "RFC 6901"},
        {"#/a", "RFC 6901"},
        {"/~", "~0 is ~"},
        {"/~2", "~0 is ~"},
        {"/a~/b", "~0 is ~"},
        {"/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3",
         "more than 32"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char room[128];
        struct json_step steps[JSON_POINTER_STEPS_MAX];
        size_t count;
        const char *fault = "";
        cr_expect_not(json_pointer_parse(slice_from(wrong[i].pointer), room, steps,
                                         &count, &fault));
        cr_expect_not_null(strstr(fault, wrong[i].reason), "%s: %s", wrong[i].pointer,
                           fault);
    }
}
