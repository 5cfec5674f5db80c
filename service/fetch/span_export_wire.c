/* SPDX-License-Identifier: Apache-2.0 */
/* Here libcurl works by itself, unlike in the lanes: one request of some hundred KB a
 * few times a second needs no care of ours. What it must not do is look names up, for
 * which it would start a thread, or find a proxy. */
#include "fetch/span_export_wire.h"

#include "base/list.h"
#include "base/memory.h"
#include "fetch/pin.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TIMEOUT_MS = 10000, /* OTEL_EXPORTER_OTLP_TIMEOUT */
    CONNECT_TIMEOUT_MS = 5000,
    REPLY_MAX = 64 * 1024,
    SOCKETS = 4, /* of one transfer at a time: one, and one that is being closed */
};

struct wire_socket {
    struct watch watch;
    struct export_wire *wire;
};

struct export_wire {
    struct export_wire_setup setup;
    CURLM *multi;
    CURL *easy;
    bool is_busy;
    bool is_outdated;   /* connections were made with another store */
    struct timer timer; /* libcurl's */
    struct wire_socket sockets[SOCKETS];
    struct curl_slist *headers;
    char pin[PIN_SIZE];
    struct curl_slist pin_node;
    struct buffer reply;
};

/* ---------------------------------------------------------------------- libcurl's */

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct export_wire *wire = data;
    (void)buffer_append(&wire->reply, bytes, size * count); /* too long: not looked at */
    return size * count;
}

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *data)
{
    (void)easy;
    const struct export_wire *wire = data;
    tls_store_attach(wire->setup.tls_store, ssl_ctx);
    return CURLE_OK;
}

static void end(struct export_wire *wire, CURLcode result)
{
    struct export_reply reply = {.status = 0};
    long status = 0;
    curl_off_t wait_s = 0;
    if (result == CURLE_OK) {
        curl_easy_getinfo(wire->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(wire->easy, CURLINFO_RETRY_AFTER, &wait_s);
        reply.body = wire->reply.failed ? slice_from("") : buffer_slice(&wire->reply);
    }
    reply.status = (int)status;
    reply.wait_s = wait_s;
    export_wire_cancel(wire);
    wire->setup.on_reply(wire->setup.context, &reply);
}

static void act(struct export_wire *wire, curl_socket_t fd, int bits)
{
    int running, left;
    CURLMsg *message;
    curl_multi_socket_action(wire->multi, fd, bits, &running);
    while ((message = curl_multi_info_read(wire->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            end(wire, message->data.result);
            return; /* there was but one */
        }
    }
}

static void on_ready(struct watch *watch, uint32_t ready)
{
    struct wire_socket *socket = container_of(watch, struct wire_socket, watch);
    int bits = ((ready & EPOLLIN) ? CURL_CSELECT_IN : 0) |
               ((ready & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
               ((ready & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0);
    act(socket->wire, watch->fd, bits);
}

static void on_due(struct timer *timer)
{
    act(container_of(timer, struct export_wire, timer), CURL_SOCKET_TIMEOUT, 0);
}

static struct wire_socket *socket_of(struct export_wire *wire, curl_socket_t fd)
{
    struct wire_socket *free_one = NULL;
    for (size_t i = 0; i < SOCKETS; i++) {
        struct wire_socket *socket = &wire->sockets[i];
        if (socket->watch.is_watched && socket->watch.fd == fd)
            return socket;
        if (!socket->watch.is_watched)
            free_one = socket;
    }
    return free_one;
}

/* One that cannot be watched is ended by its clock. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *unused)
{
    (void)easy, (void)unused;
    struct export_wire *wire = data;
    struct wire_socket *socket = socket_of(wire, fd);
    if (!socket)
        return 0;
    uint32_t events =
        (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
    if (what == CURL_POLL_REMOVE)
        loop_unwatch(wire->setup.loop, &socket->watch);
    else
        (void)!loop_watch(wire->setup.loop, &socket->watch, fd, events);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *data)
{
    (void)multi;
    struct export_wire *wire = data;
    struct loop *loop = wire->setup.loop;
    if (timeout_ms < 0)
        loop_timer_clear(loop, &wire->timer);
    else
        loop_timer_set(loop, &wire->timer,
                       loop->now_ms + (uint64_t)timeout_ms + (timeout_ms > 0));
    return 0;
}

/* ------------------------------------------------------------------------ requests */

static bool set_multi(CURLM *multi, struct export_wire *wire)
{
    unsigned results = 0;
    results += (unsigned)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    results += (unsigned)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, wire);
    results += (unsigned)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    results += (unsigned)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, wire);
    results += (unsigned)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 1L);
    return results == 0;
}

static void drop_multi(struct export_wire *wire)
{
    if (wire->multi)
        curl_multi_cleanup(wire->multi);
    wire->multi = NULL;
    for (size_t i = 0; i < SOCKETS; i++)
        loop_unwatch(wire->setup.loop, &wire->sockets[i].watch);
    loop_timer_clear(wire->setup.loop, &wire->timer);
}

/* With its connections: none that was verified otherwise is used again. */
static bool renew_multi(struct export_wire *wire)
{
    CURLM *multi = curl_multi_init();
    if (!multi || !set_multi(multi, wire)) {
        curl_multi_cleanup(multi);
        return false;
    }
    drop_multi(wire);
    wire->multi = multi;
    wire->is_outdated = false;
    return true;
}

void export_wire_adopt(struct export_wire *wire, const struct tls_store *tls_store)
{
    wire->is_outdated = wire->is_outdated || wire->setup.tls_store != tls_store;
    wire->setup.tls_store = tls_store;
}

bool export_wire_send(struct export_wire *wire, const char *pin, struct slice body)
{
    CURL *easy = wire->easy;
    unsigned results = 0;
    if (wire->is_outdated && !renew_multi(wire))
        return false;
    snprintf(wire->pin, sizeof wire->pin, "%s", pin);
    wire->pin_node = (struct curl_slist){.data = wire->pin};
    buffer_clear(&wire->reply);
    results += curl_easy_setopt(easy, CURLOPT_CONNECT_TO, &wire->pin_node);
    results += curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data);
    results += curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    if (results != 0 || curl_multi_add_handle(wire->multi, easy) != CURLM_OK)
        return false;
    wire->is_busy = true;
    return true;
}

void export_wire_cancel(struct export_wire *wire)
{
    if (!wire->is_busy)
        return;
    wire->is_busy = false;
    curl_multi_remove_handle(wire->multi, wire->easy);
}

/* ----------------------------------------------------------------------- lifecycle */

static bool add_header(struct export_wire *wire, const char *name, const char *value)
{
    struct buffer text;
    buffer_init(&text, strlen(name) + strlen(value) + 3);
    buffer_append_text(&text, name);
    /* libcurl takes "name;" for an empty value. */
    buffer_append_text(&text, *value ? ": " : ";");
    buffer_append_text(&text, value);
    const char *line = buffer_text(&text);
    struct curl_slist *longer = line ? curl_slist_append(wire->headers, line) : NULL;
    if (text.data)
        explicit_bzero(text.data, text.len);
    buffer_done(&text);
    if (longer)
        wire->headers = longer;
    return longer != NULL;
}

static bool add_headers(struct export_wire *wire)
{
    const struct config_headers *headers = wire->setup.headers;
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    wire->headers = list;
    if (!list || !add_header(wire, "Content-Type", "application/json"))
        return false;
    for (size_t i = 0; i < headers->count; i++) {
        if (!add_header(wire, headers->items[i].name, headers->items[i].value))
            return false;
    }
    return true;
}

static bool set_options(struct export_wire *wire)
{
    CURL *easy = wire->easy;
    unsigned results = 0;
    results += curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    results += curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    results += curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    results += curl_easy_setopt(easy, CURLOPT_PROXY, "");
    results += curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    results += curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    results += curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    results += curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    results +=
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    results += curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    results += curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    results += curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    /* One that is resumed is not verified again, by whatever store. */
    results += curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    results += curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    results += curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, wire);
    results += curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    results += curl_easy_setopt(easy, CURLOPT_WRITEDATA, wire);
    results += curl_easy_setopt(easy, CURLOPT_USERAGENT, "gatherd/" GATHERD_VERSION);
    results += curl_easy_setopt(easy, CURLOPT_URL, wire->setup.url);
    results += curl_easy_setopt(easy, CURLOPT_POST, 1L);
    results += curl_easy_setopt(easy, CURLOPT_HTTPHEADER, wire->headers);
    return results == 0;
}

struct export_wire *export_wire_new(const struct export_wire_setup *setup,
                                    struct error *err)
{
    struct export_wire *wire = memory_new(sizeof *wire);
    wire->setup = *setup;
    wire->timer.on_due = on_due;
    buffer_init(&wire->reply, REPLY_MAX);
    for (size_t i = 0; i < SOCKETS; i++) {
        wire->sockets[i].wire = wire;
        wire->sockets[i].watch.on_ready = on_ready;
    }
    wire->easy = curl_easy_init();
    if (wire->easy && add_headers(wire) && set_options(wire) && renew_multi(wire)) {
        wire->setup.url = NULL; /* libcurl has a copy */
        return wire;
    }
    error_set(err, ERROR_SYSTEM, "libcurl refuses what the exporter of spans needs");
    export_wire_free(wire);
    return NULL;
}

static void wipe_headers(struct export_wire *wire)
{
    for (struct curl_slist *node = wire->headers; node; node = node->next)
        explicit_bzero(node->data, strlen(node->data));
    curl_slist_free_all(wire->headers);
}

void export_wire_free(struct export_wire *wire)
{
    if (!wire)
        return;
    export_wire_cancel(wire);
    drop_multi(wire);
    curl_easy_cleanup(wire->easy);
    wipe_headers(wire);
    buffer_done(&wire->reply);
    free(wire);
}
