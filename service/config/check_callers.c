/* SPDX-License-Identifier: Apache-2.0 */
/* Checks between auth.keys, auth.limits, egress.rules and webhooks.secrets. A name that
 * no key has is a fault: a limit or a rule that silently holds for nobody is a hole.
 * Changes nothing. Called by check_together. */
#include "config/check_callers.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "config/options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SAME_NAME_MAX = 2 };

struct check {
    const struct config *config;
    const struct place *places;
    struct faults *faults;
    const char **key_names; /* of auth.keys */
    const char **seen;      /* the names one list of entries has had so far */
    size_t seen_count;
};

static struct place place_of(const struct check *check, const char *path)
{
    return check->places[options_find(path) - options_table];
}

/* Of an entry in the list of `path`; by --set there are no lines. */
static struct place place_in(const struct check *check, const char *path,
                             const struct config_place *entry)
{
    struct place place = place_of(check, path);
    if (place.line)
        place = (struct place){place.source, entry->line, entry->column};
    return place;
}

/* ------------------------------------------------------------------------ auth.keys */

static void check_key(const struct check *check, size_t index)
{
    const struct config_key *keys = check->config->auth.keys.items;
    const struct config_key *key = &keys[index];
    struct place place = place_in(check, "auth.keys", &key->place);
    size_t same = 1;
    for (size_t i = 0; i < index; i++) {
        same += strcmp(keys[i].name, key->name) == 0;
        if (*key->id && strcmp(keys[i].id, key->id) == 0)
            faults_add(check->faults, place, "auth.keys", "the id \"%s\" is given twice",
                       key->id);
    }
    if (same == SAME_NAME_MAX + 1)
        faults_add(check->faults, place, "auth.keys",
                   "a third key named \"%s\": two may share a name, the old one and the "
                   "one that replaces it",
                   key->name);
}

/* --------------------------------------------------------------- entries that name keys
 */

static bool is_seen(const struct check *check, const char *name)
{
    for (size_t i = 0; i < check->seen_count; i++) {
        if (strcmp(check->seen[i], name) == 0)
            return true;
    }
    return false;
}

static bool is_key(const struct check *check, const char *name)
{
    for (size_t i = 0; i < check->config->auth.keys.count; i++) {
        if (strcmp(check->key_names[i], name) == 0)
            return true;
    }
    return strcmp(name, "*") == 0;
}

static void check_known(const struct check *check, const char *path, struct place place,
                        const char *name)
{
    if (is_key(check, name))
        return;
    const char *near =
        nearest_name(slice_from(name), check->key_names, check->config->auth.keys.count);
    faults_add(check->faults, place, path, "auth.keys has no key named \"%s\"%s%s%s",
               name, near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
}

static void check_name(struct check *check, const char *path, struct place place,
                       const char *name)
{
    if (is_seen(check, name)) {
        faults_add(check->faults, place, path,
                   "\"%s\" is named already: one entry says all about a key", name);
        return;
    }
    check->seen[check->seen_count++] = name;
    check_known(check, path, place, name);
}

static void check_names(struct check *check, const char *path, struct place place,
                        const struct config_strings *names)
{
    for (size_t i = 0; i < names->count; i++)
        check_name(check, path, place, names->items[i]);
}

/* Numbers of one entry that could not hold together. */
static void check_limit(const struct check *check, struct place place,
                        const struct config_limit *limit)
{
    uint64_t most = check->config->batch.max_items;
    if (limit->burst && !limit->items_per_second)
        faults_add(check->faults, place, "auth.limits",
                   "burst without items_per_second: there is no rate to burst above");
    else if (limit->burst && limit->burst < limit->max_items)
        faults_add(check->faults, place, "auth.limits",
                   "burst is less than max_items: a batch of %" PRIu64
                   " items could never pass",
                   limit->max_items);
    if (limit->max_items > most)
        faults_warn(check->faults, place, "auth.limits",
                    "max_items is more than batch.max_items, which holds for all");
}

static void warn_if_open(const struct check *check)
{
    bool has_limits = check->config->auth.limits.count > 0;
    const char *path = has_limits ? "auth.limits" : "egress.rules";
    if (check->config->auth.mode == AUTH_NONE &&
        (has_limits || check->config->egress.rules.count > 0))
        faults_warn(check->faults, place_of(check, path), path,
                    "auth.mode is none, so nobody has a key they could hold for");
}

/* ----------------------------------------------------------------- webhooks.secrets */

static void check_secret(const struct check *check, size_t index)
{
    static const char path[] = "webhooks.secrets";
    const struct config_webhook_secret *secrets = check->config->webhooks.secrets.items;
    const struct config_webhook_secret *secret = &secrets[index];
    struct place place = place_in(check, path, &secret->place);
    size_t same = 1;
    for (size_t i = 0; i < index; i++)
        same += strcmp(secrets[i].name, secret->name) == 0;
    if (same == SAME_NAME_MAX + 1)
        faults_add(check->faults, place, path,
                   "a third secret named \"%s\": two may share a name, the old one and "
                   "the one that replaces it",
                   secret->name);
    for (size_t i = 0; i < secret->keys.count; i++)
        check_known(check, path, place, secret->keys.items[i]);
    /* Whose secret it is must be said: every caller could sign with it otherwise. */
    if (secret->keys.count == 0 && check->config->auth.keys.count > 0)
        faults_add(check->faults, place, path,
                   "keys is missing: name those that may sign with it, or write [\"*\"] "
                   "for all of auth.keys");
}

/* At most so many names does one list of entries have. */
static size_t count_names(const struct config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->auth.limits.count; i++)
        count += config->auth.limits.items[i].keys.count;
    for (size_t i = 0; i < config->egress.rules.count; i++)
        count += config->egress.rules.items[i].keys.count;
    return count;
}

void check_callers(const struct config *config, const struct place *places,
                   struct faults *faults)
{
    const struct config_keys *keys = &config->auth.keys;
    struct check check = {.config = config, .places = places, .faults = faults};
    check.key_names = memory_new((keys->count + 1) * sizeof *check.key_names);
    check.seen = memory_new((count_names(config) + 1) * sizeof *check.seen);
    for (size_t i = 0; i < keys->count; i++) {
        check.key_names[i] = keys->items[i].name;
        check_key(&check, i);
    }
    for (size_t i = 0; i < config->auth.limits.count; i++) {
        const struct config_limit *limit = &config->auth.limits.items[i];
        struct place place = place_in(&check, "auth.limits", &limit->place);
        check_names(&check, "auth.limits", place, &limit->keys);
        check_limit(&check, place, limit);
    }
    check.seen_count = 0;
    for (size_t i = 0; i < config->egress.rules.count; i++) {
        const struct config_rule *rule = &config->egress.rules.items[i];
        struct place place = place_in(&check, "egress.rules", &rule->place);
        check_names(&check, "egress.rules", place, &rule->keys);
    }
    for (size_t i = 0; i < config->webhooks.secrets.count; i++)
        check_secret(&check, i);
    warn_if_open(&check);
    free(check.key_names);
    free(check.seen);
}
