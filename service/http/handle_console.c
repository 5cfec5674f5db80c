/* SPDX-License-Identifier: Apache-2.0 */
/* The console: its page and the files the page loads. All of them are in the program, and
 * are asked for again by their hash, so a new program shows its new page at once. */
#include "http/asset_choice.h"
#include "http/console_assets.h"
#include "http/exchange.h"
#include "http/handlers.h"
#include "http/problem.h"

/* Nothing from elsewhere, nothing inline, and no text can become markup: what upstreams
 * say is shown on this page. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

static const struct console_asset *find(struct slice name)
{
    for (size_t i = 0; i < console_asset_count; i++) {
        if (slice_is(name, console_assets[i].name))
            return &console_assets[i];
    }
    return NULL;
}

/* The value of a header that comes once; else as if it were not there. */
static struct slice single(const struct exchange *exchange, const char *name)
{
    struct slice value;
    return exchange_headers(exchange, name, &value) == 1 ? value : slice_from("");
}

static void reply_asset(struct exchange *exchange, const struct console_asset *asset)
{
    bool is_gzip = asset_choice_gzip(single(exchange, "Accept-Encoding"));
    const char *etag = is_gzip ? asset->gzip_etag : asset->etag;
    bool is_known =
        asset_choice_is_known(single(exchange, "If-None-Match"), slice_from(etag));
    const struct reply reply = {
        .status = is_known ? 304 : 200,
        .content_type = asset->type,
        .cache_control = "no-cache",
        .extra_names = {"ETag", "Vary", "Content-Security-Policy", "Referrer-Policy",
                        "Cross-Origin-Resource-Policy", "Cross-Origin-Opener-Policy",
                        is_gzip ? "Content-Encoding" : NULL},
        .extra_values = {etag, "Accept-Encoding", policy, "no-referrer", "same-origin",
                         "same-origin", "gzip"},
    };
    struct slice text = is_gzip ? slice_make((const char *)asset->gzip, asset->gzip_len)
                                : slice_make((const char *)asset->data, asset->len);
    exchange_reply_static(exchange, &reply, is_known ? slice_from("") : text);
}

void handle_console_page(struct exchange *exchange)
{
    reply_asset(exchange, find(slice_from("index.html")));
}

void handle_console_asset(struct exchange *exchange)
{
    static const char folder[] = "/console/";
    struct slice path = exchange_path(exchange);
    size_t skip = sizeof folder - 1;
    const struct console_asset *asset =
        find(slice_make(path.data + skip, path.len - skip));
    if (asset)
        reply_asset(exchange, asset);
    else
        problem_reply(exchange, PROBLEM_NOT_FOUND, "the console has no such file", NULL);
}
