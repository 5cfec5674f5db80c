/* SPDX-License-Identifier: Apache-2.0 */
/* One client connection of libmicrohttpd: which clock runs for it, and what is known of
 * the client at its other end. Requests come and go on it (struct exchange). For front.c,
 * client.c and exchange*.c; the worker's thread. */
#pragma once

#include "base/list.h"
#include "base/loop.h"
#include "http/problem.h"

#include <microhttpd.h>

#include <stdbool.h>
#include <stdint.h>

struct exchange;
struct front;

/* Which clock runs for a connection. */
enum client_phase {
    CLIENT_IDLE,    /* nothing received: server.idle_timeout, silent close */
    CLIENT_HEAD,    /* bytes of a head: server.head_timeout, 408 */
    CLIENT_BODY,    /* bytes of a body: server.body_timeout, 408 */
    CLIENT_BUSY,    /* ours to answer: no clock here */
    CLIENT_REPLY,   /* the reply is leaving: server.write_timeout without progress */
    CLIENT_CLOSING, /* refused by hand, waiting for the client to read it */
};

struct client {
    struct list node; /* in front->clients */
    struct front *front;
    struct MHD_Connection *connection;
    struct exchange *exchange; /* the request under way, or NULL */
    struct watch watch;        /* edge-triggered, for the connection's whole life */
    struct timer timer;        /* may ring early: deadline_ms decides */
    uint64_t deadline_ms;
    uint64_t idle_ms; /* when it became IDLE */
    enum client_phase phase;
    int fd;
    bool is_new;       /* no request of it was complete yet */
    bool has_more;     /* bytes came since the request was complete */
    bool is_gone;      /* it closed its side */
    bool must_linger;  /* refused with a body on the way: see linger.h */
    uint64_t sent;     /* progress of the reply at the last look */
    uint64_t moved_ms; /* when it last changed */
    uint64_t reply_ms; /* when the reply began to leave */
};

/* client_on_connection is MHD's notice of a connection's begin and end. */
void client_on_connection(void *cls, struct MHD_Connection *connection,
                          void **socket_context,
                          enum MHD_ConnectionNotificationCode code);
/* client_enter changes the phase and with it the clock. */
void client_enter(struct client *client, enum client_phase phase);
/* client_hang_up ends the connection; MHD sees that and closes it in its next run. */
void client_hang_up(struct client *client);
/* client_refuse answers by hand, past MHD, which takes no reply while it still reads: for
 * requests that do not arrive in time or grow too large. Closes without a word over TLS.
 */
void client_refuse(struct client *client, enum problem_type type, const char *detail);
