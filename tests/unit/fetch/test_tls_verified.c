/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/tls_verified.h: what is believed from memory. What was verified against one store
 * shows as believed by being taken with an empty one; in gatherd there is one store. */
#include "fetch/tls_verified.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

static struct loop loop;
static struct tls_verified *verified;
static X509_STORE *full, *empty;
static struct identity root, leaf, other;

static struct identity issue_for(const char *name, const struct identity *issuer,
                                 long life_s)
{
    static int serial;
    struct identity made = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
    X509_NAME *subject = X509_get_subject_name(made.certificate);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), life_s);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
                               -1, -1, 0);
    X509_set_issuer_name(made.certificate,
                         issuer ? X509_get_subject_name(issuer->certificate) : subject);
    X509_set_pubkey(made.certificate, made.key);
    X509_sign(made.certificate, issuer ? issuer->key : made.key, EVP_sha256());
    return made;
}

static struct identity issue(const char *name, const struct identity *issuer)
{
    return issue_for(name, issuer, 24 * 3600);
}

static void forget(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

static void set_up(void)
{
    loop.now_ms = 1000;
    verified = tls_verified_new(&loop);
    root = issue("root", NULL);
    leaf = issue("leaf", &root);
    other = issue("other", &root);
    full = X509_STORE_new();
    X509_STORE_add_cert(full, root.certificate);
    empty = X509_STORE_new();
}

static void tear_down(void)
{
    X509_STORE_free(full);
    X509_STORE_free(empty);
    forget(&root);
    forget(&leaf);
    forget(&other);
    tls_verified_free(verified);
}

/* A handshake in memory; false when the client refuses the server's certificate. */
static bool trusts(const struct identity *identity, bool sends_root, X509_STORE *store)
{
    SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX *server_ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(server_ctx, identity->certificate);
    SSL_CTX_use_PrivateKey(server_ctx, identity->key);
    if (sends_root)
        SSL_CTX_add1_chain_cert(server_ctx, root.certificate);
    SSL_CTX_set_mode(server_ctx, SSL_MODE_NO_AUTO_CHAIN);
    X509_STORE_up_ref(store);
    SSL_CTX_set_cert_store(client_ctx, store);
    SSL_CTX_set_verify(client_ctx, SSL_VERIFY_PEER, NULL);
    tls_verified_attach(verified, client_ctx);
    SSL *client = SSL_new(client_ctx), *server = SSL_new(server_ctx);
    BIO *one = NULL, *another = NULL;
    BIO_new_bio_pair(&one, 64 * 1024, &another, 64 * 1024);
    SSL_set_bio(client, one, one);
    SSL_set_bio(server, another, another);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    for (int i = 0; i < 8; i++) {
        SSL_do_handshake(client);
        SSL_do_handshake(server);
    }
    bool is_done = SSL_is_init_finished(client) != 0;
    cr_expect(eq(int, is_done, SSL_get_verify_result(client) == X509_V_OK));
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(client_ctx);
    SSL_CTX_free(server_ctx);
    return is_done;
}

TestSuite(tls_verified, .init = set_up, .fini = tear_down);

Test(tls_verified, what_was_found_good_is_believed_for_a_while)
{
    cr_expect(trusts(&leaf, false, full));
    loop.now_ms += TLS_VERIFIED_LIFE_MS - 1;
    cr_expect(trusts(&leaf, false, empty));
    loop.now_ms++;
    cr_expect(not(trusts(&leaf, false, empty)));
}

Test(tls_verified, what_was_found_good_is_believed_no_longer_than_its_certificate_is_good)
{
    struct identity brief = issue_for("brief", &root, 60);
    cr_expect(trusts(&brief, false, full));
    loop.now_ms += 50 * 1000;
    cr_expect(trusts(&brief, false, empty));
    loop.now_ms += 10 * 1000;
    cr_expect(not(trusts(&brief, false, empty)));
    forget(&brief);
}

Test(tls_verified, nor_than_its_authoritys)
{
    struct identity brief = issue_for("brief", NULL, 60);
    struct identity below = issue("below", &brief);
    X509_STORE_add_cert(full, brief.certificate);
    cr_expect(trusts(&below, false, full));
    loop.now_ms += 60 * 1000;
    cr_expect(not(trusts(&below, false, empty)));
    forget(&below);
    forget(&brief);
}

Test(tls_verified, what_was_found_bad_is_looked_at_again)
{
    cr_expect(not(trusts(&leaf, false, empty)));
    cr_expect(not(trusts(&leaf, false, empty)));
    cr_expect(trusts(&leaf, false, full));
}

Test(tls_verified, another_certificate_of_the_same_authority_is_verified_for_itself)
{
    cr_expect(trusts(&leaf, false, full));
    cr_expect(not(trusts(&other, false, empty)));
}

Test(tls_verified, the_same_certificate_in_another_chain_is_verified_for_itself)
{
    cr_expect(trusts(&leaf, false, full));
    cr_expect(not(trusts(&leaf, true, empty)));
    cr_expect(trusts(&leaf, true, full));
    cr_expect(trusts(&leaf, true, empty));
}

Test(tls_verified, freeing_none_is_fine)
{
    tls_verified_free(NULL);
}
