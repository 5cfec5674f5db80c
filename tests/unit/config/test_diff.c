/* SPDX-License-Identifier: Apache-2.0 */
/* config/diff.h: each type of option, equal and not, and what is shown of it. */
#include "config/diff.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static struct config_change changes[8];
static size_t change_count;

static void on_change(const struct config_change *change, void *context)
{
    cr_assert(context == &change_count);
    cr_assert(change_count < 8);
    changes[change_count++] = *change;
}

static struct config *load(const char *path, const char *value)
{
    const struct config_override overrides[] = {{path, value}};
    struct buffer faults;
    buffer_init(&faults, 64 * 1024);
    struct config *config = config_load(NULL, overrides, path ? 1 : 0, &faults);
    cr_assert(config != NULL, "%s", buffer_text(&faults));
    buffer_done(&faults);
    return config;
}

static void compare(const char *path, const char *one, const char *other)
{
    struct config *before = load(path, one), *after = load(path, other);
    change_count = 0;
    size_t count = config_diff(before, after, on_change, &change_count);
    cr_expect(eq(sz, count, change_count));
    cr_expect(config_differs(before, after, path) == (change_count > 0));
    config_free(before);
    config_free(after);
}

static void expect_change(const char *path, const char *one, const char *other,
                          const char *before, const char *after)
{
    compare(path, one, one);
    cr_expect(eq(sz, change_count, 0), "%s: %s", path, one);
    compare(path, one, other);
    cr_assert(eq(sz, change_count, 1), "%s", path);
    cr_expect_str_eq(changes[0].option->path, path);
    cr_expect_str_eq(changes[0].before, before);
    cr_expect_str_eq(changes[0].after, after);
}

Test(diff, every_type_of_value_is_shown_as_a_file_has_it)
{
    expect_change("batch.max_items", "7", "8", "7", "8");
    expect_change("server.workers", "auto", "3", "auto", "3");
    expect_change("fetch.timeout", "1500ms", "2s", "1500ms", "2s");
    expect_change("memory.reply_budget", "64MiB", "1GiB", "64MiB", "1GiB");
    expect_change("fetch.http2", "on", "off", "on", "off");
    expect_change("log.level", "debug", "error", "debug", "error");
    expect_change("fetch.user_agent", "a", "b c", "a", "b c");
    expect_change("egress.deny", "[]", "[a.example, 10.0.0.0/8]", "[]",
                  "[\"a.example\", \"10.0.0.0/8\"]");
    expect_change("egress.deny", "[a.example]", "[b.example]", "[\"a.example\"]",
                  "[\"b.example\"]");
}

Test(diff, of_secrets_nothing_is_shown)
{
    expect_change("fetch.proxy", "http://a:hidden@127.0.0.1:1", "\"\"", "(not shown)",
                  "(not shown)");
}

#define HASH_A "{name: a, sha256: \"" HASH "1\"}"
#define HASH_B "{name: b, sha256: \"" HASH "2\"}"
#define HASH_C "{name: a, sha256: \"" HASH "3\"}"
#define HASH "000000000000000000000000000000000000000000000000000000000000000"

Test(diff, of_entries_their_number_and_names_are_shown)
{
    expect_change("auth.keys", "[" HASH_A "]", "[" HASH_A ", " HASH_B "]", "1 entry: a",
                  "2 entries: a, b");
    expect_change("auth.keys", "[" HASH_A "]", "[" HASH_C "]", "1 entry: a",
                  "1 entry: a");
    expect_change("egress.rules", "[{keys: [\"*\"], allow: [a.example]}]",
                  "[{keys: [\"*\"], allow: [b.example]}]", "1 entry", "1 entry");
}

Test(diff, a_long_value_is_cut_where_a_character_begins)
{
    char one[1024] = "[\"", other[1024];
    for (int i = 0; i < 7; i++)
        strcat(one, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example\", \"");
    strcpy(other, one);
    strcat(one, "b.example\"]");
    strcat(other, "c.example\"]");
    compare("egress.deny", one, other);
    cr_assert(eq(sz, change_count, 1));
    cr_expect(eq(sz, strlen(changes[0].before), DIFF_TEXT_MAX + strlen("…")));
    char agent[256] = "";
    for (int i = 0; i < 100; i++)
        strcat(agent, i == 99 ? "é!" : "é"); /* 201 bytes, the 200th a second one's */
    memmove(agent + 1, agent, strlen(agent) + 1);
    agent[0] = 'x';
    struct config *before = load(NULL, NULL), *after = load(NULL, NULL);
    free(after->fetch.user_agent);
    after->fetch.user_agent = strdup(agent);
    change_count = 0;
    cr_assert(eq(sz, config_diff(before, after, on_change, &change_count), 1));
    cr_expect(eq(sz, strlen(changes[0].after), DIFF_TEXT_MAX - 1 + strlen("…")));
    config_free(before);
    config_free(after);
}

Test(diff, the_key_of_tls_is_compared_by_its_digest)
{
    struct config *before = load(NULL, NULL), *after = load(NULL, NULL);
    config_forget_tls_key(before);
    cr_expect(not(config_differs(before, after, "server.tls.key")));
    after->server.tls_key_sha256[3] ^= 1;
    cr_expect(config_differs(before, after, "server.tls.key"));
    config_free(before);
    config_free(after);
}
