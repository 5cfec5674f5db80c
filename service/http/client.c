/* SPDX-License-Identifier: Apache-2.0 */
/* One client connection: its clocks and the notice that the client went away.
 *
 *        first byte      head complete     body complete    reply queued
 *   IDLE ─────────► HEAD ──────────────► BODY ────────────► BUSY ──────────► REPLY
 *    ▲                └────────────── no body ───────────────▲                 │
 *    └─────────────────── last byte handed to the kernel ──────────────────────┘
 *
 * MHD has one clock, an idle timer that a byte a second keeps from ringing, and none
 * while a connection is suspended; nor does it notice then that the client is gone (both
 * measured). So it is told of no timeout, and each connection has a timer and an
 * edge-triggered watch here: the same descriptor in a second epoll set, registered once
 * for its whole life, so that waiting for the first byte and for the hang-up costs no
 * system call per request.
 *
 * A client that half-closes (shutdown(SHUT_WR)) while its batch runs counts as gone:
 * before writing it cannot be told from one that closed. */
#include "http/client.h"

#include "base/log.h"
#include "base/memory.h"
#include "http/front_state.h"
#include "http/reply_pace.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PROGRESS_LOOKS = 4, /* within write_timeout */
    CLOSING_MS = 1000, /* to read a refusal written by hand; for what came before a FIN */
    DRAINING_MS = 500, /* for the first request of a new connection, to be told 503 */
    /* While the process leaves: what a client that asks again and again lets pass. One
     * that asks in the very moment it is closed has to ask again, as with any server
     * (RFC 9112 9.5). */
    LEAVING_IDLE_MS = 1000,
    LEAVING_NEW_MS = 5000, /* and one that has not asked yet */
    KERNEL_CLOCK_MS = 100, /* more than the kernel rounds its times by */
};

static const char head_too_slow[] =
    "the head of the request took longer than server.head_timeout";
static const char body_too_slow[] =
    "the body of the request took longer than server.body_timeout";

static void set_served(struct client *client)
{
    client->front->new_count -= client->is_new;
    client->is_new = false;
}

void client_hang_up(struct client *client)
{
    /* MHD gets EPOLLHUP and closes the connection in its next run. */
    shutdown(client->fd, SHUT_RDWR);
    client->deadline_ms = UINT64_MAX;
}

/* A figure that changes whenever the client takes bytes of the reply. */
static uint64_t progress_of(const struct client *client)
{
    struct tcp_info info = {.tcpi_state = 0};
    socklen_t len = sizeof info;
    if (getsockopt(client->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
        return info.tcpi_bytes_acked;
    int queued = 0; /* a unix socket: what the peer has not read */
    ioctl(client->fd, SIOCOUTQ, &queued);
    return (uint64_t)queued;
}

/* ------------------------------------------------------------------------- clocks */

static void set_deadline(struct client *client, uint64_t deadline_ms)
{
    client->deadline_ms = deadline_ms;
    struct timer *timer = &client->timer;
    /* A timer that rings too early looks at the deadline and sets itself again; so phases
     * that follow each other quickly cost no heap operation. */
    if (deadline_ms != UINT64_MAX && (!timer_is_set(timer) || timer->at_ms > deadline_ms))
        loop_timer_set(client->front->setup.loop, timer, deadline_ms);
}

static uint64_t idle_limit_ms(const struct client *client)
{
    uint64_t limit = client->front->setup.snapshot->config->server.idle_timeout_ms;
    uint64_t leaving = client->is_new ? LEAVING_NEW_MS : LEAVING_IDLE_MS;
    return client->front->is_leaving && leaving < limit ? leaving : limit;
}

/* libmicrohttpd may read a byte before our watch is asked about it, and the edge is gone:
 * so an idle connection is looked at once, when a head that began with it is overdue. */
static void set_idle_deadline(struct client *client, uint64_t now)
{
    client->idle_ms = now;
    const struct config *config = client->front->setup.snapshot->config;
    uint64_t wait = idle_limit_ms(client);
    if (config->server.head_timeout_ms < wait)
        wait = config->server.head_timeout_ms;
    set_deadline(client, now + wait);
}

/* Whether bytes came that no request has answered for: of a TCP connection, as far as the
 * kernel's clock tells them from the last request's. */
static bool has_begun_head(const struct client *client)
{
    struct tcp_info info = {.tcpi_state = 0};
    socklen_t len = sizeof info;
    if (getsockopt(client->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
        info.tcpi_bytes_received == 0)
        return false;
    uint64_t idle = client->front->setup.loop->now_ms - client->idle_ms;
    return client->is_new || (uint64_t)info.tcpi_last_data_recv + KERNEL_CLOCK_MS < idle;
}

static bool is_asking(const struct client *client)
{
    int unread = 0;
    return has_begun_head(client) ||
           (ioctl(client->fd, FIONREAD, &unread) == 0 && unread > 0);
}

static void look_at_idle(struct client *client)
{
    uint64_t end = client->idle_ms + idle_limit_ms(client);
    if (client->is_gone || client->front->is_draining)
        client_hang_up(client);
    else if (client->front->is_leaving && is_asking(client))
        client_enter(client, CLIENT_HEAD);
    else if (client->front->setup.loop->now_ms >= end)
        client_hang_up(client);
    else if (has_begun_head(client))
        client_refuse(client, PROBLEM_REQUEST_TIMEOUT, head_too_slow);
    else
        set_deadline(client, end);
}

static uint64_t look_interval_ms(const struct client *client)
{
    uint64_t interval =
        client->front->setup.snapshot->config->server.write_timeout_ms / PROGRESS_LOOKS;
    return interval ? interval : 1;
}

/* A FIN that comes together with bytes is one edge, and libmicrohttpd, which stops at a
 * read that did not fill its buffer, does not see it: it would wait for what cannot come.
 * What came before the FIN it reads at once. */
static void set_receive_deadline(struct client *client, uint64_t now, uint64_t limit_ms)
{
    if (client->is_gone && limit_ms > CLOSING_MS)
        limit_ms = CLOSING_MS;
    set_deadline(client, now + limit_ms);
}

void client_enter(struct client *client, enum client_phase phase)
{
    const struct config *config = client->front->setup.snapshot->config;
    uint64_t now = client->front->setup.loop->now_ms;
    if (client->phase == CLIENT_CLOSING)
        return;
    client->phase = phase;
    switch (phase) {
    case CLIENT_IDLE:
        if (client->front->is_draining && client->is_new)
            set_deadline(client, now + DRAINING_MS);
        else if (client->front->is_draining)
            client_hang_up(client);
        else if (client->is_gone)
            /* After a FIN only what was pipelined before it can still come; MHD, told of
             * the FIN while it was busy, would wait for ever. */
            set_deadline(client, now + CLOSING_MS);
        else
            set_idle_deadline(client, now);
        break;
    case CLIENT_HEAD:
        set_receive_deadline(client, now, config->server.head_timeout_ms);
        break;
    case CLIENT_BODY:
        set_receive_deadline(client, now, config->server.body_timeout_ms);
        break;
    case CLIENT_BUSY:
        set_served(client);
        set_deadline(client, UINT64_MAX);
        break;
    case CLIENT_REPLY:
        client->sent = UINT64_MAX;
        client->moved_ms = client->reply_ms = now;
        set_deadline(client, now + look_interval_ms(client));
        break;
    case CLIENT_CLOSING:
        set_deadline(client, now + CLOSING_MS);
        break;
    }
}

static bool is_too_slow(const struct client *client, uint64_t now)
{
    const struct front_setup *setup = &client->front->setup;
    uint64_t limit_ms =
        reply_pace_limit_ms(client->exchange ? client->exchange->reply_len : 0,
                            setup->snapshot->config->server.write_timeout_ms,
                            setup->snapshot->config->server.write_rate_min,
                            budget_is_nearly_full(&setup->budgets->reply_bytes));
    return now - client->reply_ms >= limit_ms;
}

static struct log_class stalled_lines = LOG_CLASS(10, 10);

static void look_at_progress(struct client *client)
{
    const struct config *config = client->front->setup.snapshot->config;
    uint64_t now = client->front->setup.loop->now_ms;
    uint64_t sent = progress_of(client);
    if (sent != client->sent) {
        client->sent = sent;
        client->moved_ms = now;
    }
    bool is_stalled = now - client->moved_ms >= config->server.write_timeout_ms;
    if (is_stalled || is_too_slow(client, now)) {
        log_message_class(LOG_DEBUG, "reply_stalled",
                          is_stalled
                              ? "the client does not read its reply"
                              : "the client reads its reply below server.write_rate_min",
                          &stalled_lines, client->front->setup.loop->now_us);
        client_hang_up(client);
        return;
    }
    set_deadline(client, now + look_interval_ms(client));
}

static void end_receiving(struct client *client, const char *detail)
{
    if (client->is_gone)
        client_hang_up(client);
    else
        client_refuse(client, PROBLEM_REQUEST_TIMEOUT, detail);
}

static void on_due(struct timer *timer)
{
    struct client *client = container_of(timer, struct client, timer);
    if (client->deadline_ms > client->front->setup.loop->now_ms) {
        set_deadline(client, client->deadline_ms);
        return;
    }
    switch (client->phase) {
    case CLIENT_HEAD:
        end_receiving(client, head_too_slow);
        break;
    case CLIENT_BODY:
        end_receiving(client, body_too_slow);
        break;
    case CLIENT_REPLY:
        look_at_progress(client);
        break;
    case CLIENT_IDLE:
        look_at_idle(client);
        break;
    case CLIENT_BUSY:
    case CLIENT_CLOSING:
        client_hang_up(client);
        break;
    }
}

/* ----------------------------------------------------------------- refusal by hand */

static void send_refusal(struct client *client, enum problem_type type,
                         const char *detail)
{
    struct front *front = client->front;
    char id[REQUEST_ID_MAX + 1];
    exchange_make_id(front, id);
    const char *request_id = client->exchange && client->exchange->request_id[0]
                                 ? client->exchange->request_id
                                 : id;
    struct buffer message;
    buffer_init(&message, 8192);
    problem_message(&message, type, detail, request_id);
    /* The send buffer is empty here: MHD writes nothing while it reads a request. */
    ssize_t sent =
        send(client->fd, message.data, message.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent; /* a client that cannot take 500 bytes is not owed an explanation */
    metrics_add(front->setup.metrics, METRIC_REQUESTS, status_class(problem_status(type)),
                1);
    buffer_done(&message);
}

void client_refuse(struct client *client, enum problem_type type, const char *detail)
{
    exchange_note_refusal(client->front, client->exchange, type, detail);
    if (client->front->is_tls) {
        client_hang_up(client);
        return;
    }
    send_refusal(client, type, detail);
    shutdown(client->fd, SHUT_WR);
    client_enter(client, CLIENT_CLOSING);
}

/* ------------------------------------------------------------------- what happens */

static void on_ready(struct watch *watch, uint32_t ready)
{
    struct client *client = container_of(watch, struct client, watch);
    if (ready & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        client->is_gone = true;
        if (client->phase < CLIENT_BUSY)
            client_enter(client, client->phase); /* no longer than what came needs */
        if (client->exchange)
            exchange_gone(client->exchange);
        return;
    }
    if (client->phase == CLIENT_IDLE)
        client_enter(client, CLIENT_HEAD);
    else
        client->has_more = true;
}

static void begin(struct front *front, struct MHD_Connection *connection,
                  void **socket_context)
{
    struct client *client = memory_new(sizeof *client);
    client->front = front;
    client->connection = connection;
    client->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
                     ->connect_fd;
    client->watch.on_ready = on_ready;
    client->timer.on_due = on_due;
    list_push_back(&front->clients, &client->node);
    front->arriving--;
    metrics_add(front->setup.metrics, METRIC_CLIENT_CONNECTIONS, 0, 1);
    metrics_add(front->setup.metrics, METRIC_CLIENT_OPEN, 0, 1);
    client->is_new = true;
    front->new_count++;
    client_enter(client, CLIENT_IDLE);
    /* Without the watch (out of kernel memory for it) the connection still works, but a
     * client that vanishes is noticed late; better not to serve it. */
    if (!loop_watch(front->setup.loop, &client->watch, client->fd,
                    EPOLLIN | EPOLLRDHUP | EPOLLET))
        client_hang_up(client);
    *socket_context = client;
}

static void end(struct client *client)
{
    struct front *front = client->front;
    if (client->exchange)
        exchange_end(client->exchange);
    if (client->must_linger) {
        int fd = dup(client->fd);
        if (fd >= 0)
            linger_add(&front->lingering, fd);
    }
    set_served(client);
    loop_unwatch(front->setup.loop, &client->watch);
    loop_timer_clear(front->setup.loop, &client->timer);
    list_remove(&client->node);
    metrics_add(front->setup.metrics, METRIC_CLIENT_OPEN, 0, (uint64_t)-1);
    front->setup.on_closed(front->setup.context, client->fd);
    free(client);
}

void client_on_connection(void *cls, struct MHD_Connection *connection,
                          void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        begin(cls, connection, socket_context);
    else
        end(*socket_context);
}
