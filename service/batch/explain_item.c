/* SPDX-License-Identifier: Apache-2.0 */
/* One item: what the policy says of its URL, the limits it gets, what becomes of it when
 * an attempt fails, and the command line. Members that say nothing are left out. The
 * verdicts are those of the fetcher, by the same functions. */
#include "batch/explain_item.h"

#include "base/json_text.h"
#include "batch/answer_shape.h"
#include "batch/curl_line.h"
#include "batch/expect.h"
#include "batch/fallback.h"
#include "batch/references.h"
#include "batch/signing.h"
#include "fetch/call_equal.h"
#include "fetch/decoder.h"
#include "fetch/url.h"

#include <inttypes.h>
#include <string.h>

static void put_text(struct buffer *out, const char *name, struct slice text)
{
    buffer_append_format(out, ",\"%s\":", name);
    json_text_append_string(out, text);
}

static void put_number(struct buffer *out, const char *name, uint64_t number)
{
    buffer_append_format(out, ",\"%s\":%" PRIu64, name, number);
}

/* ----------------------------------------------------------------------------- policy */

static void put_refused(struct buffer *out, enum call_code code, const char *reason)
{
    buffer_append_text(out, "{\"verdict\":\"refused\"");
    put_text(out, "code", slice_from(call_code_row(code)->name));
    put_text(out, "detail", slice_from(reason));
}

static void put_allowed(struct buffer *out, const struct target *target,
                        const char *reported)
{
    buffer_append_text(out, "{\"verdict\":\"allowed\"");
    if (reported)
        buffer_append_format(out,
                             ",\"detail\":\"egress.mode is report: enforced, it would "
                             "be refused: %s\"",
                             reported);
    else if (!target->is_literal)
        buffer_append_text(out,
                           ",\"detail\":\"by its name; its addresses are judged when "
                           "it is looked up\"");
}

/* What the fetcher will say of the URL before it looks the name up. */
static void put_policy(struct buffer *out, const struct guard *guard, struct slice url)
{
    struct target target;
    const char *reason = NULL;
    if (!url_parse(url, &target, &reason)) {
        put_refused(out, CALL_BAD_URL, reason);
        buffer_append_byte(out, '}');
        return;
    }
    enum verdict verdict = guard_judge_target(guard, &target, &reason);
    if (verdict == VERDICT_ALLOW)
        put_allowed(out, &target, reason);
    else
        put_refused(
            out, verdict == VERDICT_BLOCK_URL ? CALL_BLOCKED_URL : CALL_BLOCKED_ADDRESS,
            reason);
    put_text(out, "rule", slice_from(guard_rule(guard, &target, reason)));
    buffer_append_byte(out, '}');
}

/* References leave scheme and host as they are written, so what stands before the first
 * is enough; but a URL may be one reference as a whole. */
static void put_item_policy(struct buffer *out, struct buffer *room,
                            const struct guard *guard, const struct item *item)
{
    const struct references *references =
        item->options ? item->options->references : NULL;
    if (!references || !references->url) {
        put_policy(out, guard, item->url);
        return;
    }
    const char *braces = memmem(item->url.data, item->url.len, "{{", 2);
    size_t len = braces ? (size_t)(braces - item->url.data) : item->url.len;
    if (len == 0) {
        buffer_append_text(out, "{\"verdict\":\"unknown\",\"detail\":\"the URL comes of "
                                "another reply and is judged when it is known\"}");
        return;
    }
    buffer_clear(room);
    buffer_append(room, item->url.data, len);
    const char *before = buffer_text(room);
    put_policy(out, guard, slice_from(before));
}

/* ----------------------------------------------------------------------------- limits */

static void put_lowered(struct buffer *out, const char *name, bool is_lowered,
                        size_t *count)
{
    if (is_lowered)
        buffer_append_format(out, "%s\"%s\"", (*count)++ ? "," : "", name);
}

static void put_limits(struct buffer *out, const struct config *config,
                       const struct item *item)
{
    const struct call *call = &item->call;
    size_t count = 0;
    buffer_append_format(out, ",\"limits\":{\"timeoutMs\":%" PRIu32, call->timeout_ms);
    put_number(out, "connectTimeoutMs", call->connect_timeout_ms);
    put_number(out, "firstByteTimeoutMs", config->fetch.first_byte_timeout_ms);
    put_number(out, "idleTimeoutMs", config->fetch.idle_timeout_ms);
    if (config->fetch.queue_timeout_ms)
        put_number(out, "queueTimeoutMs", config->fetch.queue_timeout_ms);
    put_number(out, "redirects", call->redirects);
    put_number(out, "maxBodyBytes", call->body_max_bytes);
    buffer_append_text(out, ",\"lowered\":[");
    put_lowered(out, "timeoutMs", item->timeout_ms > call->timeout_ms, &count);
    put_lowered(out, "connectTimeoutMs",
                item->connect_timeout_ms > call->connect_timeout_ms, &count);
    put_lowered(out, "redirects", item->redirects > (int64_t)call->redirects, &count);
    put_lowered(out, "maxBodyBytes", item->max_body_bytes > call->body_max_bytes, &count);
    buffer_append_text(out, "]}");
}

/* ---------------------------------------------------------------------------- options */

/* Those that will be made: a method that is not idempotent is not repeated without a key.
 */
static uint64_t retries_of(const struct config *config, const struct item *item)
{
    const struct item_options *options = item->options;
    bool has_key = options && options->idempotency_key.data;
    if (!has_key && !call_method_is_idempotent(item->method))
        return 0;
    return options && options->retries != OPTION_NOT_GIVEN ? (uint64_t)options->retries
                                                           : config->fetch.retries;
}

static void put_expect(struct buffer *out, const struct expectation *expect)
{
    buffer_append_text(out, ",\"expect\":{\"status\":[");
    for (size_t i = 0; i < expect->status_count; i++) {
        unsigned status = expect->statuses[i];
        buffer_append_format(out, status < 10 ? "%s\"%uxx\"" : "%s%u", i ? "," : "",
                             status);
    }
    buffer_append_byte(out, ']');
    if (expect->content_type.data)
        put_text(out, "contentType", expect->content_type);
    if (expect->max_body_bytes >= 0)
        put_number(out, "maxBodyBytes", (uint64_t)expect->max_body_bytes);
    if (expect->body_contains.data)
        put_text(out, "bodyContains", expect->body_contains);
    buffer_append_byte(out, '}');
}

static void put_alternatives(struct buffer *out, const struct guard *guard,
                             const struct item_options *options)
{
    buffer_append_text(out, ",\"alternatives\":[");
    for (size_t i = 0; i < options->alternative_count; i++) {
        buffer_append_text(out, i ? ",{\"policy\":" : "{\"policy\":");
        put_policy(out, guard, options->alternatives[i]);
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, ']');
}

static void put_list(struct buffer *out, const char *name, const struct slice *texts,
                     size_t count)
{
    buffer_append_format(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_byte(out, ',');
        json_text_append_string(out, texts[i]);
    }
    buffer_append_byte(out, ']');
}

static void put_shape(struct buffer *out, const struct answer_shape *shape)
{
    static const char *const modes[] = {[BODY_MODE_FULL] = "full",
                                        [BODY_MODE_NONE] = "none",
                                        [BODY_MODE_SHA256] = "sha256"};
    if (shape->pointer_count)
        put_list(out, "select", shape->pointers, shape->pointer_count);
    if (shape->body_mode == BODY_MODE_FIRST_BYTES)
        buffer_append_format(out, ",\"bodyMode\":{\"firstBytes\":%" PRIu64 "}",
                             shape->first_bytes);
    else if (shape->body_mode != BODY_MODE_NOT_GIVEN)
        put_text(out, "bodyMode", slice_from(modes[shape->body_mode]));
    if (shape->has_headers)
        put_list(out, "responseHeaders", shape->header_names, shape->header_count);
}

static void put_options(struct buffer *out, const struct guard *guard,
                        const struct item_options *options)
{
    if (options->is_optional == 1)
        buffer_append_text(out, ",\"optional\":true");
    if (options->hedge_after_ms >= 0)
        put_number(out, "hedgeAfterMs", (uint64_t)options->hedge_after_ms);
    if (options->alternatives)
        put_alternatives(out, guard, options);
    if (options->expect)
        put_expect(out, options->expect);
    if (options->shape)
        put_shape(out, options->shape);
    if (options->fallback)
        buffer_append_format(out, ",\"fallback\":{\"status\":%d,\"bodyBytes\":%zu}",
                             options->fallback->status, options->fallback->body.len);
    if (options->signing) {
        buffer_append_text(out, ",\"sign\":{\"secret\":");
        json_text_append_string(out, options->signing->name);
        buffer_append_format(out, ",\"scheme\":\"standard-webhooks\",\"signatures\":%zu}",
                             options->signing->secret_count);
    }
}

/* -------------------------------------------------------------------------------- curl
 */

/* What is no URL, or too long to be of use, has none. */
static void put_curl(struct buffer *out, struct buffer *line, const struct config *config,
                     const struct item *item)
{
    struct target target;
    const char *reason;
    if (!url_parse(item->url, &target, &reason))
        return;
    const struct curl_line what = {
        .call = &item->call,
        .user_agent = config->fetch.user_agent ? config->fetch.user_agent : "",
        .codings = DECODER_ACCEPT,
        .left_name = config->fetch.deadline_header ? config->fetch.deadline_header : "",
        .is_signed = item->options && item->options->signing,
    };
    buffer_clear(line);
    curl_line_append(line, &what);
    if (!line->failed)
        put_text(out, "curl", buffer_slice(line));
}

void explain_item(struct buffer *out, struct buffer *line,
                  const struct explain_setup *setup, const struct item *item,
                  struct slice depends)
{
    uint64_t retries = retries_of(setup->config, item);
    buffer_append_text(out, "{\"id\":");
    json_text_append_string(out, item->id);
    put_text(out, "method", slice_from(call_method_name(item->method)));
    buffer_append_text(out, ",\"policy\":");
    put_item_policy(out, line, setup->guard, item);
    put_limits(out, setup->config, item);
    if (item->has_body)
        put_number(out, "bodyBytes", item->body.len);
    if (item->has_shared_body)
        buffer_append_text(out, ",\"sharedBody\":true");
    put_number(out, "retries", retries);
    if (item->call.coalesces && call_may_coalesce(&item->call))
        buffer_append_text(out, ",\"coalesce\":true");
    if (item->options)
        put_options(out, setup->guard, item->options);
    buffer_append(out, depends.data, depends.len);
    put_curl(out, line, setup->config, item);
    buffer_append_byte(out, '}');
}
