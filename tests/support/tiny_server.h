/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP/1.1 upstream in the test's own process: a thread per connection on 127.0.0.1,
 * its behaviour chosen by the path, and counters that prove what did not happen.
 *
 *   /ok           "ok"
 *   /conn         "C/R": number of the connection, of the request on it
 *   /echo         the request, headers and body as text
 *   /delay/MS     "late" after MS ms
 *   /bytes/N      N bytes
 *   /drip/MS      10 bytes, one every MS ms
 *   /head/N       a header of N bytes
 *   /drip-head/MS a header of 20 bytes, one every MS ms, then nothing
 *   /to/CODE/URL  a redirect to URL
 *   /hang         no reply
 *   /half         10 of 100 bytes, then nothing
 *   /noread       the body is never read
 *   /close        closes without a byte
 *   /stale        so, from the second request of a connection on
 *   /dup-length   two different lengths
 *   /leftover     answers, 20 ms later sends junk
 *   /poison       so, a second whole reply
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
