/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL compares with the wall clock as it verifies; this asks the same clock, once,
 * and what follows is monotonic. */
#include "fetch/tls_expiry.h"

#include <openssl/x509.h>

enum { SECONDS_A_DAY = 24 * 3600 };

uint64_t tls_expiry_left_ms(const struct x509_st *certificate)
{
    int days, seconds;
    const ASN1_TIME *end = X509_get0_notAfter(certificate);
    if (ASN1_TIME_diff(&days, &seconds, NULL, end) != 1 || days < 0 || seconds < 0)
        return 0;
    return ((uint64_t)days * SECONDS_A_DAY + (uint64_t)seconds) * 1000;
}
