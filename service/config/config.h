/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as one read-only value. Made by config_load, at the start and for
 * each reload, never changed, read by every thread; names and defaults are those of the
 * options table (options.h). Durations are in ms, sizes in bytes; 0 means what the
 * option's help says. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "config/config_entries.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum auth_mode { AUTH_AUTO, AUTH_NONE, AUTH_KEYS };
enum allow_deny { POLICY_DENY, POLICY_ALLOW };
enum egress_mode { EGRESS_ENFORCE, EGRESS_REPORT };
enum batch_sharing { SHARE_AUTO, SHARE_ALWAYS, SHARE_NEVER };
enum breaker_scope { BREAKER_SCOPE_CALLER, BREAKER_SCOPE_PROCESS };
enum log_items { LOG_ITEMS_NONE, LOG_ITEMS_FAILED, LOG_ITEMS_ALL };

struct config {
    struct {
        struct config_strings listen;
        uint64_t workers;            /* 0: auto */
        uint64_t share_batches;      /* enum batch_sharing */
        struct config_strings hosts; /* none: any Host is taken */
        uint64_t max_connections;
        uint64_t max_connections_per_address; /* 0: no limit of its own */
        uint64_t head_max_bytes;
        uint64_t request_max_bytes;
        uint64_t head_timeout_ms;
        uint64_t body_timeout_ms;
        uint64_t idle_timeout_ms;
        uint64_t write_timeout_ms;
        uint64_t write_rate_min; /* bytes a second; 0: none */
        char *handover;          /* "unix:/path"; "": none */
        uint64_t drain_delay_ms;
        uint64_t drain_timeout_ms;
        bool server_timing;
        uint64_t overload_delay_ms; /* 0: never shed */
        char *tls_certificate;      /* PEM text, read from the file named; "" for none */
        char *tls_key;
        char *tls_client_ca;
        unsigned char tls_key_sha256[32]; /* of tls_key: stays when that is wiped */
    } server;
    struct {
        struct config_strings listen;
    } ops;
    struct {
        uint64_t mode; /* enum auth_mode */
        struct config_keys keys;
        struct config_limits limits;
        uint64_t failures_per_minute; /* 0: not limited */
    } auth;
    struct {
        uint64_t max_items;
        uint64_t deadline_ms;
        uint64_t max_deadline_ms;
        uint64_t concurrency; /* 0: no limit of its own */
        uint64_t reply_max_bytes;
    } batch;
    struct {
        uint64_t timeout_ms;
        uint64_t connect_timeout_ms;
        uint64_t first_byte_timeout_ms;
        uint64_t idle_timeout_ms;
        uint64_t queue_timeout_ms; /* 0: only the deadline bounds it */
        uint64_t body_max_bytes;
        uint64_t headers_max_bytes;
        uint64_t max_in_flight;
        uint64_t per_origin;
        uint64_t max_redirects;
        uint64_t retries;      /* of an item that does not say */
        uint64_t retry_budget; /* percent of the requests */
        uint64_t keep_alive_ms;
        bool http2;
        char *user_agent;
        char *ca_file;         /* "": the system's bundle */
        char *proxy;           /* "": none */
        char *deadline_header; /* "": none */
    } fetch;
    struct {
        uint64_t consecutive_failures; /* 0: not looked at */
        uint64_t failure_ratio;        /* percent; 0: not looked at */
        uint64_t window_ms;
        uint64_t min_requests;
        uint64_t open_ms;
        uint64_t open_max_ms;
        uint64_t probes;
        uint64_t scope; /* enum breaker_scope */
    } breaker;
    struct {
        uint64_t timeout_ms;
        uint64_t cache_max;
        uint64_t ttl_max_ms;
    } dns;
    struct {
        uint64_t mode; /* enum egress_mode */
        struct config_strings schemes;
        struct config_strings ports;
        struct config_strings deny_ports;
        uint64_t private_addresses; /* enum allow_deny */
        struct config_strings allow;
        struct config_strings deny;
        struct config_rules rules;
        uint64_t insecure_redirects; /* enum allow_deny: from https to http */
    } egress;
    struct {
        struct config_webhook_secrets secrets;
    } webhooks;
    struct {
        uint64_t reply_budget;
        uint64_t request_budget;
    } memory;
    struct {
        bool sandbox;
        bool core_dumps;
    } process;
    struct {
        bool propagate;
        char *otlp_endpoint;   /* "": nothing is recorded */
        uint64_t sample_ratio; /* millionths of the traces that begin here */
        struct config_headers headers;
        char *service_name;
        uint64_t queue_max_bytes;
    } tracing;
    struct {
        uint64_t level;  /* enum log_level */
        uint64_t format; /* enum log_format */
        bool access;
        uint64_t items;  /* enum log_items */
        uint64_t redact; /* enum redact_mode */
    } log;
    struct config_strings files; /* whose content is in it: file:/path, certificates */
};

/* One `--set path=value`; value as it would stand in the file (a YAML flow value). */
struct config_override {
    const char *path;
    const char *value;
};

/* config_load reads `file` (NULL: defaults only), applies `overrides`, checks everything.
 * On failure returns NULL and appends every fault to `faults`, one a line, as
 * "file:line:column: key: what is wrong" ("--set path=value: …" for overrides). On
 * success `faults` holds warnings in the same form, if there are any. Environment
 * references and "file:/path" secrets are resolved here and nowhere else. */
struct config *config_load(const char *file, const struct config_override *overrides,
                           size_t override_count, struct buffer *faults) MUST_CHECK;
/* config_defaults is config_load(NULL, NULL, 0, …), which cannot fail. */
struct config *config_defaults(void);
void config_free(struct config *config); /* wipes secrets; NULL is fine */
/* config_forget_tls_key wipes the text of server.tls.key: called once its users have made
 * their own of it. It is "" afterwards. Before threads start. */
void config_forget_tls_key(struct config *config);

/* config_versions appends "libyaml 0.2.5", a line of its own. */
void config_versions(struct buffer *out);
