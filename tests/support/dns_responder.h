/* SPDX-License-Identifier: Apache-2.0 */
/* A name server of a few lines on the test's own loop. What it answers is the first label
 * of the name asked; "x-ok" and "y-ok" are two names that behave like "ok":
 *
 *   ok     one IPv4 address, TTL 60        both     two IPv4 and one IPv6
 *   ttl0   TTL 0                           ttl1     TTL 1
 *   nx     NXDOMAIN                        servfail, refused
 *   empty  no answer records               silent   no reply at all
 *   half   IPv4 answered, IPv6 silent      late     answers after 80 ms
 *   alias  CNAME with TTL 1 to an address  loop     CNAME to itself
 *   many   25 addresses                    cut      the truncation bit, and no TCP
 *   garbage  random bytes                  wrongid  the id of another question */
#pragma once

#include "base/loop.h"

#include <stddef.h>

struct dns_responder {
    struct watch watch;
    struct timer late;
    struct loop *loop;
    int fd;
    char csv[64];     /* for resolver_use_servers */
    size_t questions; /* A questions seen */
    unsigned char late_reply[512];
    size_t late_len;
    unsigned char late_peer[128];
    unsigned late_peer_len;
};

void dns_responder_init(struct dns_responder *responder, struct loop *loop);
void dns_responder_done(struct dns_responder *responder);
