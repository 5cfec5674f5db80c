/* SPDX-License-Identifier: Apache-2.0 */
/* The one X-macro of the tree: every metric with its kind, labels and help. Each line
 * becomes an enum value, a slot in the shard and lines of the exposition. No label ever
 * carries a caller's or an upstream's text. */
#pragma once

/* COUNTER(id, name without the gatherd_ prefix, label name or NULL, number of label
 *         values, help); the label values' names stand in exposition.c.
 * GAUGE: the same, may fall. HISTOGRAM(id, name, label, values, help): seconds. */
#define METRICS_TABLE(COUNTER, GAUGE, HISTOGRAM)                                         \
    COUNTER(BATCHES, "batches_total", "result", BATCH_RESULT_COUNT, "Batches by result") \
    COUNTER(ITEMS, "items_total", "code", ITEM_CODE_COUNT,                               \
            "Items by outcome: ok or the error code")                                    \
    COUNTER(RETRIES, "retries_total", "result", RETRY_RESULT_COUNT,                      \
            "Items to be tried again: sent, over_budget, or too_late for the deadline")  \
    COUNTER(HEDGES, "hedges_total", "result", HEDGE_RESULT_COUNT,                        \
            "Second attempts beside a slow first one: won, lost, or over_budget")        \
    COUNTER(FALLBACKS, "fallbacks_total", NULL, 1, "Items answered by their fallback")   \
    COUNTER(REQUESTS, "http_requests_total", "code", STATUS_CLASS_COUNT,                 \
            "Client requests by class of the reply's status")                            \
    COUNTER(CLIENT_CONNECTIONS, "client_connections_opened_total", NULL, 1,              \
            "Client connections adopted")                                                \
    COUNTER(CLIENT_REFUSED, "client_connections_refused_total", "reason",                \
            REFUSAL_REASON_COUNT,                                                        \
            "Client connections answered 503 because of a limit, by whose")              \
    COUNTER(AUTH_REFUSED, "auth_refused_total", "reason", AUTH_REFUSAL_COUNT,            \
            "Requests without a sound key, or held back after too many of them")         \
    COUNTER(CLIENTS_GONE, "clients_gone_total", NULL, 1,                                 \
            "Clients that went away before their reply")                                 \
    COUNTER(UPSTREAM_OPENED, "upstream_connections_opened_total", NULL, 1,               \
            "Connections opened to upstreams")                                           \
    COUNTER(UPSTREAM_REUSED, "upstream_connections_reused_total", NULL, 1,               \
            "Attempts sent on a connection that was open already")                       \
    COUNTER(UPSTREAM_UNASKED, "upstream_unasked_replies_total", NULL, 1,                 \
            "Origins caught sending what nobody had asked for, and trusted with one "    \
            "request per connection for a while")                                        \
    COUNTER(COALESCED, "items_coalesced_total", NULL, 1,                                 \
            "Items that joined the call of an equal one: calls saved")                   \
    COUNTER(HANDED_OVER, "items_handed_over_total", NULL, 1,                             \
            "Items of a long queue that were run by another worker")                     \
    COUNTER(CIRCUITS_OPENED, "circuits_opened_total", NULL, 1,                           \
            "Times an origin that kept failing had its circuit opened")                  \
    COUNTER(UPSTREAM_SENT_BYTES, "upstream_sent_bytes_total", NULL, 1,                   \
            "Bytes of request bodies sent upstream")                                     \
    COUNTER(UPSTREAM_RECEIVED_BYTES, "upstream_received_bytes_total", NULL, 1,           \
            "Bytes of reply bodies received from upstreams, before decoding")            \
    COUNTER(REPLY_BYTES, "reply_bytes_total", NULL, 1,                                   \
            "Bytes of replies given to clients")                                         \
    COUNTER(DNS_LOOKUPS, "dns_lookups_total", "result", DNS_RESULT_COUNT,                \
            "Names asked, by result")                                                    \
    COUNTER(EGRESS_REFUSED, "egress_refused_total", "reason", EGRESS_REASON_COUNT,       \
            "Items refused by the egress policy")                                        \
    COUNTER(EGRESS_WOULD_REFUSE, "egress_would_refuse_total", "reason",                  \
            EGRESS_REASON_COUNT,                                                         \
            "Items, and redirects of items, that egress.mode: report let pass")          \
    COUNTER(CALLER_REFUSED, "caller_refused_total", "limit", CALLER_LIMIT_COUNT,         \
            "Batches over a limit of their caller, or over batch.max_items")             \
    COUNTER(STREAMS, "streams_total", "form", STREAM_FORM_COUNT,                         \
            "Batches streamed, by form")                                                 \
    COUNTER(STREAM_WAITS, "stream_waits_total", NULL, 1,                                 \
            "Times a streamed batch started no further items until its reader had "      \
            "caught up")                                                                 \
    COUNTER(SPANS_EXPORTED, "spans_exported_total", NULL, 1,                             \
            "Spans the collector took (tracing.otlp_endpoint)")                          \
    COUNTER(SPANS_DROPPED, "spans_dropped_total", "reason", SPAN_LOSS_COUNT,             \
            "Spans that were recorded and did not reach the collector")                  \
    COUNTER(RELOADS, "reloads_total", "result", RELOAD_RESULT_COUNT,                     \
            "Times the configuration was read again, by whether it came into use")       \
    GAUGE(CONFIG_GENERATION, "config_generation", NULL, 1,                               \
          "The configuration in use: 1 at the start, one more with each reload")         \
    GAUGE(CONFIG_LOADED, "config_last_reload_success_timestamp_seconds", NULL, 1,        \
          "When the configuration in use was read, since 1970")                          \
    GAUGE(BATCHES_IN_FLIGHT, "batches_in_flight", NULL, 1, "Batches being gathered")     \
    GAUGE(ITEMS_IN_FLIGHT, "items_in_flight", NULL, 1,                                   \
          "Items dispatched, not yet ended")                                             \
    GAUGE(ITEMS_QUEUED, "items_queued", NULL, 1, "Items waiting for a slot")             \
    GAUGE(CLIENT_OPEN, "client_connections", NULL, 1, "Client connections open")         \
    GAUGE(UPSTREAM_OPEN, "upstream_connections", NULL, 1,                                \
          "Upstream sockets open, idle ones included")                                   \
    HISTOGRAM(BATCH_SECONDS, "batch_duration_seconds", NULL, 1,                          \
              "From the parsed batch to its reply")                                      \
    HISTOGRAM(PHASE_SECONDS, "item_phase_duration_seconds", "phase", PHASE_LABEL_COUNT,  \
              "Time of each phase of an item")                                           \
    HISTOGRAM(LOOP_LAG_SECONDS, "loop_lag_seconds", NULL, 1,                             \
              "How long one turn of a worker's loop kept others waiting")
