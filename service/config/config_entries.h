/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of the configuration and what their entries hold; for config.h, which says
 * how they live. Their fields are named in options_entries.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct config_strings {
    char **items;
    size_t count;
};

/* Where an entry of a list was written, for sentences about it; 0: by --set. */
struct config_place {
    size_t line;
    size_t column;
};

/* An API key. Two may have one name: the one that is being replaced and the one that
 * replaces it. */
struct config_key {
    struct config_place place;
    char *name;
    char *id; /* the second part of the key, by which it is found; "": has none */
    unsigned char sha256[32];
};

/* What the keys named may ask for; 0: no limit of their own. A key named "*" stands for
 * every key that no other entry names. */
struct config_limit {
    struct config_place place;
    struct config_strings keys;
    uint64_t items_per_second;
    uint64_t burst;
    uint64_t max_in_flight;
    uint64_t max_items;
};

/* What the keys named may reach besides; "*" as above. */
struct config_rule {
    struct config_place place;
    struct config_strings keys;
    struct config_strings allow;
    struct config_strings deny;
    uint64_t host_header; /* enum allow_deny */
};

/* A secret webhooks are signed with. Two may have one name: the one that is being
 * replaced and the one that replaces it; what is sent is signed with both then. */
struct config_webhook_secret {
    struct config_place place;
    char *name;
    char *secret;               /* "whsec_" and base64 of 24 to 64 bytes */
    struct config_strings keys; /* those that may use it, "*": all; none: everybody */
};

/* A header of what is sent to the collector of spans. */
struct config_header {
    struct config_place place;
    char *name;
    char *value;
};

/* Lists of entries: all of one layout, which assign_entries.c relies on. */
struct config_keys {
    struct config_key *items;
    size_t count;
};
struct config_limits {
    struct config_limit *items;
    size_t count;
};
struct config_rules {
    struct config_rule *items;
    size_t count;
};
struct config_headers {
    struct config_header *items;
    size_t count;
};
struct config_webhook_secrets {
    struct config_webhook_secret *items;
    size_t count;
};
