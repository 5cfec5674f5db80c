/* SPDX-License-Identifier: Apache-2.0 */
/* Many paths in one walk: the same as json_find for each, which is tested by itself. */
#include "base/json_select.h"

#include "base/json_text.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Pointers with their steps, from memory of exactly their size. */
static struct json_step steps[JSON_SELECT_MAX][JSON_POINTER_STEPS_MAX];
static struct json_path paths[JSON_SELECT_MAX];
static char *rooms[JSON_SELECT_MAX];

static void make_path(size_t i, struct slice pointer)
{
    const char *fault;
    free(rooms[i]);
    rooms[i] = malloc(pointer.len + 1);
    paths[i].steps = steps[i];
    cr_assert(json_pointer_parse(pointer, rooms[i], steps[i], &paths[i].count, &fault));
}

/* Asks for all pointers of the list at once, and checks each against json_find. */
static void check(const char *document, const char *const *pointers, size_t count)
{
    struct slice values[JSON_SELECT_MAX];
    size_t len = strlen(document);
    char *exact = malloc(len);
    memcpy(exact, document, len);
    struct slice text = slice_make(exact, len);
    cr_assert(json_text_is_valid(text), "%s", document);
    for (size_t i = 0; i < count; i++)
        make_path(i, slice_from(pointers[i]));
    json_select(text, paths, count, values);
    for (size_t i = 0; i < count; i++) {
        struct slice one = {NULL, 0};
        bool is_there = json_find(text, paths[i].steps, paths[i].count, &one);
        cr_expect_eq(is_there, values[i].data != NULL, "%s in %s", pointers[i], document);
        cr_expect(!is_there || (one.data == values[i].data && one.len == values[i].len),
                  "%s in %s", pointers[i], document);
    }
    free(exact);
}

static const char *const documents[] = {
    "1",
    " \"a\" ",
    "null",
    "{}",
    "[]",
    " [ ] ",
    "[[],[[1]],{}]",
    "{\"a\":1}",
    " { \"a\" : { \"b\" : [ 1 , 2 ] , \"c\" : { } } , \"\" : 0 } ",
    "{\"a\":{\"a\":{\"a\":[[[5]]]}},\"b\":[0,{\"a\":1}]}",
    "{\"a\":{\"b\":1},\"a\":{\"c\":2}}",
    "{\"a\":{\"b\":1,\"b\":2},\"a\":3}",
    "{\"a\":3,\"a\":{\"b\":1,\"b\":[1,2]}}",
    "{\"0\":1,\"1\":[2]}",
    "[0,1,2,3,4,5,6,7,8,9,10,11]",
    "[{\"a\":1},{\"a\":2},[3,[4,5]],\"]\",\"{\"]",
    "{\"\\u0061\":1,\"\\/\":{\"~\":2},\"a\\u0000b\":3,\"\\ud83d\\ude00\":4}",
    "{\"a/b\":1,\"m~n\":2,\"a\":{\"\":{\"\":7}}}",
    "{\"a\":\"}\",\"b\":\"]\\\"\",\"c\":[\"{\",\"[\"]}",
};

static const char *const pointers[] = {
    "",
    "/",
    "/a",
    "/b",
    "/a/a",
    "/a/b",
    "/a/c",
    "/a/b/0",
    "/a/b/1",
    "/a/b/2",
    "/0",
    "/1",
    "/2",
    "/2/1/0",
    "/1/0",
    "/1/0/0",
    "/10",
    "/01",
    "/-",
    "/a/a/a/0/0/0",
    "/a//",
    "/b/1/a",
    "/~1",
    "/~1/~0",
    "/m~0n",
    "/a~1b",
    "/\xf0\x9f\x98\x80",
    "/c/1",
    "/1/a",
    "/x/y",
    "/a/x",
    "/c/0",
};
enum { DOCUMENTS = sizeof documents / sizeof *documents };

Test(json_select, all_paths_at_once_find_what_each_finds_alone)
{
    cr_assert_eq(sizeof pointers / sizeof *pointers, JSON_SELECT_MAX);
    for (size_t i = 0; i < DOCUMENTS; i++)
        check(documents[i], pointers, JSON_SELECT_MAX);
}

Test(json_select, the_order_and_the_number_of_paths_do_not_matter)
{
    const char *few[JSON_SELECT_MAX];
    for (size_t i = 0; i < DOCUMENTS; i++) {
        check(documents[i], pointers, 0);
        for (size_t j = 0; j < JSON_SELECT_MAX; j++) {
            few[JSON_SELECT_MAX - 1 - j] = pointers[j];
            check(documents[i], &pointers[j], 1);
        }
        check(documents[i], few, JSON_SELECT_MAX);
        check(documents[i], few + 7, 5);
    }
}

Test(json_select, the_same_path_twice_finds_the_same_twice)
{
    static const char *const twice[] = {"/a/b", "/a", "/a/b"};
    check("{\"a\":{\"b\":[1]}}", twice, 3);
}

Test(json_select, a_step_that_fits_no_object_finds_no_member)
{
    const struct json_step by_index = {.index = 0};
    const struct json_step by_name = {.name = slice_from("0"), .index = SIZE_MAX};
    const struct json_path both[] = {{&by_index, 1}, {&by_name, 1}};
    struct slice values[2];
    json_select(slice_from("{\"0\":1,\"\":2}"), both, 2, values);
    cr_expect_null(values[0].data);
    cr_expect(slice_is(values[1], "1"));
    json_select(slice_from("[7,8]"), both, 2, values);
    cr_expect(slice_is(values[0], "7"));
    cr_expect_null(values[1].data);
}

Test(json_select, the_longest_name_is_found_with_all_of_it_escaped)
{
    char pointer[JSON_SELECT_NAME_MAX + 2], document[7 * JSON_SELECT_NAME_MAX + 40];
    struct slice value;
    memset(pointer, 'a', sizeof pointer);
    pointer[0] = '/';
    make_path(0, slice_make(pointer, JSON_SELECT_NAME_MAX + 1));
    for (size_t extra = 0; extra < 2; extra++) {
        char *at = document;
        at += sprintf(at, "{\"");
        for (size_t i = 0; i < JSON_SELECT_NAME_MAX + extra; i++)
            at += sprintf(at, "\\u0061");
        sprintf(at, "\":1}");
        json_select(slice_from(document), paths, 1, &value);
        cr_expect_eq(value.data != NULL, extra == 0);
    }
}

Test(json_select, paths_of_the_most_steps_are_followed)
{
    char pointer[3 * JSON_POINTER_STEPS_MAX + 1], document[20 * JSON_POINTER_STEPS_MAX];
    char *at = document;
    pointer[0] = '\0';
    for (size_t i = 0; i < JSON_POINTER_STEPS_MAX; i++) {
        strcat(pointer, i % 2 ? "/0" : "/a");
        at += sprintf(at, i % 2 ? "[" : "{\"a\":");
    }
    at += sprintf(at, "[5]");
    for (size_t i = JSON_POINTER_STEPS_MAX; i > 0; i--)
        at += sprintf(at, i % 2 ? "}" : "]");
    const char *const one[] = {pointer, "/a/0/a", ""};
    check(document, one, 3);
}
