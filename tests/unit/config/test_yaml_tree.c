/* SPDX-License-Identifier: Apache-2.0 */
/* config/yaml_tree.h */
#include "config/yaml_tree.h"
#include "support/failing_memory.h"
#include "support/expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct faults faults;
static struct tree_node *root;
static struct buffer out;

static struct tree_node *parse_bytes(const char *text, size_t len)
{
    yaml_tree_free(root);
    faults_done(&faults);
    root = yaml_tree_parse((struct place){.source = "f", .line = 1, .column = 1},
                           slice_make(text, len), &faults);
    return root;
}

static struct tree_node *parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

/* The faults of the last parse as text. */
static const char *faults_text(void)
{
    buffer_done(&out);
    buffer_init(&out, 1 << 16);
    faults_write(&faults, &out);
    const char *text = buffer_text(&out);
    return text ? text : "";
}

static void done(void)
{
    yaml_tree_free(root);
    faults_done(&faults);
    buffer_done(&out);
}

TestSuite(yaml_tree, .fini = done);

static void expect_place(struct place place, size_t line, size_t column)
{
    expect_text(place.source, "f");
    cr_assert(place.line == line && place.column == column, "%zu:%zu", place.line,
              place.column);
}

Test(yaml_tree, nodes_remember_where_they_stood)
{
    struct tree_node *map = parse("a: 1\nlong_key:\n  - x\n  - 'y z'\n");
    cr_assert(map->kind == TREE_MAP && faults.count == 0);
    struct tree_node *first = map->first;
    expect_text(first->key, "a");
    expect_text(first->text, "1");
    expect_place(first->key_place, 1, 1);
    expect_place(first->place, 1, 4);
    struct tree_node *list = first->next;
    cr_assert(list->kind == TREE_LIST && list->next == NULL);
    expect_place(list->key_place, 2, 1);
    expect_text(list->first->text, "x");
    expect_place(list->first->place, 3, 5);
    expect_text(list->last->text, "y z");
    expect_place(list->last->place, 4, 5);
}

Test(yaml_tree, columns_count_characters)
{
    struct tree_node *map = parse("{\xc3\xbc: a, b: c}");
    expect_place(map->last->place, 1, 11);
}

Test(yaml_tree, quotes_are_remembered)
{
    struct tree_node *list = parse("[a, 'b', \"c\"]");
    cr_assert(not(list->first->is_quoted));
    cr_assert(list->first->next->is_quoted && list->last->is_quoted);
    cr_assert(parse("|\n  text\n")->is_quoted);
}

Test(yaml_tree, scalars_are_never_guessed)
{
    struct tree_node *list = parse("[yes, 010, 1:30, ~, 0x1f, 2026-01-01]");
    static const char *const texts[] = {"yes", "010", "1:30", "~", "0x1f", "2026-01-01"};
    struct tree_node *entry = list->first;
    for (size_t i = 0; i < 6; i++, entry = entry->next)
        expect_text(entry->text, texts[i]);
}

Test(yaml_tree, nothing_is_an_empty_map)
{
    static const char *const empty[] = {"", "\n\n", "# only a comment\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < 4; i++) {
        struct tree_node *node = parse(empty[i]);
        cr_assert(node->kind == TREE_MAP && node->first == NULL && faults.count == 0);
    }
}

Test(yaml_tree, an_empty_document_is_an_empty_scalar)
{
    struct tree_node *node = parse("---\n");
    cr_assert(node->kind == TREE_SCALAR && !node->is_quoted);
    expect_text(node->text, "");
}

Test(yaml_tree, a_text_without_a_place_has_none_anywhere)
{
    struct place start = {.source = "--set a=b"};
    root = yaml_tree_parse(start, slice_from("[a, {b: *c}]"), &faults);
    cr_assert(root->first->place.line == 0 && root->last->first->place.line == 0);
    expect_text(faults_text(), "--set a=b: b: anchors (&) and aliases (*) are not taken: "
                               "write it out\n");
}

Test(yaml_tree, duplicate_keys_are_refused_at_every_depth)
{
    parse("a: 1\nb: {c: 1, c: 2}\na: 3\n");
    expect_text(faults_text(), "f:2:11: b.c: written twice, the first time in line 2\n"
                               "f:3:1: a: written twice, the first time in line 1\n");
    cr_assert(root->last->is_refused && !root->first->is_refused);
}

Test(yaml_tree, aliases_and_anchors_are_refused)
{
    parse("a: &x [1]\nb: *x\n");
    cr_assert(faults.error_count == 2);
    cr_assert(root->first->is_refused && root->last->is_refused);
    parse("a: &a [*a]");
    cr_assert(faults.error_count == 2);
    parse("a: *undefined");
    cr_assert(faults.error_count == 1);
    parse("*x : 1");
    cr_assert(faults.error_count == 1);
    parse("&x a: 1");
    cr_assert(faults.error_count == 1);
    parse("&x {}");
    cr_assert(faults.error_count == 1);
}

Test(yaml_tree, tags_are_refused)
{
    static const char *const tagged[] = {"a: !!str 1",
                                         "a: !x [1]",
                                         "!!map {a: 1}",
                                         "a: !<x> 1",
                                         "!!str a: 1",
                                         "a: ! 1",
                                         "!!python/object/apply:os.system {a: b}"};
    for (size_t i = 0; i < sizeof tagged / sizeof *tagged; i++) {
        parse(tagged[i]);
        cr_assert(faults.error_count == 1, "%s", tagged[i]);
        expect_part(faults_text(), "tags (!)");
    }
}

Test(yaml_tree, a_second_document_is_refused)
{
    parse("a: 1\n---\nb: 2\n");
    expect_text(faults_text(), "f:2:1: a second document: a configuration is one\n");
    parse("a: 1\n...\n");
    cr_assert(faults.count == 0);
}

Test(yaml_tree, a_key_must_be_a_word)
{
    parse("? [a]\n: 1\n");
    expect_text(faults_text(), "f:1:3: a key must be a word, not a list or mapping\n");
    parse("? {a: b}\n: 1\n");
    cr_assert(faults.error_count == 1);
}

Test(yaml_tree, after_a_syntax_fault_the_tree_holds_what_came_before)
{
    parse("a: 1\nb: [2, 3\nc: 4\n");
    cr_assert(faults.error_count == 1);
    expect_text(root->first->text, "1");
    expect_part(faults_text(), "that begins in line 2");
}

Test(yaml_tree, bytes_that_are_no_text_are_refused_with_their_place)
{
    parse_bytes("a: 1\nb: \xc3\xbc\xff", 11);
    expect_text(faults_text(), "f:2:5: not UTF-8\n");
    parse_bytes("a: \0", 4);
    expect_text(faults_text(), "f:1:4: a NUL byte: not a text file\n");
    parse("a: \"\\0\"");
    expect_text(faults_text(), "f:1:4: a: a NUL character is in it\n");
    parse("a: \x01");
    expect_text(faults_text(), "f:1:4: not YAML: control characters are not allowed\n");
    parse("a:\n\tb: 1\n");
    expect_text(faults_text(), "f:2:1: a tab: YAML is indented with blanks\n");
}

Test(yaml_tree, depth_has_a_ceiling)
{
    char text[64] = "";
    for (int i = 0; i < YAML_TREE_DEPTH_MAX; i++)
        text[i] = '[';
    for (int i = 0; i < YAML_TREE_DEPTH_MAX; i++)
        text[YAML_TREE_DEPTH_MAX + i] = ']';
    parse(text);
    cr_assert(faults.count == 0);
    memmove(text + 1, text, strlen(text) + 1);
    text[2 * YAML_TREE_DEPTH_MAX + 1] = ']';
    parse(text);
    expect_text(faults_text(), "f:1:17: nested more than 16 deep\n");
}

static char *repeat(const char *unit, size_t count)
{
    size_t len = strlen(unit);
    char *text = malloc(count * len + 1);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * len, unit, len);
    text[count * len] = '\0';
    return text;
}

Test(yaml_tree, the_number_of_values_has_a_ceiling)
{
    char *text = repeat("- 1\n", YAML_TREE_EVENTS_MAX);
    parse(text);
    free(text);
    expect_part(faults_text(), "more than 10000 values");
}

Test(yaml_tree, the_length_has_a_ceiling)
{
    char *text = repeat("#\n", YAML_TREE_BYTES_MAX / 2);
    parse(text);
    cr_assert(faults.count == 0);
    free(text);
    text = repeat("#\n", YAML_TREE_BYTES_MAX / 2 + 1);
    parse(text);
    free(text);
    expect_text(faults_text(), "f: over 256 KiB: not a configuration\n");
}

Test(yaml_tree, bombs_are_refused_at_once)
{
    static const char *const units[] = {"[",  "{a: ",     "- ", "? ",
                                        "[{", "&a [*a, ", "{",  "!"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        char *text = repeat(units[i], 60000 / strlen(units[i]));
        struct timespec start;
        struct timespec end;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
        parse(text);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        free(text);
        cr_assert(faults.error_count > 0, "%s", units[i]);
        /* Unbounded, the first two take libyaml several seconds. */
        cr_assert(end.tv_sec - start.tv_sec < 2, "%s", units[i]);
    }
}

Test(yaml_tree, freeing_nothing_is_fine)
{
    yaml_tree_free(NULL);
    cr_assert(parse("{}")->first == NULL);
}

/* A file taken for empty would be a service with the defaults. */
Test(yaml_tree, without_memory_nothing_is_taken_for_empty)
{
    static const char text[] = "server:\n  listen: [a, b]\nauth: {mode: keys}\n";
    struct place start = {.source = "file", .line = 1, .column = 1};
    bool has_failed = true;
    for (size_t number = 1; has_failed; number++) {
        struct faults found = {.count = 0};
        failing_memory_arm(number);
        struct tree_node *tree = yaml_tree_parse(start, slice_from(text), &found);
        has_failed = failing_memory_disarm();
        bool is_whole = tree->first && tree->first->next && !tree->first->next->next;
        cr_expect(is_whole || found.count > 0, "allocation %zu", number);
        yaml_tree_free(tree);
        faults_done(&found);
        cr_assert_lt(number, 1000);
    }
}
