/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of the demo upstream: good replies of each kind, delays, and the failures an
 * upstream can show without malice. Every number is bounded, nothing is read from disk
 * and nothing kept between requests. Called by demo.c for each complete request. */
#include "http/demo_routes.h"

#include "base/json_text.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    BYTES_MAX = 64 << 20,
    REDIRECTS_MAX = 50,
    TRUNCATE_PROMISED = 1000,
    TRUNCATE_SENT = 500,
    BLOCK = 32 * 1024, /* of a body made while it is sent */
};

/* 8 by 8 pixels. */
static const unsigned char image[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
    0x44, 0x52, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x08, 0x08, 0x02, 0x00, 0x00,
    0x00, 0x4b, 0x6d, 0x29, 0xdc, 0x00, 0x00, 0x00, 0x6d, 0x49, 0x44, 0x41, 0x54, 0x78,
    0xda, 0x15, 0xce, 0x51, 0x11, 0x00, 0x51, 0x08, 0x42, 0x51, 0xa3, 0x18, 0x85, 0x28,
    0x44, 0x31, 0xca, 0x8d, 0x42, 0x14, 0xa2, 0xec, 0x5b, 0x3f, 0x39, 0x0c, 0xe3, 0xcc,
    0xb0, 0x83, 0x06, 0x0f, 0x37, 0x30, 0x64, 0xe8, 0x30, 0xb3, 0xec, 0xa2, 0xc5, 0xcb,
    0x2d, 0x2c, 0x59, 0xba, 0x0f, 0xc4, 0x0a, 0x09, 0x8b, 0x13, 0x88, 0x88, 0xea, 0x81,
    0x59, 0x23, 0x63, 0x73, 0x06, 0x13, 0x53, 0x3f, 0x38, 0xf6, 0xd0, 0xe1, 0xe3, 0x0e,
    0x8e, 0x1c, 0xbd, 0x07, 0xff, 0xec, 0x1b, 0x78, 0xd5, 0x17, 0xfe, 0x17, 0xe8, 0x7b,
    0x62, 0xc2, 0x06, 0x05, 0x87, 0xcb, 0x1f, 0x27, 0x34, 0x0f, 0xca, 0x16, 0x15, 0x97,
    0xeb, 0x5f, 0x4e, 0x69, 0xf9, 0x00, 0xde, 0xa8, 0x60, 0x01, 0xb4, 0x9b, 0xb4, 0x6d,
    0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};

/* {"compressed":true} */
static const unsigned char gzipped[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0x4a, 0xce,
    0xcf, 0x2d, 0x28, 0x4a, 0x2d, 0x2e, 0x4e, 0x4d, 0x51, 0xb2, 0x2a, 0x29, 0x2a, 0x4d,
    0xad, 0xe5, 0x02, 0x00, 0xf3, 0xfd, 0xf8, 0xf8, 0x14, 0x00, 0x00, 0x00,
};

struct demo_route {
    const char *path; /* ends in '/' if a number follows */
    uint64_t min;
    uint64_t max; /* of the number; 0: the route has none */
    const char *help;
    enum MHD_Result (*answer)(struct demo_visit *visit, uint64_t number);
};

/* Takes `response`, with its type if there is one. */
static enum MHD_Result send_response(struct demo_visit *visit, unsigned status,
                                     const char *type, struct MHD_Response *response)
{
    if (!response)
        return MHD_NO;
    if (type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result result = MHD_queue_response(visit->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* A response over bytes that live as long as the program, or NULL. */
static struct MHD_Response *make_static(const void *body, size_t len)
{
    /* MHD's signature lacks a const; in persistent mode it only reads. */
    union {
        const void *read_only;
        void *writable;
    } data = {.read_only = body};
    return MHD_create_response_from_buffer(len, data.writable, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_static(struct demo_visit *visit, const char *type,
                                   const void *body, size_t len)
{
    return send_response(visit, MHD_HTTP_OK, type, make_static(body, len));
}

/* A body in a buffer, which is emptied. */
static enum MHD_Result send_buffer(struct demo_visit *visit, unsigned status,
                                   const char *type, struct buffer *body)
{
    size_t len;
    char *data = body->failed ? NULL : buffer_take(body, &len);
    buffer_done(body);
    if (!data)
        return MHD_NO;
    return send_response(
        visit, status, type,
        MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE));
}

static enum MHD_Result send_number(struct demo_visit *visit, unsigned status,
                                   const char *name, uint64_t number)
{
    struct buffer body;
    buffer_init(&body, 256);
    buffer_append_format(&body, "{\"%s\":%llu}\n", name, (unsigned long long)number);
    return send_buffer(visit, status, "application/json", &body);
}

static enum MHD_Result send_problem(struct demo_visit *visit, unsigned status,
                                    const char *sentence)
{
    struct buffer body;
    buffer_init(&body, 1024);
    buffer_append_format(&body, "%s\n", sentence);
    return send_buffer(visit, status, "text/plain; charset=utf-8", &body);
}

static void on_waited(struct timer *timer)
{
    struct demo_visit *visit = container_of(timer, struct demo_visit, timer);
    list_remove(&visit->waiting);
    visit->has_waited = true;
    MHD_resume_connection(visit->connection);
}

/* Suspends; demo_answer is called again when the time is over. */
static enum MHD_Result wait_for(struct demo_visit *visit, uint64_t ms)
{
    MHD_suspend_connection(visit->connection);
    visit->timer.on_due = on_waited;
    list_push_back(visit->all_waiting, &visit->waiting);
    /* The loop's time is as old as this turn's work; a delay must not come out short. */
    loop_touch(visit->loop);
    loop_timer_set(visit->loop, &visit->timer, visit->loop->now_ms + ms);
    return MHD_YES;
}

static enum MHD_Result answer_json(struct demo_visit *visit, uint64_t number)
{
    static const char body[] = "{\"name\":\"gatherd demo\",\"fan\":\"out\",\"answer\":42,"
                               "\"list\":[1,2,3],\"text\":\"gr\u00fc\u00dfe\"}\n";
    (void)number;
    return send_static(visit, "application/json", body, sizeof body - 1);
}

static enum MHD_Result answer_text(struct demo_visit *visit, uint64_t number)
{
    static const char body[] = "Hello from the demo upstream.\n";
    (void)number;
    return send_static(visit, "text/plain; charset=utf-8", body, sizeof body - 1);
}

static enum MHD_Result answer_image(struct demo_visit *visit, uint64_t number)
{
    (void)number;
    return send_static(visit, "image/png", image, sizeof image);
}

/* Compressed whatever the caller accepts: it is what /gzip is for. */
static enum MHD_Result answer_gzip(struct demo_visit *visit, uint64_t number)
{
    (void)number;
    struct MHD_Response *response = make_static(gzipped, sizeof gzipped);
    if (response)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    return send_response(visit, MHD_HTTP_OK, "application/json", response);
}

static enum MHD_Result answer_status(struct demo_visit *visit, uint64_t number)
{
    if (number == MHD_HTTP_NO_CONTENT || number == MHD_HTTP_NOT_MODIFIED)
        return send_response(visit, (unsigned)number, NULL, make_static("", 0));
    return send_number(visit, (unsigned)number, "status", number);
}

static enum MHD_Result answer_delay(struct demo_visit *visit, uint64_t number)
{
    if (!visit->has_waited)
        return wait_for(visit, number);
    return send_number(visit, MHD_HTTP_OK, "delayedMs", number);
}

/* The alphabet over and over, so that a slip in a body is easy to see. */
static ssize_t make_bytes(void *context, uint64_t position, char *to, size_t max)
{
    (void)context;
    for (size_t i = 0; i < max; i++)
        to[i] = (char)('a' + (position + i) % 26);
    return (ssize_t)max;
}

static enum MHD_Result answer_bytes(struct demo_visit *visit, uint64_t number)
{
    return send_response(
        visit, MHD_HTTP_OK, "text/plain",
        MHD_create_response_from_callback(number, BLOCK, make_bytes, NULL, NULL));
}

static enum MHD_Result append_header(void *context, enum MHD_ValueKind kind,
                                     const char *name, const char *value)
{
    struct buffer *out = context;
    (void)kind;
    if (out->data[out->len - 1] != '{')
        buffer_append_byte(out, ',');
    json_text_append_latin1(out, slice_from(name));
    buffer_append_byte(out, ':');
    json_text_append_latin1(out, slice_from(value ? value : ""));
    return MHD_YES;
}

static enum MHD_Result answer_echo(struct demo_visit *visit, uint64_t number)
{
    (void)number;
    struct slice body = buffer_slice(&visit->body);
    struct buffer out;
    buffer_init(&out, 8 * DEMO_BODY_MAX);
    buffer_append_text(&out, "{\"method\":");
    json_text_append_latin1(&out, slice_from(visit->method));
    buffer_append_text(&out, ",\"target\":");
    json_text_append_latin1(&out, slice_from(visit->target));
    buffer_append_text(&out, ",\"headers\":{");
    if (!out.failed)
        MHD_get_connection_values(visit->connection, MHD_HEADER_KIND, append_header,
                                  &out);
    if (utf8_is_valid(body)) {
        buffer_append_text(&out, "},\"body\":");
        json_text_append_string(&out, body);
    } else {
        buffer_append_text(&out, "},\"bodyBase64\":");
        json_text_append_base64(&out, body);
    }
    buffer_append_text(&out, "}\n");
    return send_buffer(visit, MHD_HTTP_OK, "application/json", &out);
}

static enum MHD_Result answer_redirect(struct demo_visit *visit, uint64_t number)
{
    if (number == 0)
        return answer_json(visit, 0);
    char location[64];
    snprintf(location, sizeof location, "/redirect/%llu", (unsigned long long)number - 1);
    struct MHD_Response *response = make_static("", 0);
    if (response)
        MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, location);
    return send_response(visit, MHD_HTTP_FOUND, NULL, response);
}

static enum MHD_Result fail_by_close(struct demo_visit *visit, uint64_t number)
{
    (void)visit;
    (void)number;
    return MHD_NO;
}

static enum MHD_Result fail_by_reset(struct demo_visit *visit, uint64_t number)
{
    (void)number;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(visit->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    /* MHD ends a connection by shutdown, which is a FIN; dissolving it first sends RST.
     */
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    int dissolved = info ? connect(info->connect_fd, &nobody, sizeof nobody) : -1;
    (void)dissolved;
    return MHD_NO;
}

static ssize_t make_too_few(void *context, uint64_t position, char *to, size_t max)
{
    if (position >= TRUNCATE_SENT)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t left = TRUNCATE_SENT - (size_t)position;
    return make_bytes(context, position, to, left < max ? left : max);
}

static enum MHD_Result fail_by_truncating(struct demo_visit *visit, uint64_t number)
{
    (void)number;
    return send_response(visit, MHD_HTTP_OK, "text/plain",
                         MHD_create_response_from_callback(TRUNCATE_PROMISED, BLOCK,
                                                           make_too_few, NULL, NULL));
}

static enum MHD_Result fail_by_hanging(struct demo_visit *visit, uint64_t number)
{
    (void)number;
    return visit->has_waited ? MHD_NO : wait_for(visit, DEMO_DELAY_MAX_MS);
}

static enum MHD_Result answer_list(struct demo_visit *visit, uint64_t number);

static const struct demo_route routes[] = {
    {"/", 0, 0, "this list", answer_list},
    {"/json", 0, 0, "a JSON document", answer_json},
    {"/text", 0, 0, "a line of text", answer_text},
    {"/image", 0, 0, "a small PNG", answer_image},
    {"/gzip", 0, 0, "JSON, compressed", answer_gzip},
    {"/echo", 0, 0, "method, target, headers and body of the request, as JSON",
     answer_echo},
    {"/status/", 200, 599, "a reply with that status", answer_status},
    {"/delay/", 0, DEMO_DELAY_MAX_MS, "a reply after so many milliseconds", answer_delay},
    {"/bytes/", 0, BYTES_MAX, "a body of that length", answer_bytes},
    {"/redirect/", 0, REDIRECTS_MAX, "so many redirects, then JSON", answer_redirect},
    {"/fail/close", 0, 0, "closes without a reply", fail_by_close},
    {"/fail/reset", 0, 0, "resets the connection", fail_by_reset},
    {"/fail/truncate", 0, 0, "sends half of the body it promised", fail_by_truncating},
    {"/fail/hang", 0, 0, "says nothing for a minute, then closes", fail_by_hanging},
};

enum { ROUTE_COUNT = sizeof routes / sizeof *routes };

static enum MHD_Result answer_list(struct demo_visit *visit, uint64_t number)
{
    (void)number;
    struct buffer body;
    buffer_init(&body, 8192);
    buffer_append_text(&body, "The demo upstream of gatherd. Any method is taken.\n\n");
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s%s", routes[i].path, routes[i].max ? "N" : "");
        buffer_append_format(&body, "  %-16s %s", path, routes[i].help);
        if (routes[i].max)
            buffer_append_format(&body, " (%llu to %llu)",
                                 (unsigned long long)routes[i].min,
                                 (unsigned long long)routes[i].max);
        buffer_append_byte(&body, '\n');
    }
    return send_buffer(visit, MHD_HTTP_OK, "text/plain; charset=utf-8", &body);
}

/* Digits only, at most `max`. */
static bool parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > 10 || text[len])
        return false;
    for (size_t i = 0; i < len; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    *ret_number = number;
    return number <= max;
}

enum MHD_Result demo_answer(struct demo_visit *visit, const char *path)
{
    if (visit->body.failed)
        return send_problem(visit, MHD_HTTP_CONTENT_TOO_LARGE, "the body is over 1 MiB");
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        const struct demo_route *route = &routes[i];
        size_t len = strlen(route->path);
        uint64_t number = 0;
        if (!route->max && strcmp(path, route->path) == 0)
            return route->answer(visit, 0);
        if (!route->max || strncmp(path, route->path, len) != 0)
            continue;
        if (!parse_number(path + len, route->max, &number) || number < route->min)
            return send_problem(
                visit, MHD_HTTP_BAD_REQUEST,
                "the number is missing or out of range: GET / lists them");
        return route->answer(visit, number);
    }
    return send_problem(visit, MHD_HTTP_NOT_FOUND, "no such route: GET / lists them");
}
