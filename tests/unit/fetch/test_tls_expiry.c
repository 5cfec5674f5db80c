/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/tls_expiry.h */
#include "fetch/tls_expiry.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/x509.h>

static X509 *ending_in(long seconds)
{
    X509 *certificate = X509_new();
    X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
    return certificate;
}

static void expect_left(long seconds, uint64_t least_ms, uint64_t most_ms)
{
    X509 *certificate = ending_in(seconds);
    uint64_t left_ms = tls_expiry_left_ms(certificate);
    cr_expect(ge(u64, left_ms, least_ms), "%ld s", seconds);
    cr_expect(le(u64, left_ms, most_ms), "%ld s", seconds);
    X509_free(certificate);
}

/* A minute of grace: the wall clock goes on while the test runs. */
Test(tls_expiry, is_what_is_left_by_the_wall_clock)
{
    expect_left(3600, 3540000, 3600000);
    expect_left(3 * 24 * 3600, 259140000, 259200000);
}

Test(tls_expiry, of_a_certificate_that_has_ended_is_nothing)
{
    expect_left(-1, 0, 0);
    expect_left(-3 * 24 * 3600, 0, 0);
}

Test(tls_expiry, of_a_date_that_cannot_be_read_is_nothing)
{
    X509 *certificate = X509_new();
    ASN1_STRING_set(X509_getm_notAfter(certificate), "no date", -1);
    cr_expect(eq(u64, tls_expiry_left_ms(certificate), 0));
    X509_free(certificate);
}
