/* SPDX-License-Identifier: Apache-2.0 */
/* The page at "/": what this is and where to go. Static but for the version; no script,
 * no request to anywhere, so the strictest policy fits. Called by handle_ops.c. */
#include "http/index_page.h"

const char index_page_policy[] =
    "default-src 'none'; "
    "style-src 'sha256-QdCKD36cfGCFkTJSeZq6Z4YmrZ5N56401HWS1OAHU4k='; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const char before_version[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>gatherd</title>\n"
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:44em;margin:3em auto;"
    "padding:0 1em}pre{background:#8882;padding:1em;overflow-x:auto}"
    ":root{color-scheme:light dark}</style>\n"
    "</head>\n"
    "<body>\n"
    "<h1>gatherd</h1>\n"
    "<p>An HTTP fan-out gateway: one request brings a batch of URLs, all of them are\n"
    "fetched at once, and one JSON document comes back.</p>\n"
    "<p>Version ";

static const char behind_version[] =
    "</p>\n"
    "<h2>Try it</h2>\n"
    "<pre>curl -s http://HOST:PORT/v1/batch -H 'content-type: application/json' \\\n"
    "  -d '{\"urls\": [\"http://a.example/1\", \"http://b.example/2\"]}'</pre>\n"
    "<h2>What is here</h2>\n"
    "<ul>\n";

static const char console_entry[] =
    "<li><a href=\"/console\">/console</a>: compose batches, see them run, and what the\n"
    "service does</li>\n";

static const char behind_console[] =
    "<li><code>POST /v1/batch</code>: run a batch</li>\n"
    "<li><code>GET /v1/batch?url=…&amp;url=…</code>: the same for plain GETs</li>\n"
    "<li><code>POST /v1/explain</code>: what a batch would do; sends nothing</li>\n"
    "<li><a href=\"/openapi.yaml\">/openapi.yaml</a>: the contract of this version</li>\n"
    "<li><a href=\"/healthz\">/healthz</a>: 200 while the process works</li>\n"
    "<li><a href=\"/readyz\">/readyz</a>: 200 while it takes batches</li>\n"
    "<li><a href=\"/metrics\">/metrics</a>: figures for Prometheus</li>\n"
    "<li><a href=\"/problems/invalid-batch\">/problems/…</a>: what a refusal means</li>\n"
    "</ul>\n"
    "</body>\n"
    "</html>\n";

void index_page_write(struct buffer *out, const char *version, bool has_console)
{
    buffer_append_text(out, before_version);
    buffer_append_text(out, version);
    buffer_append_text(out, behind_version);
    if (has_console)
        buffer_append_text(out, console_entry);
    buffer_append_text(out, behind_console);
}
