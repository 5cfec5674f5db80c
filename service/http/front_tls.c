/* SPDX-License-Identifier: Apache-2.0 */
/* server.tls: what MHD must be told, and the check it leaves to us: with a client CA it
 * asks for a certificate but takes clients that show none or a foreign one
 * (GNUTLS_CERT_REQUEST). The only file that knows GnuTLS, which MHD is built on. */
#include "http/front_tls.h"

#include "http/front_state.h"

#include <gnutls/gnutls.h>

/* TLS 1.2 and 1.3 with forward secrecy and authenticated encryption; nothing older. */
static char priorities[] =
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:"
    "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305";

bool front_tls_options(const struct config *config,
                       struct MHD_OptionItem options[FRONT_TLS_OPTIONS],
                       struct error *err)
{
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return error_set(err, ERROR_SYSTEM,
                         "server.tls: libmicrohttpd %s was built without TLS",
                         MHD_get_version());
    size_t count = 0;
    options[count++] = (struct MHD_OptionItem){
        .option = MHD_OPTION_HTTPS_MEM_CERT, .ptr_value = config->server.tls_certificate};
    options[count++] = (struct MHD_OptionItem){.option = MHD_OPTION_HTTPS_MEM_KEY,
                                               .ptr_value = config->server.tls_key};
    options[count++] = (struct MHD_OptionItem){.option = MHD_OPTION_HTTPS_PRIORITIES,
                                               .ptr_value = priorities};
    if (config->server.tls_client_ca[0])
        options[count++] =
            (struct MHD_OptionItem){.option = MHD_OPTION_HTTPS_MEM_TRUST,
                                    .ptr_value = config->server.tls_client_ca};
    options[count++] = (struct MHD_OptionItem){.option = MHD_OPTION_END};
    return true;
}

bool front_certificate_is_sound(const struct exchange *exchange)
{
    if (!exchange->front->needs_client_certificate)
        return true;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        exchange->client->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    unsigned status = 0;
    return info && gnutls_certificate_verify_peers2(info->tls_session, &status) == 0 &&
           status == 0;
}
