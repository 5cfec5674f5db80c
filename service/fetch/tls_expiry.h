/* SPDX-License-Identifier: Apache-2.0 */
/* How long a certificate remains valid. What is remembered of a handshake
 * (tls_sessions.h, tls_verified.h) is forgotten by then, so a date that has passed is
 * noticed as if each handshake were a full one. */
#pragma once

#include <stdint.h>

struct x509_st; /* OpenSSL's X509 */

/* tls_expiry_left_ms: until the certificate's notAfter, by the wall clock and to the
 * second; 0: that has passed, or cannot be read. About a microsecond. Any thread. */
uint64_t tls_expiry_left_ms(const struct x509_st *certificate);
