/* SPDX-License-Identifier: Apache-2.0 */
/* The table of problem types and the documents made from it (RFC 9457). No text of a
 * caller gets into a header from here, only into JSON strings. Used by every part of
 * http/. */
#include "http/problem.h"

#include "http/exchange.h"

#include <jansson.h>
#include <microhttpd.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct problem_row {
    const char *name; /* /problems/NAME */
    int status;
    const char *retry_after; /* seconds, or NULL */
    const char *title;
    const char *help; /* the page: what it means, what to do */
} problems[PROBLEM_COUNT] = {
    [PROBLEM_INVALID_BATCH] =
        {"invalid-batch", 400, NULL, "The batch is not valid",
         "The batch is wrong in its shape: not JSON, an unknown field, a wrong type, a "
         "number out of range, a duplicate id. \"errors\" names each place by its JSON "
         "pointer. Nothing was sent to any upstream. Correct the fields and send the "
         "batch again."},
    [PROBLEM_INVALID_REQUEST] =
        {"invalid-request", 400, NULL, "The HTTP request is not valid",
         "The request line, a header or the query breaks the rules of HTTP/1.1 or is "
         "ambiguous in a way that could make two readers see two different requests. "
         "The connection is closed. \"detail\" says which rule."},
    [PROBLEM_UNAUTHORIZED] =
        {"unauthorized", 401, NULL, "An API key is needed",
         "No API key came with the request, or one that is not known here. Send it as "
         "\"Authorization: Bearer KEY\" or as \"X-Api-Key: KEY\"."},
    [PROBLEM_FORBIDDEN] =
        {"forbidden", 403, NULL, "This caller may not do that",
         "The caller is known, or had to show a client certificate, but may not use "
         "this resource; or a web page of another site tried to change something. Ask "
         "whoever runs this service."},
    [PROBLEM_NOT_FOUND] =
        {"not-found", 404, NULL, "There is nothing at this path",
         "The path is not one of this service. Paths are compared byte by byte: no "
         "trailing slash, no percent escapes. GET / lists them."},
    [PROBLEM_METHOD_NOT_ALLOWED] =
        {"method-not-allowed", 405, NULL, "The method is not allowed here",
         "The path exists, but not for this method. The Allow header lists the ones it "
         "has."},
    [PROBLEM_REQUEST_TIMEOUT] =
        {"request-timeout", 408, NULL, "The request did not arrive in time",
         "The head or the body of the request took longer than the server waits for "
         "it. Nothing was done; the request can be sent again on a new connection."},
    [PROBLEM_LENGTH_REQUIRED] =
        {"length-required", 411, NULL, "The length of the body is needed",
         "The request has neither a Content-Length nor a chunked body."},
    [PROBLEM_CONFIGURATION] =
        {"configuration", 409, NULL, "The configuration is not valid",
         "The configuration was read again and something in it is wrong, or cannot be "
         "had: \"faults\" names each place. The one in use was not changed. Correct the "
         "file and ask again."},
    [PROBLEM_TOO_MANY_ITEMS] =
        {"too-many-items", 413, NULL, "The batch has too many items",
         "The batch has more items than the server takes in one (batch.max_items), or "
         "than the key may send (auth.limits). Split it."},
    [PROBLEM_TOO_LARGE] =
        {"too-large", 413, NULL, "The request is too large",
         "The body is longer than the server takes (server.request_max_bytes), or came "
         "where none belongs. Split the batch, or send less in its bodies."},
    [PROBLEM_URI_TOO_LONG] =
        {"uri-too-long", 414, NULL, "The request target is too long",
         "The path and query are longer than the server takes. Use POST /v1/batch."},
    [PROBLEM_MEDIA_TYPE] =
        {"media-type", 415, NULL, "The media type is not taken",
         "A batch is sent as \"Content-Type: application/json\", in UTF-8 and without "
         "a Content-Encoding."},
    [PROBLEM_MISDIRECTED] =
        {"misdirected", 421, NULL, "The request is for another host",
         "The Host header names none of the hosts this service goes by (server.hosts), "
         "or "
         "for what is an operator's neither one of them nor an address. Nothing was "
         "done. Call it by one of its names."},
    [PROBLEM_HEAD_TOO_LARGE] =
        {"head-too-large", 431, NULL, "The request's headers are too large",
         "The request has more or longer header lines than the server takes."},
    [PROBLEM_RATE_LIMITED] =
        {"rate-limited", 429, "1", "Too many requests",
         "The key is over its items a second (auth.limits; every item of a batch "
         "counts, and a batch passes or is refused whole), or too many wrong keys came "
         "from the address. Nothing was sent to any upstream. Retry-After says when to "
         "come back."},
    [PROBLEM_INTERNAL] =
        {"internal", 500, NULL, "The service failed",
         "This is a bug in the service or a lack of memory. Please report it with the "
         "requestId."},
    [PROBLEM_HTTP_VERSION] = {"http-version", 505, NULL,
                              "The HTTP version is not supported",
                              "HTTP/1.1 and HTTP/1.0 are spoken here."},
    [PROBLEM_OVERLOADED] =
        {"overloaded", 503, "1", "The service is overloaded",
         "The service holds as much as it may: replies not yet read by their clients, "
         "or client connections. Nothing was sent to any upstream. Retry after the "
         "time in Retry-After."},
    [PROBLEM_DRAINING] =
        {"draining", 503, "1", "The service is shutting down",
         "The service finishes the batches it has and takes no new ones. Nothing was "
         "sent to any upstream. Retry; a load balancer sends the next try to another "
         "instance."},
};

int problem_status(enum problem_type type)
{
    return problems[type].status;
}

static json_t *error_list(const struct parse_errors *errors)
{
    json_t *list = json_array();
    for (size_t i = 0; i < errors->count; i++) {
        json_t *entry = json_object();
        json_object_set_new(entry, "pointer", json_string(errors->list[i].pointer));
        json_object_set_new(entry, "detail", json_string(errors->list[i].detail));
        json_array_append_new(list, entry);
    }
    return list;
}

static int append_to_buffer(const char *data, size_t size, void *context)
{
    return buffer_append(context, data, size) ? 0 : -1;
}

static json_t *make_document(enum problem_type type, const char *detail,
                             const char *request_id)
{
    const struct problem_row *row = &problems[type];
    json_t *document = json_object();
    json_object_set_new(document, "type", json_sprintf("/problems/%s", row->name));
    json_object_set_new(document, "title", json_string(row->title));
    json_object_set_new(document, "status", json_integer(row->status));
    if (detail)
        json_object_set_new(document, "detail", json_string(detail));
    json_object_set_new(document, "requestId", json_string(request_id));
    return document;
}

static void write_document(struct buffer *out, json_t *document)
{
    /* Preserves the order of insertion since jansson 2.8. */
    if (json_dump_callback(document, append_to_buffer, out,
                           JSON_ENSURE_ASCII | JSON_COMPACT) != 0)
        out->failed = true;
    buffer_append_byte(out, '\n');
    json_decref(document);
}

void problem_document(struct buffer *out, enum problem_type type, const char *detail,
                      const char *request_id, const struct parse_errors *errors)
{
    json_t *document = make_document(type, detail, request_id);
    if (errors && errors->count)
        json_object_set_new(document, "errors", error_list(errors));
    write_document(out, document);
}

enum { DOCUMENT_MAX = 64 * 1024, LINES_MAX = 4 << 20 };

void problem_message(struct buffer *out, enum problem_type type, const char *detail,
                     const char *request_id)
{
    const struct problem_row *row = &problems[type];
    struct buffer document;
    buffer_init(&document, DOCUMENT_MAX);
    problem_document(&document, type, detail, request_id, NULL);
    buffer_append_format(
        out,
        "HTTP/1.1 %d %s\r\nConnection: close\r\n"
        "Content-Type: application/problem+json\r\nContent-Length: %zu\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "X-Request-Id: %s\r\n",
        row->status, MHD_get_reason_phrase_for((unsigned)row->status), document.len,
        request_id);
    if (row->retry_after)
        buffer_append_format(out, "Retry-After: %s\r\n", row->retry_after);
    buffer_append_text(out, "\r\n");
    buffer_append(out, document.data, document.len);
    buffer_done(&document);
}

/* Without memory for the document the status line alone has to say it. */
static void reply(struct exchange *exchange, enum problem_type type, struct reply *head,
                  struct buffer *document)
{
    const struct problem_row *row = &problems[type];
    head->status = row->status;
    head->content_type = "application/problem+json";
    if (document->failed) {
        buffer_done(document);
        exchange_reply_static(exchange, head, slice_from(""));
        return;
    }
    size_t len;
    char *text = buffer_take(document, &len);
    exchange_reply_text(exchange, head, text, len);
}

void problem_reply(struct exchange *exchange, enum problem_type type, const char *detail,
                   const struct parse_errors *errors)
{
    struct reply head = {.close = type == PROBLEM_DRAINING};
    if (type == PROBLEM_UNAUTHORIZED) {
        head.extra_names[0] = "WWW-Authenticate";
        head.extra_values[0] = "Bearer";
    }
    if (problems[type].retry_after) {
        head.extra_names[0] = "Retry-After";
        head.extra_values[0] = problems[type].retry_after;
    }
    struct buffer document;
    buffer_init(&document, DOCUMENT_MAX);
    problem_document(&document, type, detail, exchange_request_id(exchange), errors);
    reply(exchange, type, &head, &document);
}

void problem_reply_later(struct exchange *exchange, enum problem_type type,
                         const char *detail, unsigned seconds)
{
    char wait[16];
    snprintf(wait, sizeof wait, "%u", seconds);
    struct reply head = {.extra_names = {"Retry-After"}, .extra_values = {wait}};
    struct buffer document;
    buffer_init(&document, DOCUMENT_MAX);
    problem_document(&document, type, detail, exchange_request_id(exchange), NULL);
    reply(exchange, type, &head, &document);
}

void problem_reply_allow(struct exchange *exchange, const char *allow)
{
    struct reply head = {.extra_names = {"Allow"}, .extra_values = {allow}};
    struct buffer document;
    buffer_init(&document, DOCUMENT_MAX);
    problem_document(
        &document, PROBLEM_METHOD_NOT_ALLOWED,
        "this path does not take this method; the Allow header lists those it does",
        exchange_request_id(exchange), NULL);
    reply(exchange, PROBLEM_METHOD_NOT_ALLOWED, &head, &document);
}

static json_t *line_list(struct slice lines)
{
    json_t *list = json_array();
    const char *at = lines.data;
    const char *end = at ? at + lines.len : NULL;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *until = stop ? stop : end;
        json_array_append_new(list, json_stringn(at, (size_t)(until - at)));
        at = stop ? stop + 1 : end;
    }
    return list;
}

void problem_reply_lines(struct exchange *exchange, enum problem_type type,
                         const char *detail, struct slice lines)
{
    struct reply head = {.close = false};
    struct buffer document;
    buffer_init(&document, LINES_MAX);
    json_t *object = make_document(type, detail, exchange_request_id(exchange));
    json_object_set_new(object, "faults", line_list(lines));
    write_document(&document, object);
    reply(exchange, type, &head, &document);
}

bool problem_page(struct buffer *out, struct slice name)
{
    for (size_t i = 0; i < PROBLEM_COUNT; i++) {
        const struct problem_row *row = &problems[i];
        if (!slice_is(name, row->name))
            continue;
        buffer_append_format(out, "%s (%d)\n\n%s\n", row->title, row->status, row->help);
        return true;
    }
    return false;
}
