/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of auth.keys, auth.limits, egress.rules, tracing.headers and
 * webhooks.secrets, and nothing else. The table of options names them; assign_entries.c
 * reads by them, the schema is made from them. */
#include "config/options_entries.h"

#include "config/syntax.h"

#include <stddef.h>

enum { KEYS_MAX = 1000, LIST_MAX = 4096 };
/* A rate is kept as nanoseconds an item (base/rate.h). */
enum { RATE_MAX = 1000000 };

static const struct option key_fields[] = {
    {.path = "auth.keys.name",
     .type = OPTION_TEXT,
     .offset = offsetof(struct config_key, name),
     .check = syntax_is_key_name,
     .is_required = true},
    {.path = "auth.keys.id",
     .type = OPTION_TEXT,
     .offset = offsetof(struct config_key, id),
     .check = syntax_is_key_id},
    {.path = "auth.keys.sha256",
     .type = OPTION_HASH,
     .offset = offsetof(struct config_key, sha256),
     .is_required = true},
};
const struct option_entry option_keys = {
    .example = "{name: billing, id: \"...\", sha256: \"...\"}",
    .size = sizeof(struct config_key),
    .fields = key_fields,
    .field_count = sizeof key_fields / sizeof *key_fields,
};

static const struct option limit_fields[] = {
    {.path = "auth.limits.keys",
     .type = OPTION_STRINGS,
     .min = 1,
     .max = KEYS_MAX,
     .offset = offsetof(struct config_limit, keys),
     .check = syntax_is_key_choice,
     .is_required = true},
    {.path = "auth.limits.items_per_second",
     .type = OPTION_NUMBER,
     .min = 1,
     .max = RATE_MAX,
     .offset = offsetof(struct config_limit, items_per_second)},
    {.path = "auth.limits.burst",
     .type = OPTION_NUMBER,
     .min = 1,
     .max = RATE_MAX,
     .offset = offsetof(struct config_limit, burst)},
    {.path = "auth.limits.max_in_flight",
     .type = OPTION_NUMBER,
     .min = 1,
     .max = RATE_MAX,
     .offset = offsetof(struct config_limit, max_in_flight)},
    {.path = "auth.limits.max_items",
     .type = OPTION_NUMBER,
     .min = 1,
     .max = 100000,
     .offset = offsetof(struct config_limit, max_items)},
};
const struct option_entry option_limits = {
    .example = "{keys: [billing], items_per_second: 500}",
    .size = sizeof(struct config_limit),
    .fields = limit_fields,
    .field_count = sizeof limit_fields / sizeof *limit_fields,
};

static const struct option rule_fields[] = {
    {.path = "egress.rules.keys",
     .type = OPTION_STRINGS,
     .min = 1,
     .max = KEYS_MAX,
     .offset = offsetof(struct config_rule, keys),
     .check = syntax_is_key_choice,
     .is_required = true},
    {.path = "egress.rules.allow",
     .type = OPTION_STRINGS,
     .max = LIST_MAX,
     .offset = offsetof(struct config_rule, allow),
     .check = syntax_is_egress_rule},
    {.path = "egress.rules.deny",
     .type = OPTION_STRINGS,
     .max = LIST_MAX,
     .offset = offsetof(struct config_rule, deny),
     .check = syntax_is_egress_rule},
    {.path = "egress.rules.host_header",
     .type = OPTION_CHOICE,
     .choices = "deny allow",
     .offset = offsetof(struct config_rule, host_header)},
};
const struct option_entry option_rules = {
    .example = "{keys: [billing], allow: [10.1.0.0/16]}",
    .size = sizeof(struct config_rule),
    .fields = rule_fields,
    .field_count = sizeof rule_fields / sizeof *rule_fields,
};

static const struct option header_fields[] = {
    {.path = "tracing.headers.name",
     .type = OPTION_TEXT,
     .offset = offsetof(struct config_header, name),
     .check = syntax_is_export_header,
     .is_required = true},
    {.path = "tracing.headers.value",
     .type = OPTION_SECRET,
     .max = 8192,
     .offset = offsetof(struct config_header, value),
     .check = syntax_is_header_text,
     .is_required = true},
};
const struct option_entry option_headers = {
    .example = "{name: authorization, value: \"file:/...\"}",
    .size = sizeof(struct config_header),
    .fields = header_fields,
    .field_count = sizeof header_fields / sizeof *header_fields,
};

static const struct option webhook_secret_fields[] = {
    {.path = "webhooks.secrets.name",
     .type = OPTION_TEXT,
     .offset = offsetof(struct config_webhook_secret, name),
     .check = syntax_is_key_name,
     .is_required = true},
    {.path = "webhooks.secrets.secret",
     .type = OPTION_SECRET,
     .max = 4096,
     .offset = offsetof(struct config_webhook_secret, secret),
     .check = syntax_is_webhook_secret,
     .is_required = true},
    {.path = "webhooks.secrets.keys",
     .type = OPTION_STRINGS,
     .min = 1,
     .max = KEYS_MAX,
     .offset = offsetof(struct config_webhook_secret, keys),
     .check = syntax_is_key_choice},
};
const struct option_entry option_webhook_secrets = {
    .example = "{name: orders, secret: \"file:/...\", keys: [billing]}",
    .size = sizeof(struct config_webhook_secret),
    .fields = webhook_secret_fields,
    .field_count = sizeof webhook_secret_fields / sizeof *webhook_secret_fields,
};
