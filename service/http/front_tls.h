/* SPDX-License-Identifier: Apache-2.0 */
/* TLS of the service's listeners, as far as it is not MHD's own. The worker's thread. */
#pragma once

#include "base/error.h"
#include "config/config.h"

#include <microhttpd.h>

#include <stdbool.h>

struct exchange;

/* front_certificate_is_sound: no client certificate is asked for, or the client has shown
 * one of server.tls.client_ca. */
bool front_certificate_is_sound(const struct exchange *exchange);
/* front_tls_options fills MHD's options for server.tls, ended by MHD_OPTION_END; false
 * when this MHD has no TLS. At most FRONT_TLS_OPTIONS entries. */
enum { FRONT_TLS_OPTIONS = 6 };
bool front_tls_options(const struct config *config,
                       struct MHD_OptionItem options[FRONT_TLS_OPTIONS],
                       struct error *err);
