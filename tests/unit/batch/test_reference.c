/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of references. */
#include "batch/reference.h"

#include "base/buffer.h"

#include <criterion/criterion.h>

#include <stdint.h>
#include <stdio.h>

static struct arena arena;

/* What was understood, as text: kind id header | path. */
static const char *read(const char *text, const char *element)
{
    static char shown[1024];
    struct reference_setup setup = {.arena = &arena, .element = slice_from(element)};
    struct reference reference;
    const char *fault = NULL;
    size_t len = reference_read(slice_from(text), &setup, &reference, &fault);
    if (len == 0)
        return fault ? fault : "no memory";
    static const char *const kinds[] = {"status", "header", "body", "element", "index"};
    struct buffer out = {.data = shown, .cap = sizeof shown, .max = sizeof shown - 1};
    buffer_append_format(&out, "%s <%.*s>", kinds[reference.kind], (int)reference.id.len,
                         reference.id.data ? reference.id.data : "");
    if (reference.header.data)
        buffer_append_format(&out, " %.*s", (int)reference.header.len,
                             reference.header.data);
    for (size_t i = 0; i < reference.step_count; i++) {
        const struct json_step *step = &reference.steps[i];
        if (step->name.data && step->index != SIZE_MAX)
            buffer_append_format(&out, " .%.*s=[%zu]", (int)step->name.len,
                                 step->name.data, step->index);
        else if (step->name.data)
            buffer_append_format(&out, " .%.*s", (int)step->name.len, step->name.data);
        else
            buffer_append_format(&out, " [%zu]", step->index);
    }
    buffer_append_format(&out, " |%s", text + len);
    cr_assert(!out.failed);
    return buffer_text(&out);
}

Test(reference, says_what_is_meant_of_whom)
{
    static const struct {
        const char *text;
        const char *meaning;
    } cases[] = {
        {"a.status}}", "status <a> |"},
        {"a.status}} and more}}", "status <a> | and more}}"},
        {"  a.status  }}x", "status <a> |x"},
        {"0.body}}", "body <0> |"},
        {"a.headers.etag}}", "header <a> etag |"},
        {"a.headers[\"x y\"]}}", "header <a> x y |"},
        {"a[\"status\"]}}", "status <a> |"},
        {"a.body.items[0].price}}", "body <a> .items [0] .price |"},
        {"a.body[\"a.b\"][12][\"}}\"]}}", "body <a> .a.b [12] .}} |"},
        {"a.body.0}}", "body <a> .0=[0] |"},
        {"a.body.12.00.1234567890}}", "body <a> .12=[12] .00 .1234567890 |"},
        {"a.body.status.headers.body}}", "body <a> .status .headers .body |"},
        {"[\"odd id\"].status}}", "status <odd id> |"},
        {"[\"\\u00fc\\\"\"].body}}", "body <\xc3\xbc\"> |"},
        {"[\"\"].body}}", "body <> |"},
        {"\xc3\xbc.body.\xe2\x82\xac}}", "body <\xc3\xbc> .\xe2\x82\xac |"},
        {"user:1/a@b_$-x.status}}", "status <user:1/a@b_$-x> |"},
        {"item.status}}", "status <item> |"}, /* no forEach: an id like any other */
        {"index.body}}", "body <index> |"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(read(cases[i].text, NULL), cases[i].meaning, "%s: %s",
                         cases[i].text, read(cases[i].text, NULL));
    arena_done(&arena);
}

Test(reference, within_a_for_each_the_element_has_a_name)
{
    static const struct {
        const char *text;
        const char *meaning;
    } cases[] = {
        {"item}}", "element <> |"},
        {"item.x[1]}}", "element <> .x [1] |"},
        {"item.status}}", "element <> .status |"},
        {"[\"item\"][0]}}", "element <> [0] |"},
        {"index}}", "index <> |"},
        {"index.status}}", "status <index> |"},
        {"items.status}}", "status <items> |"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(read(cases[i].text, "item"), cases[i].meaning, "%s: %s",
                         cases[i].text, read(cases[i].text, "item"));
    arena_done(&arena);
}

Test(reference, what_is_none_is_told_why)
{
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"", "is no reference"},
        {"}}", "is no reference"},
        {"#if x}}", "is no reference"},
        {".status}}", "is no reference"},
        {"a", "behind its path"},
        {"a.status", "behind its path"},
        {"a.status}", "behind its path"},
        {"a.status|upper}}", "behind its path"},
        {"a. status}}", "is no reference"},
        {"a.}}", "is no reference"},
        {"a}}", "must go on behind the id"},
        {"a.body2}}", "must go on behind the id"},
        {"a[0]}}", "must go on behind the id"},
        {"a.status.x}}", "must go on behind the id"},
        {"a.headers}}", "must go on behind the id"},
        {"a.headers[0]}}", "must go on behind the id"},
        {"a.headers.x.y}}", "must go on behind the id"},
        {"index}}", "must go on behind the id"},
        {"[0].status}}", "begins with a number"},
        {"a.body[x]}}", "neither a number nor"},
        {"a.body[-1]}}", "neither a number nor"},
        {"a.body[]}}", "neither a number nor"},
        {"a.body[", "neither a number nor"},
        {"a.body[0}}", "not closed"},
        {"a.body[0", "not closed"},
        {"a.body[\"x\"}}", "not closed"},
        {"a.body[\"x]}}", "no JSON string"},
        {"a.body[\"\\x\"]}}", "no JSON string"},
        {"a.body[9999999999]}}", "more than 9 digits"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(strstr(read(cases[i].text, NULL), cases[i].part) != NULL, "%s: %s",
                  cases[i].text, read(cases[i].text, NULL));
    arena_done(&arena);
}

Test(reference, has_at_most_32_steps)
{
    char text[256] = "a.body";
    for (int i = 0; i < REFERENCE_STEPS_MAX - 2; i++)
        strcat(text, "[7]");
    char more[300];
    snprintf(more, sizeof more, "%s[7]}}", text);
    strcat(text, "}}");
    cr_expect(strncmp(read(text, NULL), "body <a> [7]", 12) == 0);
    cr_expect(strstr(read(more, NULL), "too deep") != NULL);
    arena_done(&arena);
}

Test(reference, keeps_its_text_without_white_space)
{
    struct reference_setup setup = {.arena = &arena};
    struct reference reference;
    const char *fault;
    cr_assert_eq(reference_read(slice_from("  a.status }}"), &setup, &reference, &fault),
                 13);
    cr_expect(slice_is(reference.text, "a.status"));
    arena_done(&arena);
}
