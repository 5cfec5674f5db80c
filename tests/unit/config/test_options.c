/* SPDX-License-Identifier: Apache-2.0 */
/* config/options.h: the table is whole, and what is shipped was made from it. */
#include "config/options.h"
#include "support/expect.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct buffer out;

static void prepare(void)
{
    buffer_init(&out, 1 << 20);
}

static void done(void)
{
    buffer_done(&out);
}

TestSuite(options, .init = prepare, .fini = done);

static void expect_file(const char *path, const char *option)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "r");
    cr_assert(file != NULL, "%s is missing", path);
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    cr_assert(not(out.failed));
    cr_assert(len == out.len && memcmp(text, out.data, len) == 0,
              "%s is not what the table gives: regenerate it by\n"
              "    build/release/gatherd options %s > %s",
              path, option, path);
}

Test(options, the_shipped_file_is_made_from_the_table)
{
    options_write_yaml(&out);
    expect_file("config/gatherd.yaml", "--yaml");
}

Test(options, the_shipped_schema_is_made_from_the_table)
{
    options_write_schema(&out);
    expect_file("config/gatherd.schema.json", "--schema");
}

Test(options, the_page_is_made_from_the_table)
{
    options_write_markdown(&out);
    expect_file("docs/configuration.md", "--markdown");
}

Test(options, paths_are_unique_and_sections_stand_together)
{
    for (size_t i = 0; i < options_count; i++) {
        cr_assert(options_find(options_table[i].path) == &options_table[i]);
        cr_assert(strchr(options_table[i].path, '.') != NULL);
    }
    cr_assert(options_find("server") == NULL && options_find("") == NULL);
    cr_assert(options_is_section("server") && options_is_section("server.tls"));
    cr_assert(not(options_is_section("serv")));
    cr_assert(not(options_is_section("server.listen")));
}

Test(options, every_row_is_complete)
{
    for (size_t i = 0; i < options_count; i++) {
        const struct option *option = &options_table[i];
        bool has_choices = option->type == OPTION_CHOICE;
        cr_expect(option->help && strlen(option->help) > 5, "%s has no help",
                  option->path);
        cr_expect(option->help[strlen(option->help) - 1] != '.', "%s", option->path);
        cr_expect(option->offset < sizeof(struct config), "%s", option->path);
        cr_expect(option->min <= option->max, "%s", option->path);
        cr_expect(has_choices == (option->choices != NULL), "%s", option->path);
        for (size_t j = 0; j < i; j++)
            cr_expect(options_table[j].offset != option->offset,
                      "%s and %s share a field", options_table[j].path, option->path);
    }
}

Test(options, every_section_has_a_line)
{
    for (size_t i = 0; i < options_count; i++) {
        char section[128];
        snprintf(section, sizeof section, "%.*s",
                 (int)(strrchr(options_table[i].path, '.') - options_table[i].path),
                 options_table[i].path);
        cr_expect(options_find_section(section) != NULL, "%s", section);
    }
    for (size_t i = 0; i < option_sections_count; i++)
        cr_expect(options_is_section(option_sections[i].path), "%s",
                  option_sections[i].path);
}

Test(options, the_reference_names_every_option_and_default)
{
    options_write_reference(&out);
    const char *text = buffer_text(&out);
    for (size_t i = 0; i < options_count; i++) {
        char line[256];
        snprintf(line, sizeof line, "\n  %s: %s\n", options_table[i].path,
                 options_table[i].fallback);
        expect_part(text, line);
    }
}

Test(options, no_line_of_the_reference_is_wider_than_a_terminal_bears)
{
    options_write_reference(&out);
    options_write_yaml(&out);
    const char *line = buffer_text(&out);
    for (const char *end; (end = strchr(line, '\n')); line = end + 1)
        cr_expect(end - line <= 92, "%.*s", (int)(end - line), line);
}

/* The schema of the option at `path`, or NULL. */
static json_t *find_schema(json_t *root, const char *path)
{
    char copy[128];
    snprintf(copy, sizeof copy, "%s", path);
    json_t *schema = root;
    char *rest = NULL;
    for (char *part = strtok_r(copy, ".", &rest); part; part = strtok_r(NULL, ".", &rest))
        schema = json_object_get(json_object_get(schema, "properties"), part);
    return schema;
}

Test(options, the_schema_describes_every_option_and_forbids_others)
{
    options_write_schema(&out);
    json_t *root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(root != NULL);
    json_t *closed = json_object_get(root, "additionalProperties");
    cr_assert(closed && !json_boolean_value(closed));
    for (size_t i = 0; i < options_count; i++) {
        json_t *schema = find_schema(root, options_table[i].path);
        cr_assert(schema != NULL, "%s", options_table[i].path);
        cr_assert(json_object_get(schema, "description") != NULL);
        cr_assert(json_object_get(schema, "default") != NULL);
        cr_assert(json_object_get(schema, "type") || json_object_get(schema, "anyOf"));
    }
    closed = json_object_get(find_schema(root, "server.tls"), "additionalProperties");
    cr_assert(closed && !json_boolean_value(closed));
    json_decref(root);
}
