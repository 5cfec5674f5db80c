/* SPDX-License-Identifier: Apache-2.0 */
/* The name server of dns_responder.h: reads a question, writes what its first label asks
 * for. Knows the least of RFC 1035 that c-ares needs. */
#include "support/dns_responder.h"

#include "base/list.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 12, TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, LATE_MS = 80 };
enum {
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_REFUSED = 5,
    FLAG_TRUNCATED = 0x0200
};

struct reply {
    unsigned char bytes[4096];
    size_t len;
    unsigned answers;
};

static void put16(struct reply *reply, unsigned value)
{
    reply->bytes[reply->len++] = (unsigned char)(value >> 8);
    reply->bytes[reply->len++] = (unsigned char)value;
}

/* A record for the name of the question, which stands at offset 12. */
static void put_record(struct reply *reply, unsigned type, unsigned ttl, const void *data,
                       size_t len)
{
    put16(reply, 0xc000 | HEADER);
    put16(reply, type);
    put16(reply, 1);
    put16(reply, 0);
    put16(reply, ttl);
    put16(reply, (unsigned)len);
    memcpy(reply->bytes + reply->len, data, len);
    reply->len += len;
    reply->answers++;
}

static void put_v4(struct reply *reply, unsigned last, unsigned ttl)
{
    const unsigned char address[4] = {192, 0, 2, (unsigned char)last};
    put_record(reply, TYPE_A, ttl, address, sizeof address);
}

static bool is_kind(const char *label, const char *kind)
{
    size_t label_len = strlen(label);
    size_t kind_len = strlen(kind);
    return label_len >= kind_len && strcmp(label + label_len - kind_len, kind) == 0 &&
           (label_len == kind_len || label[label_len - kind_len - 1] == '-');
}

/* "alias": the question's name is a CNAME for "target", whose address follows. */
static void put_alias(struct reply *reply, unsigned ttl)
{
    static const unsigned char target[] = {6, 't', 'a', 'r', 'g', 'e', 't', 0};
    put_record(reply, TYPE_CNAME, ttl, target, sizeof target);
    memcpy(reply->bytes + reply->len, target, sizeof target);
    reply->len += sizeof target;
    put16(reply, TYPE_A);
    put16(reply, 1);
    put16(reply, 0);
    put16(reply, 60);
    put16(reply, 4);
    memcpy(reply->bytes + reply->len, "\xc0\x00\x02\x01", 4);
    reply->len += 4;
    reply->answers++;
}

static void put_answers(struct reply *reply, const char *label, unsigned type)
{
    if (is_kind(label, "loop"))
        put_record(reply, TYPE_CNAME, 60, "\xc0\x0c", 2);
    if (type == TYPE_AAAA && is_kind(label, "both"))
        put_record(reply, TYPE_AAAA, 60, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    if (type != TYPE_A)
        return;
    if (is_kind(label, "alias"))
        put_alias(reply, 1);
    unsigned ttl = is_kind(label, "ttl0") ? 0 : is_kind(label, "ttl1") ? 1 : 60;
    unsigned count = is_kind(label, "many") ? 25 : is_kind(label, "both") ? 2 : 1;
    bool is_none = is_kind(label, "empty") || is_kind(label, "loop") ||
                   is_kind(label, "alias") || is_kind(label, "nx");
    for (unsigned i = 1; i <= count && !is_none; i++)
        put_v4(reply, i, ttl);
}

static unsigned flags_of(const char *label)
{
    unsigned flags = 0x8180; /* a response, recursion asked for and available */
    if (is_kind(label, "nx"))
        flags |= RCODE_NXDOMAIN;
    if (is_kind(label, "servfail"))
        flags |= RCODE_SERVFAIL;
    if (is_kind(label, "refused"))
        flags |= RCODE_REFUSED;
    if (is_kind(label, "cut"))
        flags |= FLAG_TRUNCATED;
    return flags;
}

static void make_reply(struct reply *reply, const unsigned char *question, size_t len,
                       const char *label, unsigned type)
{
    unsigned flags = flags_of(label);
    memcpy(reply->bytes, question, len);
    reply->len = len;
    if ((flags & 0x0f) == 0 && !(flags & FLAG_TRUNCATED))
        put_answers(reply, label, type);
    reply->bytes[2] = (unsigned char)(flags >> 8);
    reply->bytes[3] = (unsigned char)flags;
    reply->bytes[6] = (unsigned char)(reply->answers >> 8);
    reply->bytes[7] = (unsigned char)reply->answers;
    memset(reply->bytes + 8, 0, 4); /* no authority, no additional records */
    if (is_kind(label, "wrongid"))
        reply->bytes[1] ^= 0x55;
    if (is_kind(label, "garbage"))
        memset(reply->bytes + 2, 0xa5, reply->len - 2);
}

static void send_late(struct timer *timer)
{
    struct dns_responder *responder = container_of(timer, struct dns_responder, late);
    sendto(responder->fd, responder->late_reply, responder->late_len, 0,
           (struct sockaddr *)responder->late_peer, responder->late_peer_len);
}

/* Finds the end of the question: the name, type and class. 0: not a question. */
static size_t read_question(const unsigned char *packet, size_t len, char *ret_label,
                            unsigned *ret_type)
{
    size_t at = HEADER;
    if (len < HEADER + 5 || packet[at] > 63)
        return 0;
    memcpy(ret_label, packet + at + 1, packet[at]);
    ret_label[packet[at]] = '\0';
    while (at < len && packet[at] != 0)
        at += packet[at] + 1u;
    if (at + 5 > len)
        return 0;
    *ret_type = (unsigned)packet[at + 1] << 8 | packet[at + 2];
    return at + 5;
}

static void on_packet(struct watch *watch, uint32_t ready)
{
    (void)ready;
    struct dns_responder *responder = container_of(watch, struct dns_responder, watch);
    unsigned char packet[1500];
    struct sockaddr_storage peer;
    socklen_t peer_len = sizeof peer;
    ssize_t got = recvfrom(responder->fd, packet, sizeof packet, MSG_DONTWAIT,
                           (struct sockaddr *)&peer, &peer_len);
    char label[64];
    unsigned type = 0;
    size_t len = got > 0 ? read_question(packet, (size_t)got, label, &type) : 0;
    if (len == 0)
        return;
    responder->questions += type == TYPE_A;
    if (is_kind(label, "silent") || (is_kind(label, "half") && type == TYPE_AAAA))
        return;
    struct reply reply = {0};
    make_reply(&reply, packet, len, label, type);
    if (is_kind(label, "late") && type == TYPE_A) {
        if (timer_is_set(&responder->late))
            return; /* asked again: one reply is enough */
        memcpy(responder->late_reply, reply.bytes, reply.len);
        responder->late_len = reply.len;
        memcpy(responder->late_peer, &peer, peer_len);
        responder->late_peer_len = peer_len;
        loop_timer_set(responder->loop, &responder->late,
                       responder->loop->now_ms + LATE_MS);
        return;
    }
    sendto(responder->fd, reply.bytes, reply.len, 0, (struct sockaddr *)&peer, peer_len);
}

void dns_responder_init(struct dns_responder *responder, struct loop *loop)
{
    *responder = (struct dns_responder){
        .loop = loop, .watch.on_ready = on_packet, .late.on_due = send_late};
    responder->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    cr_assert(bind(responder->fd, (struct sockaddr *)&address, len) == 0);
    cr_assert(getsockname(responder->fd, (struct sockaddr *)&address, &len) == 0);
    snprintf(responder->csv, sizeof responder->csv, "127.0.0.1:%u",
             ntohs(address.sin_port));
    cr_assert(loop_watch(loop, &responder->watch, responder->fd, EPOLLIN));
}

void dns_responder_done(struct dns_responder *responder)
{
    loop_timer_clear(responder->loop, &responder->late);
    loop_unwatch(responder->loop, &responder->watch);
    close(responder->fd);
}
