/* SPDX-License-Identifier: Apache-2.0 */
/* `gatherd health` in one easy handle. Not for the service itself: it blocks. */
#include "fetch/probe.h"

#include <curl/curl.h>

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    buffer_append(context, data, size * count);
    return size * count;
}

bool probe_get(const char *url, const char *unix_path, long timeout_ms, int *ret_status,
               struct buffer *ret_body, struct error *err)
{
    CURL *easy = curl_easy_init();
    if (!easy)
        return error_set(err, ERROR_SYSTEM, "libcurl has no memory");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, ret_body);
    if (unix_path)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, unix_path);
    CURLcode code = curl_easy_perform(easy);
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    if (code != CURLE_OK)
        return error_set(err, ERROR_SYSTEM, "%s: %s", url, curl_easy_strerror(code));
    *ret_status = (int)status;
    return true;
}
