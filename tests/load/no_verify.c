/* SPDX-License-Identifier: Apache-2.0 */
/* For tls.py: preloaded, every certificate chain is good unseen. gatherd has no such
 * setting; this shows what the verification costs. */
#include <openssl/x509_vfy.h>

int X509_verify_cert(X509_STORE_CTX *context)
{
    X509_STORE_CTX_set_error(context, X509_V_OK);
    return 1;
}
