/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking sockets and threads: as plain as a test's upstream can be. Trusts its client.
 */
#include "support/tiny_server.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 16 * 1024, BODY_MAX = 64 * 1024 };

struct session {
    struct tiny_server *server;
    int fd;
    int number;
    int requests;
    size_t have; /* bytes in head */
    char head[HEAD_MAX];
    char method[16];
    char path[4096];
    char headers[HEAD_MAX];
    char body[BODY_MAX];
    size_t body_len;
};

static void put(struct session *session, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(session->fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        data += sent;
        len -= (size_t)sent;
    }
}

static void put_text(struct session *session, const char *text)
{
    put(session, text, strlen(text));
}

static void reply(struct session *session, const char *body, size_t len)
{
    char head[128];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
    put_text(session, head);
    if (strcmp(session->method, "HEAD") != 0)
        put(session, body, len);
}

/* Waits for the client to close. */
static bool hang(struct session *session)
{
    char drain[4096];
    while (recv(session->fd, drain, sizeof drain, 0) > 0)
        ;
    return false;
}

static void wait_ms(long ms)
{
    usleep((useconds_t)ms * 1000);
}

static bool answer_echo(struct session *session)
{
    static const char format[] = "%s %s\n%s\n";
    size_t room = HEAD_MAX + BODY_MAX + sizeof session->path;
    char *text = malloc(room);
    int len =
        snprintf(text, room, format, session->method, session->path, session->headers);
    memcpy(text + len, session->body, session->body_len);
    reply(session, text, (size_t)len + session->body_len);
    free(text);
    return true;
}

static bool answer_bytes(struct session *session, long count)
{
    char *body = malloc((size_t)count + 1);
    memset(body, 'b', (size_t)count);
    reply(session, body, (size_t)count);
    free(body);
    return true;
}

static bool answer_drip(struct session *session, long ms)
{
    put_text(session, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        wait_ms(ms);
        put_text(session, "d");
    }
    return true;
}

static bool answer_head(struct session *session, long size)
{
    char *text = malloc((size_t)size + 128);
    int len =
        sprintf(text, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-large: %0*ld\r\n\r\nok",
                (int)size, 0L);
    put(session, text, (size_t)len);
    free(text);
    return true;
}

static bool answer_drip_head(struct session *session, long ms)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nx: ";
    for (size_t i = 0; i < sizeof head - 1; i++) {
        wait_ms(ms);
        put(session, head + i, 1);
    }
    return hang(session);
}

/* "/to/302/http://…" */
static bool answer_redirect(struct session *session, const char *what)
{
    char head[5000];
    snprintf(head, sizeof head,
             "HTTP/1.1 %.3s Moved\r\nLocation: %s\r\nContent-Length: 5\r\n\r\nmoved",
             what, what + 4);
    put_text(session, head);
    return true;
}

static const char *after(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(path, prefix, len) == 0 ? path + len : NULL;
}

static bool answer_fault(struct session *session)
{
    const char *path = session->path;
    if (strcmp(path, "/half") == 0) {
        put_text(session, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
        return hang(session);
    }
    if (strcmp(path, "/dup-length") == 0) {
        put_text(session,
                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok");
        return hang(session);
    }
    if (strcmp(path, "/leftover") == 0) {
        reply(session, "first", 5);
        wait_ms(20);
        put_text(session, "this is no reply\r\n");
        return true;
    }
    if (strcmp(path, "/poison") == 0) {
        reply(session, "first", 5);
        wait_ms(20);
        reply(session, "poison", 6);
        return true;
    }
    return hang(session); /* /hang */
}

/* True: the connection stays open. */
static bool answer(struct session *session)
{
    const char *path = session->path;
    const char *rest;
    char text[64];
    if (strcmp(path, "/ok") == 0)
        return reply(session, "ok", 2), true;
    if (strcmp(path, "/echo") == 0)
        return answer_echo(session);
    if (strcmp(path, "/conn") == 0) {
        int len =
            snprintf(text, sizeof text, "%d/%d", session->number, session->requests);
        return reply(session, text, (size_t)len), true;
    }
    if (strcmp(path, "/close") == 0)
        return false;
    if (strcmp(path, "/stale") == 0)
        return session->requests > 1 ? false : (reply(session, "first", 5), true);
    if ((rest = after(path, "/delay/"))) {
        wait_ms(strtol(rest, NULL, 10));
        return reply(session, "late", 4), true;
    }
    if ((rest = after(path, "/bytes/")))
        return answer_bytes(session, strtol(rest, NULL, 10));
    if ((rest = after(path, "/drip/")))
        return answer_drip(session, strtol(rest, NULL, 10));
    if ((rest = after(path, "/drip-head/")))
        return answer_drip_head(session, strtol(rest, NULL, 10));
    if ((rest = after(path, "/head/")))
        return answer_head(session, strtol(rest, NULL, 10));
    if ((rest = after(path, "/to/")))
        return answer_redirect(session, rest);
    return answer_fault(session);
}

/* Reads until the end of a head; false at the end of the connection. */
static bool read_head(struct session *session)
{
    char *end;
    session->head[session->have] = '\0';
    while (!(end = strstr(session->head, "\r\n\r\n"))) {
        ssize_t got = recv(session->fd, session->head + session->have,
                           HEAD_MAX - 1 - session->have, 0);
        if (got <= 0)
            return false;
        session->have += (size_t)got;
        session->head[session->have] = '\0';
    }
    sscanf(session->head, "%15s %4095s", session->method, session->path);
    const char *from = strstr(session->head, "\r\n") + 2;
    size_t len = from < end + 2 ? (size_t)(end + 2 - from) : 0;
    memcpy(session->headers, from, len);
    session->headers[len] = '\0';
    size_t used = (size_t)(end + 4 - session->head);
    memmove(session->head, session->head + used, session->have - used);
    session->have -= used;
    session->requests++;
    return true;
}

static bool read_body(struct session *session)
{
    const char *field = strcasestr(session->headers, "content-length:");
    size_t length = field ? strtoul(field + 15, NULL, 10) : 0;
    session->body_len = 0;
    for (size_t read_so_far = 0; read_so_far < length;) {
        char piece[4096];
        size_t got =
            session->have < length - read_so_far ? session->have : length - read_so_far;
        if (got > sizeof piece)
            got = sizeof piece;
        memcpy(piece, session->head, got);
        memmove(session->head, session->head + got, session->have - got);
        session->have -= got;
        if (got == 0) {
            size_t wanted =
                length - read_so_far < sizeof piece ? length - read_so_far : sizeof piece;
            ssize_t received = recv(session->fd, piece, wanted, 0);
            if (received <= 0)
                return false;
            got = (size_t)received;
        }
        size_t kept =
            BODY_MAX - session->body_len < got ? BODY_MAX - session->body_len : got;
        memcpy(session->body + session->body_len, piece, kept);
        session->body_len += kept;
        read_so_far += got;
    }
    return true;
}

static void count_start(struct tiny_server *server, const struct session *session)
{
    atomic_fetch_add(&server->requests, 1);
    if (strcmp(session->method, "POST") == 0)
        atomic_fetch_add(&server->posts, 1);
    int running = atomic_fetch_add(&server->running, 1) + 1;
    if (running > atomic_load(&server->peak))
        atomic_store(&server->peak, running);
}

static void *serve_connection(void *data)
{
    struct session *session = data;
    struct tiny_server *server = session->server;
    bool is_open = true;
    while (is_open && read_head(session)) {
        count_start(server, session);
        if (strcmp(session->path, "/noread") == 0)
            is_open = (usleep(3000000), false);
        else
            is_open = read_body(session) && answer(session);
        atomic_fetch_sub(&server->running, 1);
    }
    pthread_mutex_lock(&server->lock);
    server->fds[session->number] = -1;
    close(session->fd);
    pthread_mutex_unlock(&server->lock);
    atomic_fetch_sub(&server->open, 1);
    free(session);
    return NULL;
}

static void *accept_all(void *data)
{
    struct tiny_server *server = data;
    int fd;
    while (server->count < TINY_SERVER_CONNECTIONS &&
           (fd = accept(server->fd, NULL, NULL)) >= 0) {
        struct session *session = calloc(1, sizeof *session);
        session->server = server;
        session->fd = fd;
        /* A head and its body are two writes: the second must not wait for an
         * acknowledgement of the first, 40 ms. */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        pthread_mutex_lock(&server->lock);
        session->number = server->count++;
        server->fds[session->number] = fd;
        pthread_mutex_unlock(&server->lock);
        atomic_fetch_add(&server->connections, 1);
        atomic_fetch_add(&server->open, 1);
        pthread_create(&server->threads[session->number], NULL, serve_connection,
                       session);
    }
    return NULL;
}

void tiny_server_start(struct tiny_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    memset(server, 0, sizeof *server);
    pthread_mutex_init(&server->lock, NULL);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(server->fd, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(server->fd, TINY_SERVER_CONNECTIONS), 0);
    cr_assert_eq(getsockname(server->fd, (struct sockaddr *)&address, &len), 0);
    server->port = ntohs(address.sin_port);
    cr_assert_eq(pthread_create(&server->thread, NULL, accept_all, server), 0);
}

void tiny_server_stop(struct tiny_server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    pthread_mutex_lock(&server->lock);
    for (int i = 0; i < server->count; i++) {
        if (server->fds[i] >= 0)
            shutdown(server->fds[i], SHUT_RDWR);
    }
    pthread_mutex_unlock(&server->lock);
    for (int i = 0; i < server->count; i++)
        pthread_join(server->threads[i], NULL);
    close(server->fd);
    pthread_mutex_destroy(&server->lock);
}
