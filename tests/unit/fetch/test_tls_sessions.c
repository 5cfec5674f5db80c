/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/tls_sessions.h: who resumes what, and for how long. Both ends are OpenSSL's, in
 * memory. */
#include "fetch/tls_sessions.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>

static struct loop loop;
static struct tls_sessions *sessions;
static SSL_CTX *server_ctx;

static void show_certificate_for(SSL_CTX *ctx, long life_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), life_s);
    X509_set_pubkey(certificate, key);
    cr_assert(gt(int, X509_sign(certificate, key, EVP_sha256()), 0));
    SSL_CTX_use_certificate(ctx, certificate);
    SSL_CTX_use_PrivateKey(ctx, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void set_up(void)
{
    loop.now_ms = 1000;
    sessions = tls_sessions_new(&loop);
    server_ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_session_id_context(server_ctx, (const unsigned char *)"test", 4);
    show_certificate_for(server_ctx, 24 * 3600);
}

static void tear_down(void)
{
    tls_sessions_free(sessions);
    SSL_CTX_free(server_ctx);
}

static SSL_CTX *client_ctx_for(const char *host, uint16_t port)
{
    struct target target = {.is_https = true, .port = port};
    snprintf(target.host, sizeof target.host, "%s", host);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    tls_sessions_attach(sessions, &target, ctx);
    return ctx;
}

/* Two ends; what one writes the other can read. */
struct connection {
    SSL *client;
    SSL *server;
};

static struct connection connect_to(const char *host, uint16_t port)
{
    SSL_CTX *ctx = client_ctx_for(host, port);
    struct connection made = {.client = SSL_new(ctx), .server = SSL_new(server_ctx)};
    SSL_CTX_free(ctx);
    BIO *one = NULL, *other = NULL;
    BIO_new_bio_pair(&one, 64 * 1024, &other, 64 * 1024);
    SSL_set_bio(made.client, one, one);
    SSL_set_bio(made.server, other, other);
    SSL_set_connect_state(made.client);
    SSL_set_accept_state(made.server);
    return made;
}

/* Takes what the other end says of its own accord. */
static void listen_to_other(SSL *ssl)
{
    char byte;
    cr_expect(lt(int, SSL_read(ssl, &byte, 1), 0));
}

static void shake_hands(const struct connection *connection)
{
    for (int i = 0; i < 8; i++) {
        SSL_do_handshake(connection->client);
        SSL_do_handshake(connection->server);
    }
}

static bool is_resumed(const struct connection *connection)
{
    return SSL_is_init_finished(connection->client) &&
           SSL_session_reused(connection->client);
}

static void break_off(const struct connection *connection)
{
    SSL_free(connection->client);
    SSL_free(connection->server);
}

/* One connection, from its context to its breaking off. It reads what the server gives it
 * only if `reads`. */
static bool resumes(const char *host, uint16_t port, bool reads)
{
    struct connection connection = connect_to(host, port);
    shake_hands(&connection);
    if (reads)
        listen_to_other(connection.client);
    bool resumed = is_resumed(&connection);
    break_off(&connection);
    return resumed;
}

TestSuite(tls_sessions, .init = set_up, .fini = tear_down);

Test(tls_sessions, the_next_connection_resumes_what_the_last_one_was_given)
{
    cr_expect(not(resumes("a.test", 443, true)));
    cr_expect(eq(sz, tls_sessions_count(sessions), 2));
    for (int i = 0; i < 3; i++)
        cr_expect(resumes("a.test", 443, true));
}

Test(tls_sessions, a_ticket_is_for_one_connection)
{
    resumes("a.test", 443, true);
    cr_expect(resumes("a.test", 443, false));
    cr_expect(resumes("a.test", 443, false));
    cr_expect(eq(sz, tls_sessions_count(sessions), 0));
    cr_expect(not(resumes("a.test", 443, false)));
}

Test(tls_sessions, another_host_or_port_gets_none_though_it_is_the_same_server)
{
    resumes("a.test", 443, true);
    cr_expect(not(resumes("b.test", 443, true)));
    cr_expect(not(resumes("a.test", 8443, true)));
    cr_expect(not(resumes("a.test.", 443, true)));
    cr_expect(resumes("a.test", 443, true));
}

Test(tls_sessions, one_of_tls_1_2_serves_any_number_of_connections)
{
    SSL_CTX_set_max_proto_version(server_ctx, TLS1_2_VERSION);
    cr_expect(not(resumes("a.test", 443, true)));
    cr_expect(eq(sz, tls_sessions_count(sessions), 1));
    for (int i = 0; i < 3; i++)
        cr_expect(resumes("a.test", 443, true));
    cr_expect(eq(sz, tls_sessions_count(sessions), 1));
}

Test(tls_sessions, they_end_after_an_hour)
{
    resumes("a.test", 443, true);
    loop.now_ms += TLS_SESSION_LIFE_MS - 1;
    cr_expect(resumes("a.test", 443, false));
    loop.now_ms++;
    cr_expect(not(resumes("a.test", 443, false)));
    cr_expect(eq(sz, tls_sessions_count(sessions), 0));
}

Test(tls_sessions, they_end_when_the_server_says)
{
    SSL_CTX_set_timeout(server_ctx, 10);
    resumes("a.test", 443, true);
    loop.now_ms += 10 * 1000;
    cr_expect(not(resumes("a.test", 443, false)));
}

/* An hour after the handshake, however often it was resumed. */
static void resume_until_it_ends(void)
{
    for (int i = 0; i < 3; i++) {
        loop.now_ms += TLS_SESSION_LIFE_MS / 4;
        cr_expect(resumes("a.test", 443, true));
    }
    loop.now_ms += TLS_SESSION_LIFE_MS / 4;
    cr_expect(not(resumes("a.test", 443, true)));
}

Test(tls_sessions, those_of_resumed_connections_end_with_the_first)
{
    resumes("a.test", 443, true);
    resume_until_it_ends();
    loop.now_ms += TLS_SESSION_LIFE_MS / 4;
    cr_expect(resumes("a.test", 443, true), "of the new handshake");
}

Test(tls_sessions, one_of_tls_1_2_ends_with_the_first_too)
{
    SSL_CTX_set_max_proto_version(server_ctx, TLS1_2_VERSION);
    SSL_CTX_set_timeout(server_ctx, 10 * 3600);
    resumes("a.test", 443, true);
    resume_until_it_ends();
}

Test(tls_sessions, one_that_comes_late_is_as_old_as_the_handshake)
{
    SSL_CTX_set_num_tickets(server_ctx, 0);
    struct connection connection = connect_to("a.test", 443);
    shake_hands(&connection);
    loop.now_ms += TLS_SESSION_LIFE_MS - 10 * 1000;
    SSL_new_session_ticket(connection.server);
    cr_expect(eq(int, SSL_write(connection.server, "x", 1), 1));
    char byte;
    cr_expect(eq(int, SSL_read(connection.client, &byte, 1), 1));
    cr_expect(eq(sz, tls_sessions_count(sessions), 1));
    break_off(&connection);
    loop.now_ms += 10 * 1000;
    cr_expect(not(resumes("a.test", 443, false)));
}

Test(tls_sessions, they_end_with_the_certificate)
{
    show_certificate_for(server_ctx, 600);
    resumes("a.test", 443, true);
    loop.now_ms += 590 * 1000;
    cr_expect(resumes("a.test", 443, true));
    loop.now_ms += 10 * 1000;
    cr_expect(not(resumes("a.test", 443, false)));
}

Test(tls_sessions, none_is_kept_of_a_certificate_that_has_ended)
{
    show_certificate_for(server_ctx, -1);
    cr_expect(not(resumes("a.test", 443, true)));
    cr_expect(eq(sz, tls_sessions_count(sessions), 0));
}

Test(tls_sessions, an_origin_keeps_so_many)
{
    SSL_CTX_set_num_tickets(server_ctx, TLS_SESSIONS_PER_ORIGIN + 1);
    resumes("a.test", 443, true);
    cr_expect(eq(sz, tls_sessions_count(sessions), TLS_SESSIONS_PER_ORIGIN));
}

Test(tls_sessions, the_oldest_of_all_go_when_there_are_too_many)
{
    SSL_CTX_set_num_tickets(server_ctx, TLS_SESSIONS_PER_ORIGIN);
    char host[32];
    int origins = TLS_SESSIONS_MAX / TLS_SESSIONS_PER_ORIGIN;
    for (int i = 0; i <= origins; i++) {
        snprintf(host, sizeof host, "h%d.test", i);
        resumes(host, 443, true);
        cr_expect(le(sz, tls_sessions_count(sessions), TLS_SESSIONS_MAX));
    }
    cr_expect(eq(sz, tls_sessions_count(sessions), TLS_SESSIONS_MAX));
    cr_expect(not(resumes("h0.test", 443, false)));
    cr_expect(resumes("h1.test", 443, false));
    cr_expect(resumes(host, 443, false));
}

Test(tls_sessions, a_handshake_that_is_refused_takes_the_origins_sessions_along)
{
    resumes("a.test", 443, true);
    resumes("b.test", 443, true);
    SSL_CTX_set_cipher_list(server_ctx, "AES128-SHA");
    SSL_CTX_set_max_proto_version(server_ctx, TLS1_1_VERSION);
    cr_expect(not(resumes("a.test", 443, false)));
    cr_expect(eq(sz, tls_sessions_count(sessions), 2)); /* the other origin's */
}

/* Before the server said a word: without an alert. */
static void expect_all_gone_after_a_hang_up(void)
{
    resumes("b.test", 443, true);
    size_t of_the_other = tls_sessions_count(sessions);
    resumes("a.test", 443, true);
    cr_expect(gt(sz, tls_sessions_count(sessions), of_the_other));
    struct connection connection = connect_to("a.test", 443);
    cr_expect(lt(int, SSL_do_handshake(connection.client), 0));
    cr_expect(gt(sz, tls_sessions_count(sessions), of_the_other),
              "waiting is no failure");
    BIO_shutdown_wr(SSL_get_wbio(connection.server));
    cr_expect(le(int, SSL_do_handshake(connection.client), 0));
    break_off(&connection);
    cr_expect(eq(sz, tls_sessions_count(sessions), of_the_other));
    cr_expect(not(resumes("a.test", 443, false)));
    cr_expect(resumes("b.test", 443, false));
}

Test(tls_sessions, a_server_that_hangs_up_instead_is_offered_none_of_them_again)
{
    expect_all_gone_after_a_hang_up();
}

Test(tls_sessions, a_server_of_tls_1_2_that_hangs_up_is_offered_none_of_them_again)
{
    SSL_CTX_set_max_proto_version(server_ctx, TLS1_2_VERSION);
    expect_all_gone_after_a_hang_up();
}

struct secret {
    unsigned char bytes[SSL_MAX_MASTER_KEY_LENGTH];
};

static struct secret secret_of(const SSL *ssl)
{
    struct secret secret = {0};
    SSL_SESSION *session = SSL_get_session(ssl);
    cr_assert(eq(sz,
                 SSL_SESSION_get_master_key(session, secret.bytes, sizeof secret.bytes),
                 sizeof secret.bytes));
    return secret;
}

/* The server asks for it; what the origin gave others is not for this connection. */
Test(tls_sessions, a_renegotiation_goes_on_with_the_connections_own)
{
    SSL_CTX_set_max_proto_version(server_ctx, TLS1_2_VERSION);
    struct connection connection = connect_to("a.test", 443);
    shake_hands(&connection);
    struct secret own = secret_of(connection.client);
    loop.now_ms += TLS_SESSION_LIFE_MS;
    cr_assert(not(resumes("a.test", 443, true)));
    cr_assert(eq(sz, tls_sessions_count(sessions), 1), "with a secret of its own");
    SSL_renegotiate(connection.server);
    for (int i = 0; i < 8; i++) {
        SSL_do_handshake(connection.server);
        listen_to_other(connection.client);
        listen_to_other(connection.server);
    }
    cr_expect(gt(int, (int)SSL_total_renegotiations(connection.client), 0));
    cr_expect(SSL_is_init_finished(connection.client));
    struct secret now = secret_of(connection.client);
    cr_expect_arr_eq(now.bytes, own.bytes, sizeof own.bytes);
    break_off(&connection);
}

Test(tls_sessions, none_is_kept_with_a_large_chain_of_certificates)
{
    X509 *certificate = SSL_CTX_get0_certificate(server_ctx);
    int size = i2d_X509(certificate, NULL);
    for (int sent = size; sent <= TLS_SESSION_MAX_BYTES; sent += size)
        SSL_CTX_add1_chain_cert(server_ctx, certificate);
    cr_expect(not(resumes("a.test", 443, true)));
    cr_expect(eq(sz, tls_sessions_count(sessions), 0));
    SSL_CTX_clear_chain_certs(server_ctx);
    cr_expect(not(resumes("a.test", 443, true)));
    cr_expect(eq(sz, tls_sessions_count(sessions), 2));
}

Test(tls_sessions, none_is_given_where_the_server_has_none)
{
    SSL_CTX_set_num_tickets(server_ctx, 0);
    cr_expect(not(resumes("a.test", 443, true)));
    cr_expect(not(resumes("a.test", 443, true)));
    cr_expect(eq(sz, tls_sessions_count(sessions), 0));
}

Test(tls_sessions, freeing_none_is_fine)
{
    tls_sessions_free(NULL);
}
