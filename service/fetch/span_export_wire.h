/* SPDX-License-Identifier: Apache-2.0 */
/* One POST at a time to the collector, by a CURLM of its own on the worker's loop. For
 * span_export.c. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/slice.h"
#include "config/config.h"
#include "fetch/tls_store.h"

#include <stdbool.h>
#include <stdint.h>

struct export_wire;

struct export_reply {
    int status;     /* 0: none came */
    int64_t wait_s; /* as Retry-After asks for; 0: it does not */
    struct slice body;
};

/* Called from the loop, never from inside export_wire_send; the next one may be sent. */
typedef void export_reply_fn(void *context, const struct export_reply *reply);

struct export_wire_setup {
    struct loop *loop;
    const char *url;
    const struct config_headers *headers;
    const struct tls_store *tls_store;
    export_reply_fn *on_reply;
    void *context;
};

struct export_wire *export_wire_new(const struct export_wire_setup *setup,
                                    struct error *err) MUST_CHECK;
void export_wire_free(struct export_wire *wire); /* NULL is fine */

/* export_wire_adopt: from the next request on, on another connection, `tls_store` says
 * who is trusted; it stays the caller's, until the next adoption or the end. */
void export_wire_adopt(struct export_wire *wire, const struct tls_store *tls_store);

/* export_wire_send posts `body`, which stays the caller's and valid until on_reply or
 * export_wire_cancel, to the address of `pin` (pin.h). False: libcurl has no memory;
 * on_reply will not come. */
bool export_wire_send(struct export_wire *wire, const char *pin,
                      struct slice body) MUST_CHECK;
/* export_wire_cancel: a no-op when nothing is under way. */
void export_wire_cancel(struct export_wire *wire);
