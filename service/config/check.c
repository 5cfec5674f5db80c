/* SPDX-License-Identifier: Apache-2.0 */
/* Checks beyond a single value. Changes nothing. Called by config.c: check_keys once per
 * file, check_together at the end if all values are good (else it would complain about
 * consequences). */
#include "config/check.h"

#include "base/nearest.h"
#include "config/check_callers.h"
#include "config/syntax.h"

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 160, NAMES_MAX = 64 };

/* The last part of a path. */
static const char *last_part(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* The names that may stand in the section `prefix` ("" for the top), each once. Pointers
 * into `storage`. */
static size_t list_names(const char *prefix, char storage[NAMES_MAX][32],
                         const char *names[NAMES_MAX])
{
    size_t prefix_len = strlen(prefix);
    size_t count = 0;
    for (size_t i = 0; i < options_count && count < NAMES_MAX; i++) {
        const char *path = options_table[i].path;
        if (prefix_len) {
            if (strncmp(path, prefix, prefix_len) != 0 || path[prefix_len] != '.')
                continue;
            path += prefix_len + 1;
        }
        int len = (int)strcspn(path, ".");
        snprintf(storage[count], sizeof storage[count], "%.*s", len, path);
        /* The options of a section stand together in the table. */
        if (count > 0 && strcmp(storage[count], storage[count - 1]) == 0)
            continue;
        names[count] = storage[count];
        count++;
    }
    return count;
}

/* The path of an option or section called `name` wherever it is, or NULL. */
static const char *find_elsewhere(const char *name)
{
    for (size_t i = 0; i < options_count; i++) {
        if (strcmp(last_part(options_table[i].path), name) == 0)
            return options_table[i].path;
    }
    for (size_t i = 0; i < option_sections_count; i++) {
        if (strcmp(last_part(option_sections[i].path), name) == 0)
            return option_sections[i].path;
    }
    return NULL;
}

void check_unknown(struct faults *faults, struct place place, const char *path)
{
    char storage[NAMES_MAX][32];
    const char *names[NAMES_MAX];
    char prefix[PATH_SIZE];
    const char *name = last_part(path);
    snprintf(prefix, sizeof prefix, "%.*s", name == path ? 0 : (int)(name - path - 1),
             path);
    const char *near =
        nearest_name(slice_from(name), names, list_names(prefix, storage, names));
    const char *elsewhere = near ? NULL : find_elsewhere(name);
    if (near)
        faults_add(faults, place, path, "unknown key: did you mean %s%s%s?", prefix,
                   *prefix ? "." : "", near);
    else if (elsewhere)
        faults_add(faults, place, path, "unknown key: did you mean %s?", elsewhere);
    else
        faults_add(faults, place, path, "unknown key");
}

static void check_map(const struct tree_node *map, const char *prefix,
                      const struct tree_node **nodes, struct faults *faults)
{
    for (const struct tree_node *entry = map->first; entry; entry = entry->next) {
        char path[PATH_SIZE];
        bool is_cut = snprintf(path, sizeof path, "%s%s%.100s", prefix,
                               *prefix ? "." : "", entry->key) >= PATH_SIZE;
        bool is_dotted = strchr(entry->key, '.') != NULL;
        const struct option *option = is_cut || is_dotted ? NULL : options_find(path);
        bool is_empty = entry->kind == TREE_SCALAR && !entry->is_quoted && !*entry->text;
        if (entry->is_refused)
            continue;
        if (option)
            nodes[option - options_table] = entry;
        else if (is_dotted && options_find(path))
            faults_add(faults, entry->key_place, path,
                       "no dots in the file: write each part on its own line, indented");
        else if (is_cut || is_dotted || !options_is_section(path))
            check_unknown(faults, entry->key_place, path);
        else if (entry->kind == TREE_MAP)
            check_map(entry, path, nodes, faults); /* as deep as the table is, at most */
        else if (!is_empty)
            faults_add(faults, entry->place, path, "needs keys below it, not %s",
                       entry->kind == TREE_LIST ? "a list" : "a value");
    }
}

void check_keys(const struct tree_node *root, const struct tree_node **ret_nodes,
                struct faults *faults)
{
    if (root->is_refused)
        return;
    if (root->kind == TREE_MAP)
        check_map(root, "", ret_nodes, faults);
    else if (root->kind == TREE_LIST || root->is_quoted || *root->text)
        faults_add(faults, root->place, "",
                   "a configuration is a mapping: \"server:\" and so on");
}

/* Where `path` was written, for the sentence about it. */
static struct place place_of(const struct place *places, const char *path)
{
    return places[options_find(path) - options_table];
}

static bool is_written(const struct place *places, const char *path)
{
    return place_of(places, path).source[0] != '\0';
}

static void check_deadlines(const struct config *config, const struct place *places,
                            struct faults *faults)
{
    if (config->batch.deadline_ms <= config->batch.max_deadline_ms)
        return;
    if (is_written(places, "batch.deadline"))
        faults_add(faults, place_of(places, "batch.deadline"), "batch.deadline",
                   "longer than batch.max_deadline");
    else
        faults_add(faults, place_of(places, "batch.max_deadline"), "batch.max_deadline",
                   "shorter than batch.deadline");
}

static void check_budget(const struct config *config, const struct place *places,
                         struct faults *faults)
{
    if (config->batch.reply_max_bytes <= config->memory.reply_budget)
        return;
    if (is_written(places, "batch.reply_max_bytes"))
        faults_warn(faults, place_of(places, "batch.reply_max_bytes"),
                    "batch.reply_max_bytes",
                    "more than memory.reply_budget: no batch can get that far");
    else
        faults_warn(faults, place_of(places, "memory.reply_budget"),
                    "memory.reply_budget",
                    "less than batch.reply_max_bytes: no batch can get that far");
}

/* A body is held whole, and what is read from it is a document (batch/document_memory.h).
 */
static void check_request_budget(const struct config *config, const struct place *places,
                                 struct faults *faults)
{
    const char *path = is_written(places, "server.request_max_bytes")
                           ? "server.request_max_bytes"
                           : "memory.request_budget";
    if (config->server.request_max_bytes > config->memory.request_budget / 4)
        faults_warn(faults, place_of(places, path), path,
                    "server.request_max_bytes is more than a quarter of "
                    "memory.request_budget: no batch can get that far");
}

static void check_tls(const struct config *config, const struct place *places,
                      struct faults *faults)
{
    bool has_certificate = *config->server.tls_certificate;
    bool has_key = *config->server.tls_key;
    if (has_certificate && !has_key)
        faults_add(faults, place_of(places, "server.tls.certificate"),
                   "server.tls.certificate",
                   "server.tls.key is missing: the two go together");
    if (has_key && !has_certificate)
        faults_add(faults, place_of(places, "server.tls.key"), "server.tls.key",
                   "server.tls.certificate is missing: the two go together");
    if (*config->server.tls_client_ca && !has_certificate)
        faults_add(faults, place_of(places, "server.tls.client_ca"),
                   "server.tls.client_ca",
                   "without server.tls.certificate there is no TLS to check clients in");
}

static const char *first_open_listener(const struct config_strings *listen)
{
    for (size_t i = 0; i < listen->count; i++) {
        if (!syntax_is_local_listen(listen->items[i]))
            return listen->items[i];
    }
    return NULL;
}

static void check_auth(const struct config *config, const struct place *places,
                       struct faults *faults)
{
    const char *open = first_open_listener(&config->server.listen);
    bool has_keys = config->auth.keys.count > 0;
    if (config->auth.mode == AUTH_AUTO && open && !has_keys)
        faults_add(
            faults, place_of(places, "server.listen"), "server.listen",
            "\"%.80s\" is open to other machines and auth.keys is empty: add a key "
            "(gatherd key new), or write auth.mode: none to run open",
            open);
    if (config->auth.mode == AUTH_KEYS && !has_keys)
        faults_add(faults, place_of(places, "auth.mode"), "auth.mode",
                   "keys, but auth.keys is empty: nobody could come in");
    if (config->auth.mode == AUTH_NONE && has_keys)
        faults_warn(faults, place_of(places, "auth.mode"), "auth.mode",
                    "none, so auth.keys are not asked for");
}

/* Port 0 asks for any free port, as often as it is written. */
static bool is_any_port(const char *address)
{
    size_t len = strlen(address);
    return len > 2 && strcmp(address + len - 2, ":0") == 0;
}

static void check_listeners(const struct config *config, const struct place *places,
                            struct faults *faults)
{
    const struct config_strings *lists[] = {&config->server.listen, &config->ops.listen};
    static const char *const paths[] = {"server.listen", "ops.listen"};
    for (size_t n = 0; n < 2; n++) {
        for (size_t i = 0; i < lists[n]->count; i++) {
            const char *address = lists[n]->items[i];
            bool is_double = false;
            for (size_t m = 0; m <= n; m++) {
                for (size_t j = 0; j < (m == n ? i : lists[m]->count); j++)
                    is_double |= strcmp(lists[m]->items[j], address) == 0;
            }
            if (is_double && !is_any_port(address))
                faults_add(faults, place_of(places, paths[n]), paths[n],
                           "\"%.80s\" is listened on already", address);
        }
    }
}

void check_together(const struct config *config, const struct place *places,
                    struct faults *faults)
{
    check_deadlines(config, places, faults);
    check_budget(config, places, faults);
    check_request_budget(config, places, faults);
    check_tls(config, places, faults);
    check_auth(config, places, faults);
    check_callers(config, places, faults);
    check_listeners(config, places, faults);
}
