/* SPDX-License-Identifier: Apache-2.0 */
/* A peer for each host and port, in a table of fixed size, with the sessions it gave;
 * all sessions by age in a list. A peer lives while a context or a session needs it.
 *
 * libcurl makes an SSL_CTX for each connection, so what OpenSSL tells of a context's
 * sessions is told of one connection, and the peer stands in the context's ex_data. The
 * session is put in as the handshake starts, the last moment before the first message is
 * written: libcurl lets nobody see the SSL before. */
#include "fetch/tls_sessions.h"

#include "base/list.h"
#include "base/memory.h"
#include "base/random.h"
#include "fetch/target_hash.h"
#include "fetch/tls_expiry.h"

#include <assert.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 256 };

struct peer {
    struct list node; /* in its bucket */
    struct tls_sessions *sessions;
    struct list kept; /* the newest last */
    size_t kept_count;
    size_t contexts;
    uint16_t port;
    char host[];
};

struct kept {
    struct list peer_node;
    struct list age_node;
    struct peer *peer;
    SSL_SESSION *session;
    uint64_t ends_ms;
};

struct tls_sessions {
    const struct loop *loop;
    uint64_t hash_start;
    struct list by_age; /* the oldest first */
    size_t count;
    struct list buckets[BUCKETS];
};

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static int peer_index = -1;    /* of an SSL_CTX */
static int vouched_index = -1; /* of an SSL_SESSION */

struct tls_sessions *tls_sessions_new(const struct loop *loop)
{
    struct tls_sessions *sessions = memory_new(sizeof *sessions);
    sessions->loop = loop;
    sessions->hash_start = random_u64();
    list_init(&sessions->by_age);
    for (size_t i = 0; i < BUCKETS; i++)
        list_init(&sessions->buckets[i]);
    return sessions;
}

static void peer_free_if_unused(struct peer *peer)
{
    if (peer->contexts > 0 || peer->kept_count > 0)
        return;
    list_remove(&peer->node);
    free(peer);
}

/* The peer stays, used or not. */
static void drop(struct kept *kept)
{
    kept->peer->kept_count--;
    kept->peer->sessions->count--;
    list_remove(&kept->peer_node);
    list_remove(&kept->age_node);
    SSL_SESSION_free(kept->session);
    free(kept);
}

static void drop_oldest(struct tls_sessions *sessions)
{
    struct list *node = list_first(&sessions->by_age);
    struct kept *kept = container_of(node, struct kept, age_node);
    struct peer *peer = kept->peer;
    drop(kept);
    peer_free_if_unused(peer);
}

static void drop_all_of(struct peer *peer)
{
    struct list *node;
    while ((node = list_first(&peer->kept)) != NULL)
        drop(container_of(node, struct kept, peer_node));
}

void tls_sessions_free(struct tls_sessions *sessions)
{
    if (!sessions)
        return;
    while (!list_is_empty(&sessions->by_age))
        drop_oldest(sessions);
    for (size_t i = 0; i < BUCKETS; i++)
        assert(list_is_empty(&sessions->buckets[i]));
    free(sessions);
}

size_t tls_sessions_count(const struct tls_sessions *sessions)
{
    return sessions->count;
}

/* -------------------------------------------------------------------------- keeping */

/* A hint of 0, in TLS 1.2, leaves it to the client (RFC 5077 3.3). */
static uint64_t life_ms_of(const SSL_SESSION *session)
{
    uint64_t life_ms = (uint64_t)SSL_SESSION_get_timeout(session) * 1000;
    uint64_t hint_ms = SSL_SESSION_get_ticket_lifetime_hint(session) * 1000;
    if (hint_ms > 0 && hint_ms < life_ms)
        life_ms = hint_ms;
    return life_ms;
}

/* The second in which what the full handshake showed must be shown again; 0: at once. It
 * stays with the session and all that come of it, for OpenSSL copies its data: else each
 * ticket would vouch for an hour more, and a busy upstream for ever. */
static uint64_t vouched_until_s(const struct tls_sessions *sessions, SSL_SESSION *session)
{
    uintptr_t until_s = (uintptr_t)SSL_SESSION_get_ex_data(session, vouched_index);
    const X509 *certificate = SSL_SESSION_get0_peer(session);
    if (until_s > 0 || !certificate)
        return until_s;
    uint64_t left_ms = tls_expiry_left_ms(certificate);
    if (left_ms > TLS_SESSION_LIFE_MS)
        left_ms = TLS_SESSION_LIFE_MS;
    until_s = (uintptr_t)((sessions->loop->now_ms + left_ms) / 1000);
    return SSL_SESSION_set_ex_data(session, vouched_index, (void *)until_s) ? until_s : 0;
}

static uint64_t ends_ms_of(const struct tls_sessions *sessions, SSL_SESSION *session)
{
    uint64_t vouched_ms = vouched_until_s(sessions, session) * 1000;
    uint64_t ends_ms = sessions->loop->now_ms + life_ms_of(session);
    return ends_ms < vouched_ms ? ends_ms : vouched_ms;
}

static void keep(struct peer *peer, SSL_SESSION *session, uint64_t ends_ms)
{
    struct tls_sessions *sessions = peer->sessions;
    struct kept *kept = memory_new(sizeof *kept);
    *kept = (struct kept){.peer = peer, .session = session, .ends_ms = ends_ms};
    peer->kept_count++;
    sessions->count++;
    list_push_back(&peer->kept, &kept->peer_node);
    list_push_back(&sessions->by_age, &kept->age_node);
    if (peer->kept_count > TLS_SESSIONS_PER_ORIGIN)
        drop(container_of(list_first(&peer->kept), struct kept, peer_node));
    if (sessions->count > TLS_SESSIONS_MAX)
        drop_oldest(sessions);
}

/* Before TLS 1.3 a session is for any number of connections, and the newest will do. */
static bool is_for_many(const SSL_SESSION *session)
{
    return SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION;
}

static struct peer *peer_of(const SSL *ssl)
{
    return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), peer_index);
}

/* A session holds on to the certificates it was made with, all that were sent, which may
 * be 100 KB, and a ticket may have 64 KiB: an upstream with many names could fill the
 * memory. */
static bool is_modest(SSL *ssl, const SSL_SESSION *session)
{
    const unsigned char *ticket;
    size_t size;
    SSL_SESSION_get0_ticket(session, &ticket, &size);
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    for (int i = 0; i < sk_X509_num(chain) && size <= TLS_SESSION_MAX_BYTES; i++) {
        int len = i2d_X509(sk_X509_value(chain, i), NULL);
        if (len < 0)
            return false;
        size += (size_t)len;
    }
    return size <= TLS_SESSION_MAX_BYTES;
}

/* A copy, here and in take: OpenSSL marks a connection's own as not to be resumed when
 * the connection breaks off. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct peer *peer = peer_of(ssl);
    uint64_t ends_ms = ends_ms_of(peer->sessions, session);
    bool is_wanted = ends_ms > peer->sessions->loop->now_ms &&
                     SSL_SESSION_is_resumable(session) && is_modest(ssl, session);
    SSL_SESSION *copy = is_wanted ? SSL_SESSION_dup(session) : NULL;
    if (copy && is_for_many(copy))
        drop_all_of(peer);
    if (copy)
        keep(peer, copy, ends_ms);
    return 0;
}

/* -------------------------------------------------------------------------- offering */

/* NULL: none. */
static struct kept *newest_alive(struct peer *peer)
{
    struct list *node;
    while ((node = peer->kept.prev) != &peer->kept) {
        struct kept *kept = container_of(node, struct kept, peer_node);
        if (kept->ends_ms > peer->sessions->loop->now_ms)
            return kept;
        drop(kept);
    }
    return NULL;
}

/* The caller frees it. NULL: none. */
static SSL_SESSION *take(struct peer *peer)
{
    struct kept *kept = newest_alive(peer);
    if (!kept)
        return NULL;
    if (is_for_many(kept->session))
        return SSL_SESSION_dup(kept->session);
    SSL_SESSION *session = kept->session;
    SSL_SESSION_up_ref(session);
    drop(kept);
    return session;
}

static void offer(SSL *ssl)
{
    SSL_SESSION *session = take(peer_of(ssl));
    if (!session)
        return;
    SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
}

/* A connection has a session of its own from its first handshake on; in TLS 1.2 the
 * server may ask for another one, which goes on with that (RFC 5246 7.4.1.1). What
 * follows the handshake of TLS 1.3 is none to OpenSSL since 1.1.1b. */
static bool is_first_handshake(const SSL *ssl)
{
    return !SSL_get_session(ssl);
}

/* At the end of a step that did not get to the end: waiting is no failure. */
static bool has_failed(const SSL *ssl, int value)
{
    int error = SSL_get_error(ssl, value);
    return error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
}

static void on_info(const SSL *ssl, int where, int value)
{
    struct peer *peer = peer_of(ssl);
    if ((where & SSL_CB_HANDSHAKE_START) && is_first_handshake(ssl))
        offer((SSL *)(uintptr_t)ssl);
    /* So that a ticket that comes hours later is as old as its handshake. */
    if (where & SSL_CB_HANDSHAKE_DONE)
        vouched_until_s(peer->sessions, SSL_get_session(ssl));
    /* Some servers cannot stand what they gave away, and not all say so in an alert. */
    if (where == SSL_CB_CONNECT_EXIT && value <= 0 && has_failed(ssl, value))
        drop_all_of(peer);
}

/* -------------------------------------------------------------------------- contexts */

static void on_context_free(void *parent, void *data, CRYPTO_EX_DATA *all, int index,
                            long number, void *pointer)
{
    (void)parent;
    (void)all;
    (void)index;
    (void)number;
    (void)pointer;
    struct peer *peer = data;
    if (!peer)
        return;
    peer->contexts--;
    peer_free_if_unused(peer);
}

static void make_index(void)
{
    peer_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_free);
    vouched_index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static struct peer *find_or_make(struct tls_sessions *sessions,
                                 const struct target *target)
{
    uint64_t hash = target_hash(target, sessions->hash_start);
    struct list *bucket = &sessions->buckets[hash % BUCKETS];
    for (struct list *node = bucket->next; node != bucket; node = node->next) {
        struct peer *peer = container_of(node, struct peer, node);
        if (peer->port == target->port && strcmp(peer->host, target->host) == 0)
            return peer;
    }
    size_t size = strlen(target->host) + 1;
    struct peer *peer = memory_new(sizeof *peer + size);
    peer->sessions = sessions;
    peer->port = target->port;
    memcpy(peer->host, target->host, size);
    list_init(&peer->kept);
    list_push_back(bucket, &peer->node);
    return peer;
}

void tls_sessions_attach(struct tls_sessions *sessions, const struct target *target,
                         void *ssl_ctx)
{
    pthread_once(&index_once, make_index);
    if (peer_index < 0 || vouched_index < 0)
        return;
    struct peer *peer = find_or_make(sessions, target);
    if (!SSL_CTX_set_ex_data(ssl_ctx, peer_index, peer)) {
        peer_free_if_unused(peer);
        return;
    }
    peer->contexts++;
    /* libcurl's own are replaced; it asks TLS 1.2 servers for no tickets. */
    SSL_CTX_set_session_cache_mode(ssl_ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl_ctx, on_new_session);
    SSL_CTX_set_info_callback(ssl_ctx, on_info);
    SSL_CTX_clear_options(ssl_ctx, SSL_OP_NO_TICKET);
}
