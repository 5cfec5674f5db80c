/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/tls_store.h: what is read, what is refused, and that contexts share one store. */
#include "fetch/tls_store.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Writes a self-signed certificate into `path` (a mkstemp template). */
static void write_certificate(char *path)
{
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"test root", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, key);
    cr_assert(gt(int, X509_sign(certificate, key, EVP_sha256()), 0));
    FILE *file = fdopen(fd, "w");
    PEM_write_X509(file, certificate);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

Test(tls_store, an_explicit_file_is_read)
{
    char path[] = "/tmp/gatherd_test_XXXXXX";
    write_certificate(path);
    struct error err = {0};
    struct tls_store *store = tls_store_new(path, NULL, &err);
    cr_assert(store != NULL, "%s", err.text);
    cr_expect(eq(sz, tls_store_count(store), 1));
    tls_store_free(store);
    unlink(path);
}

Test(tls_store, an_explicit_file_that_is_missing_or_holds_no_certificate_is_an_error)
{
    static const char *const paths[] = {"/nonexistent/ca.pem", "/dev/null",
                                        "/etc/passwd"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct error err = {0};
        cr_expect(tls_store_new(paths[i], NULL, &err) == NULL, "%s", paths[i]);
        cr_expect(strstr(err.text, paths[i]) != NULL, "%s", err.text);
        cr_expect(strstr(err.text, "fetch.ca_file") != NULL, "%s", err.text);
    }
}

Test(tls_store, the_environment_names_the_systems_bundle)
{
    char path[] = "/tmp/gatherd_test_XXXXXX";
    write_certificate(path);
    setenv("SSL_CERT_FILE", path, 1);
    struct error err = {0};
    struct tls_store *store = tls_store_new("", NULL, &err);
    cr_assert(store != NULL, "%s", err.text);
    cr_expect(eq(sz, tls_store_count(store), 1));
    tls_store_free(store);
    unlink(path);
}

Test(tls_store, a_system_without_certificates_gives_an_empty_store)
{
    setenv("SSL_CERT_FILE", "/nonexistent/ca.pem", 1);
    struct error err = {0};
    struct tls_store *store = tls_store_new("", NULL, &err);
    cr_assert(store != NULL);
    cr_expect(eq(sz, tls_store_count(store), 0));
    tls_store_free(store);
    tls_store_free(NULL);
}

Test(tls_store, contexts_share_the_store_and_may_outlive_it)
{
    char path[] = "/tmp/gatherd_test_XXXXXX";
    write_certificate(path);
    struct error err = {0};
    struct tls_store *store = tls_store_new(path, NULL, &err);
    cr_assert(store != NULL, "%s", err.text);
    SSL_CTX *first = SSL_CTX_new(TLS_client_method());
    SSL_CTX *second = SSL_CTX_new(TLS_client_method());
    tls_store_attach(store, first);
    tls_store_attach(store, second);
    cr_expect(SSL_CTX_get_cert_store(first) == SSL_CTX_get_cert_store(second));
    tls_store_free(store);
    X509_STORE *shared = SSL_CTX_get_cert_store(first);
    cr_expect(eq(int, sk_X509_OBJECT_num(X509_STORE_get0_objects(shared)), 1));
    SSL_CTX_free(first);
    SSL_CTX_free(second);
    unlink(path);
}

Test(tls_store, a_file_that_holds_the_same_is_the_same_store)
{
    char path[] = "/tmp/gatherd_test_XXXXXX", other[] = "/tmp/gatherd_test_XXXXXX";
    write_certificate(path);
    write_certificate(other);
    struct error err = {0};
    struct tls_store *store = tls_store_new(path, NULL, &err);
    cr_assert(store != NULL, "%s", err.text);
    struct tls_store *again = tls_store_new(path, store, &err);
    cr_expect(again == store);
    cr_expect(rename(other, path) == 0);
    struct tls_store *changed = tls_store_new(path, store, &err);
    cr_expect(changed != NULL && changed != store);
    tls_store_free(again);
    cr_expect(eq(sz, tls_store_count(store), 1), "one hold is left");
    tls_store_free(store);
    tls_store_free(changed);
    unlink(path);
}
