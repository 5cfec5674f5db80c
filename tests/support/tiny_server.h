/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP/1.1 upstream in the test's own process: a thread per connection on 127.0.0.1,
 * its behaviour chosen by the path, and counters that prove what did not happen.
 *
 *   /ok          "ok"                        /conn        "C/R": connection, request on
 * it /echo        the request, headers and body as text /delay/MS    "late" after MS ms
 * /bytes/N     N bytes /hang        no reply                    /half        10 of 100
 * bytes, then nothing /noread      the body is never read      /drip/MS     10 bytes, one
 * per MS ms /close       closes without a byte       /stale       so, from the second
 * request of a connection on /head/N      a header of N bytes         /dup-length  two
 * lengths /to/CODE/URL redirects to URL            /leftover    answers, 20 ms later
 * sends junk
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum { TINY_SERVER_CONNECTIONS = 512 };

struct tiny_server {
    int fd;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    int fds[TINY_SERVER_CONNECTIONS]; /* -1: closed */
    pthread_t threads[TINY_SERVER_CONNECTIONS];
    int count;
    atomic_int connections;
    atomic_int open; /* connections the client has not closed */
    atomic_int requests;
    atomic_int posts;
    atomic_int running; /* requests being answered */
    atomic_int peak;
};

void tiny_server_start(struct tiny_server *server);
void tiny_server_stop(struct tiny_server *server);
