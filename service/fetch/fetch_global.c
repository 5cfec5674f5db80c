/* SPDX-License-Identifier: Apache-2.0 */
/* What the process does once for libcurl and c-ares, and what its fetchers share. Also
 * the last check of libcurl's version: the library found at start may be another than the
 * one built against. Called by serve.c and commands.c. */
#include "fetch/fetcher.h"
#include "fetch/fetcher_state.h"
#include "fetch/libcurl_print.h"
#include "fetch/libcurl_system.h"

#include "base/memory.h"
#include "base/pool.h"

#include <ares.h>
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum { LEAST_VERSION = 0x080000 };

/* They would redirect all traffic, or write every TLS session's keys to a file. */
static void clear_environment(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "all_proxy",
                                        "no_proxy",   "HTTP_PROXY",  "HTTPS_PROXY",
                                        "ALL_PROXY",  "NO_PROXY",    "SSLKEYLOGFILE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

/* A handshake allocates some thousand small blocks, and a connection that waits has no
 * buffers (transfer_on_ssl_ctx): they come and go with each record. */
static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size > 0 ? pool_malloc(size) : NULL;
}

static void openssl_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    pool_free(block);
}

static void *openssl_realloc(void *block, size_t size, const char *file, int line)
{
    if (size > 0)
        return pool_realloc(block, size);
    openssl_free(block, file, line);
    return NULL;
}

bool fetch_global_init(struct error *err)
{
    clear_environment();
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    if (info->version_num < LEAST_VERSION)
        return error_set(
            err, ERROR_SYSTEM,
            "libcurl %s is too old: before 8.0 it gives a second, unasked reply "
            "on a kept-alive connection to the next request; install libcurl4 "
            "from bookworm-backports, or run deploy/setup.sh",
            info->version);
    /* Refused once OpenSSL has allocated anything, which does no harm. */
    (void)!CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free);
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, pool_malloc, pool_free, pool_realloc,
                             pool_strdup, pool_calloc) != CURLE_OK)
        return error_set(err, ERROR_SYSTEM, "libcurl does not start");
    libcurl_print_use(pool_malloc);
    libcurl_system_start();
    int code = ares_library_init(ARES_LIB_INIT_ALL);
    if (code == ARES_SUCCESS)
        return true;
    curl_global_cleanup();
    return error_set(err, ERROR_SYSTEM, "c-ares does not start: %s", ares_strerror(code));
}

void fetch_global_done(void)
{
    ares_library_cleanup();
    curl_global_cleanup();
}

void fetch_versions(struct buffer *out)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    buffer_append_format(out, "libcurl %s (%s, zlib %s)\n", info->version,
                         info->ssl_version ? info->ssl_version : "no TLS",
                         info->libz_version ? info->libz_version : "none");
    buffer_append_format(out, "c-ares %s\n", ares_version(NULL));
}

struct fetch_shared *fetch_shared_new(const struct config *config, struct error *err)
{
    struct fetch_shared *shared = memory_new(sizeof *shared);
    shared->taints = taints_new();
    shared->handovers = handovers_new();
    shared->callers = callers_new();
    shared->first = snapshot_new(shared->callers, config, err);
    if (shared->first && snapshot_share(shared->first, NULL, err))
        return shared;
    fetch_shared_free(shared);
    return NULL;
}

struct snapshot *fetch_shared_first(struct fetch_shared *shared)
{
    return shared->first;
}

struct callers *fetch_shared_callers(struct fetch_shared *shared)
{
    return shared->callers;
}

void fetch_shared_free(struct fetch_shared *shared)
{
    if (!shared)
        return;
    snapshot_release(shared->first);
    callers_free(shared->callers);
    taints_free(shared->taints);
    handovers_free(shared->handovers);
    free(shared);
}
