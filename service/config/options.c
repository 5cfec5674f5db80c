/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options, and nothing else: no parsing, no printing. Its order is the order
 * of the shipped file and of the reference. The defaults are written as in the file and
 * go through the same parser and checks, so a wrong default fails the first unit test. */
#include "config/options.h"

#include "config/options_entries.h"
#include "config/syntax.h"

#include <stddef.h>

/* No clock runs longer than this. */
enum { HOUR = 3600 * 1000 };

const struct option_section option_sections[] = {
    {"server", "The front: who may connect, and how long a client may take"},
    {"server.tls", "TLS for server.listen; certificate and key together switch it on"},
    {"ops", "Health, readiness and metrics on addresses of their own"},
    {"auth", "Who may send batches"},
    {"batch", "The ceilings of one batch"},
    {"fetch", "The upstream side: the clocks and ceilings of one item"},
    {"breaker",
     "Circuit breaker: an origin (scheme, host, port) that keeps failing is "
     "left alone for a while, its items answer circuit_open at once. Off until "
     "consecutive_failures or failure_ratio is given"},
    {"dns", "Name resolution, done by gatherd itself"},
    {"egress", "What callers may reach through gatherd"},
    {"webhooks", "Signatures for items that ask for one (sign)"},
    {"memory", "What the process as a whole may hold"},
    {"process", "What the process gives up when it has started"},
    {"tracing", "W3C Trace Context and spans for OpenTelemetry"},
    {"log", "One line per batch and per event, on standard error"},
};
const size_t option_sections_count = sizeof option_sections / sizeof *option_sections;

const struct option options_table[] = {
    {.path = "server.listen",
     .type = OPTION_STRINGS,
     .fallback = "[\"127.0.0.1:8080\"]",
     .min = 1,
     .max = 16,
     .offset = offsetof(struct config, server.listen),
     .check = syntax_is_listen,
     .help = "Where to listen: \"host:port\", \"[v6]:port\", \"unix:/path\" or "
             "\"fd:3\" (a socket handed over by the service manager), \"fd:NAME\" (those "
             "that its socket unit calls so); of a manager's sockets also the one that "
             "is bound to \"host:port\" or \"unix:/path\" is used"},
    {.path = "server.hosts",
     .type = OPTION_STRINGS,
     .fallback = "[]",
     .max = 64,
     .offset = offsetof(struct config, server.hosts),
     .check = syntax_is_own_host,
     .help = "Names clients may call the service by, without a port; a request to "
             "server.listen with another Host gets 421. Keeps web pages that point "
             "their own name here (DNS rebinding) out; []: any Host"},
    {.path = "server.workers",
     .type = OPTION_WORKERS,
     .fallback = "auto",
     .min = 1,
     .max = 256,
     .offset = offsetof(struct config, server.workers),
     .help = "Threads, each with a loop of its own; auto: one per CPU the process "
             "may use (affinity and control group quota)"},
    {.path = "server.share_batches",
     .type = OPTION_CHOICE,
     .fallback = "auto",
     .choices = "auto always never",
     .offset = offsetof(struct config, server.share_batches),
     .help = "Whether workers that have nothing to start run items from another's long "
             "queue, as that of a large batch, which may then have fetch.per_origin "
             "items of an origin in flight on each; auto: while not all CPUs are taken"},
    {.path = "server.max_connections",
     .type = OPTION_NUMBER,
     .fallback = "10000",
     .min = 1,
     .max = 1000000,
     .offset = offsetof(struct config, server.max_connections),
     .help = "Open client connections; the next one gets 503 with Retry-After and "
             "is closed"},
    {.path = "server.max_connections_per_address",
     .type = OPTION_NUMBER,
     .fallback = "0",
     .max = 1000000,
     .offset = offsetof(struct config, server.max_connections_per_address),
     .help = "Of those, the ones one client address may have, for IPv6 one /64; the "
             "next one gets 503. 0: no limit of its own, because behind a proxy all "
             "clients have one address; never for loopback, unix sockets and "
             "ops.listen"},
    {.path = "server.head_max_bytes",
     .type = OPTION_SIZE,
     .fallback = "16KiB",
     .min = 4096,
     .max = 256 * 1024,
     .offset = offsetof(struct config, server.head_max_bytes),
     .help = "The head of one request, with 64 bytes for each of its lines and of the "
             "parameters in its URL. Each client connection has so much memory, "
             "cleared for each request"},
    {.path = "server.request_max_bytes",
     .type = OPTION_SIZE,
     .fallback = "4MiB",
     .min = 1024,
     .max = 1ULL << 30,
     .offset = offsetof(struct config, server.request_max_bytes),
     .help = "The body of one request"},
    {.path = "server.head_timeout",
     .type = OPTION_DURATION,
     .fallback = "5s",
     .min = 1,
     .max = HOUR,
     .offset = offsetof(struct config, server.head_timeout_ms),
     .help = "From the first byte of a request to the end of its head"},
    {.path = "server.body_timeout",
     .type = OPTION_DURATION,
     .fallback = "15s",
     .min = 1,
     .max = HOUR,
     .offset = offsetof(struct config, server.body_timeout_ms),
     .help = "From the end of the head to the end of the body"},
    {.path = "server.idle_timeout",
     .type = OPTION_DURATION,
     .fallback = "60s",
     .min = 1,
     .max = HOUR,
     .offset = offsetof(struct config, server.idle_timeout_ms),
     .help = "Between two requests of a kept-alive connection"},
    {.path = "server.write_timeout",
     .type = OPTION_DURATION,
     .fallback = "30s",
     .min = 1,
     .max = HOUR,
     .offset = offsetof(struct config, server.write_timeout_ms),
     .help = "Without progress while the reply is sent"},
    {.path = "server.write_rate_min",
     .type = OPTION_SIZE,
     .fallback = "4KiB",
     .max = 1ULL << 30,
     .offset = offsetof(struct config, server.write_rate_min),
     .help = "Bytes a second: a reply that has not left after write_timeout and its "
             "length at this rate is cut off; while memory.reply_budget is nearly full, "
             "at 256 times this rate. 0B: never"},
    {.path = "server.handover",
     .type = OPTION_TEXT,
     .fallback = "\"\"",
     .offset = offsetof(struct config, server.handover),
     .check = syntax_is_handover,
     .help = "\"unix:/path\": a gatherd that is started with the same path, by the same "
             "user, takes the listening sockets over from the one that runs, which then "
             "finishes its batches and ends: a restart that refuses nobody. \"\": none"},
    {.path = "server.drain_delay",
     .type = OPTION_DURATION,
     .fallback = "0s",
     .max = HOUR,
     .offset = offsetof(struct config, server.drain_delay_ms),
     .help = "After SIGTERM: how long it serves on, connections included, while /readyz "
             "says 503 and replies close their connections, so that balancers look "
             "elsewhere before it is gone: longer than they take to notice"},
    {.path = "server.drain_timeout",
     .type = OPTION_DURATION,
     .fallback = "20s",
     .max = HOUR,
     .offset = offsetof(struct config, server.drain_timeout_ms),
     .help = "After SIGTERM and drain_delay: how long accepted batches may still take"},
    {.path = "server.overload_delay",
     .type = OPTION_DURATION,
     .fallback = "100ms",
     .max = HOUR,
     .offset = offsetof(struct config, server.overload_delay_ms),
     .help =
         "When items have to wait this long for their turn, for 100 ms on end, new "
         "batches get 503 until it is shorter again; waiting for one upstream's slots "
         "does not count, for a place under fetch.max_in_flight it does. 0s: never"},
    {.path = "server.tls.certificate",
     .type = OPTION_FILE,
     .fallback = "\"\"",
     .offset = offsetof(struct config, server.tls_certificate),
     .check = syntax_is_pem,
     .help = "File with the certificate chain, PEM; empty: no TLS"},
    {.path = "server.tls.key",
     .type = OPTION_SECRET_FILE,
     .fallback = "\"\"",
     .offset = offsetof(struct config, server.tls_key),
     .check = syntax_is_pem,
     .help = "File with the private key, PEM"},
    {.path = "server.tls.client_ca",
     .type = OPTION_FILE,
     .fallback = "\"\"",
     .offset = offsetof(struct config, server.tls_client_ca),
     .check = syntax_is_pem,
     .help = "File with the authorities client certificates must come from, PEM; "
             "empty: none is asked for"},
    {.path = "ops.listen",
     .type = OPTION_STRINGS,
     .fallback = "[]",
     .max = 16,
     .offset = offsetof(struct config, ops.listen),
     .check = syntax_is_listen,
     .help = "Addresses for /metrics and /readyz, which are then only there; "
             "/healthz is there too"},
    {.path = "auth.mode",
     .type = OPTION_CHOICE,
     .fallback = "auto",
     .choices = "auto none keys",
     .offset = offsetof(struct config, auth.mode),
     .help = "auto: keys are asked for when there are any, and there must be some "
             "unless every listener is on this machine; none: open to everybody; "
             "keys: always"},
    {.path = "auth.keys",
     .type = OPTION_ENTRIES,
     .fallback = "[]",
     .max = 1000,
     .offset = offsetof(struct config, auth.keys),
     .entry = &option_keys,
     .help = "The keys, each {name: billing, id: \"<12 hex digits>\", sha256: \"<64 hex "
             "digits>\"} as gatherd key new prints it; sha256 may be file:/path, id is "
             "left out for keys that have none. Two keys may have one name, so that one "
             "can replace the other"},
    {.path = "auth.limits",
     .type = OPTION_ENTRIES,
     .fallback = "[]",
     .max = 1000,
     .offset = offsetof(struct config, auth.limits),
     .entry = &option_limits,
     .help =
         "What keys may ask for, each {keys: [billing], items_per_second: 500, burst: "
         "1000, max_in_flight: 200, max_items: 100} with what is to be limited; keys: "
         "[\"*\"] is every key no other entry names. Every item of a batch counts, "
         "and every redirect followed; "
         "burst is how many may come at once, unless given the larger of "
         "items_per_second and the largest batch; items over max_in_flight wait"},
    {.path = "auth.failures_per_minute",
     .type = OPTION_NUMBER,
     .fallback = "20",
     .max = 1000000,
     .offset = offsetof(struct config, auth.failures_per_minute),
     .help = "Wrong keys from one address (IPv6: one /64), counted by each worker; "
             "above it the address gets 429 until the minute is over, unless a sound "
             "key came from it in the last ten minutes. 0: not limited"},
    {.path = "batch.max_items",
     .type = OPTION_NUMBER,
     .fallback = "1000",
     .min = 1,
     .max = 100000,
     .offset = offsetof(struct config, batch.max_items),
     .help = "Items of one batch"},
    {.path = "batch.deadline",
     .type = OPTION_DURATION,
     .fallback = "15s",
     .min = 1,
     .max = HOUR,
     .offset = offsetof(struct config, batch.deadline_ms),
     .help = "For the whole batch, when it names none"},
    {.path = "batch.max_deadline",
     .type = OPTION_DURATION,
     .fallback = "120s",
     .min = 1,
     .max = HOUR,
     .offset = offsetof(struct config, batch.max_deadline_ms),
     .help = "The longest deadline a batch may ask for"},
    {.path = "batch.concurrency",
     .type = OPTION_NUMBER,
     .fallback = "0",
     .max = 100000,
     .offset = offsetof(struct config, batch.concurrency),
     .help = "Items of one batch in flight at once; 0: no limit of its own"},
    {.path = "batch.reply_max_bytes",
     .type = OPTION_SIZE,
     .fallback = "64MiB",
     .min = 1024,
     .max = 4ULL << 30,
     .offset = offsetof(struct config, batch.reply_max_bytes),
     .help = "Upstream bodies held for one batch; above it the remaining bodies "
             "fail"},
#include "config/options_upstream.inc"
    {.path = "egress.mode",
     .type = OPTION_CHOICE,
     .fallback = "enforce",
     .choices = "enforce report",
     .offset = offsetof(struct config, egress.mode),
     .help = "report: what would be refused is fetched all the same, counted and logged. "
             "gatherd's own listeners and metadata services, which only their exact "
             "address in allow opens, stay refused"},
    {.path = "egress.schemes",
     .type = OPTION_STRINGS,
     .fallback = "[http, https]",
     .min = 1,
     .max = 2,
     .offset = offsetof(struct config, egress.schemes),
     .check = syntax_is_scheme,
     .help = "Schemes of URLs"},
    {.path = "egress.ports",
     .type = OPTION_STRINGS,
     .fallback = "[\"80\", \"443\", \"1024-65535\"]",
     .max = 256,
     .offset = offsetof(struct config, egress.ports),
     .check = syntax_is_ports,
     .help = "Ports and ranges of ports"},
    {.path = "egress.deny_ports",
     .type = OPTION_STRINGS,
     .fallback = "[unsafe]",
     .max = 256,
     .offset = offsetof(struct config, egress.deny_ports),
     .check = syntax_is_deny_ports,
     .help = "Ports refused all the same; unsafe: those the Fetch standard blocks, "
             "and the usual data stores; [] for none"},
    {.path = "egress.private_addresses",
     .type = OPTION_CHOICE,
     .fallback = "deny",
     .choices = "deny allow",
     .offset = offsetof(struct config, egress.private_addresses),
     .help = "Loopback, link-local, private, carrier-grade NAT, metadata, multicast "
             "and reserved addresses, also inside IPv6"},
    {.path = "egress.allow",
     .type = OPTION_STRINGS,
     .fallback = "[]",
     .max = 4096,
     .offset = offsetof(struct config, egress.allow),
     .check = syntax_is_egress_rule,
     .help = "Exceptions: \"10.1.0.0/16\", \"host.example\", \"*.svc.example\", "
             "\"10.1.2.3:9000\""},
    {.path = "egress.deny",
     .type = OPTION_STRINGS,
     .fallback = "[]",
     .max = 4096,
     .offset = offsetof(struct config, egress.deny),
     .check = syntax_is_egress_rule,
     .help = "In the same form; wins over allow"},
    {.path = "egress.rules",
     .type = OPTION_ENTRIES,
     .fallback = "[]",
     .max = 1000,
     .offset = offsetof(struct config, egress.rules),
     .entry = &option_rules,
     .help = "For some keys only, each {keys: [billing], allow: [...], deny: [...], "
             "host_header: allow}: on top of allow and deny, and any deny wins; keys: "
             "[\"*\"] is every key no other entry names. host_header: allow lets them "
             "send a Host of their own; the URL stays what is judged"},
    {.path = "egress.insecure_redirects",
     .type = OPTION_CHOICE,
     .fallback = "deny",
     .choices = "deny allow",
     .offset = offsetof(struct config, egress.insecure_redirects),
     .help = "Redirects from https to http"},
    {.path = "webhooks.secrets",
     .type = OPTION_ENTRIES,
     .fallback = "[]",
     .max = 1000,
     .offset = offsetof(struct config, webhooks.secrets),
     .entry = &option_webhook_secrets,
     .help =
         "What items may be signed with, each {name: orders, secret: "
         "\"file:/path\", keys: [billing]}; the secret is whsec_ and the base64 of 24 "
         "to 64 bytes. keys: which API keys may use it, [\"*\"] for all; must be "
         "given where there are auth.keys. Two secrets may have one name, so that "
         "one can replace the other: what is sent is signed with both"},
    {.path = "memory.reply_budget",
     .type = OPTION_SIZE,
     .fallback = "512MiB",
     .min = 1024,
     .max = 1ULL << 40,
     .offset = offsetof(struct config, memory.reply_budget),
     .help = "Bytes of replies held at once; above it new batches get 503"},
    {.path = "memory.request_budget",
     .type = OPTION_SIZE,
     .fallback = "256MiB",
     .min = 64 * 1024,
     .max = 1ULL << 40,
     .offset = offsetof(struct config, memory.request_budget),
     .help = "Bytes of requests held at once: bodies, and the documents read from them "
             "with the bodies of their items, of which one may take a quarter; above it "
             "new batches get 503"},
    {.path = "process.sandbox",
     .type = OPTION_BOOL,
     .fallback = "off",
     .offset = offsetof(struct config, process.sandbox),
     .help = "on: a system call filter (seccomp) and, where the kernel has it, "
             "Landlock: no program is started, no file written, none read but the "
             "few a serving gatherd needs"},
    {.path = "process.core_dumps",
     .type = OPTION_BOOL,
     .fallback = "off",
     .offset = offsetof(struct config, process.core_dumps),
     .help = "on: a crash may leave a core file and a debugger may attach; both "
             "show keys and bodies"},
    {.path = "tracing.propagate",
     .type = OPTION_BOOL,
     .fallback = "on",
     .offset = offsetof(struct config, tracing.propagate),
     .help = "on: the traceparent and tracestate of a batch go on to upstreams, but for "
             "items that name a traceparent of their own"},
    {.path = "log.level",
     .type = OPTION_CHOICE,
     .fallback = "info",
     .choices = "error warning info debug",
     .offset = offsetof(struct config, log.level),
     .help = "The least serious events that are written"},
    {.path = "log.format",
     .type = OPTION_CHOICE,
     .fallback = "json",
     .choices = "json text auto",
     .offset = offsetof(struct config, log.format),
     .help = "json for machines, text for people (with colours on a terminal, unless "
             "NO_COLOR is set); auto: text on a terminal, else json"},
    {.path = "log.access",
     .type = OPTION_BOOL,
     .fallback = "on",
     .offset = offsetof(struct config, log.access),
     .help = "A line for each batch"},
    {.path = "log.items",
     .type = OPTION_CHOICE,
     .fallback = "none",
     .choices = "none failed all",
     .offset = offsetof(struct config, log.items),
     .help = "A line for each item of a batch, for those that failed, or for none; "
             "lines that standard error has no room for are dropped and counted"},
    {.path = "log.redact",
     .type = OPTION_CHOICE,
     .fallback = "secrets",
     .choices = "secrets query",
     .offset = offsetof(struct config, log.redact),
     .help = "What is hidden of an item's URL: the values of parameters whose names look "
             "like a credential's (key, token, signature …), or all of the query. "
             "Headers and bodies are never logged"},
};
const size_t options_count = sizeof options_table / sizeof *options_table;
