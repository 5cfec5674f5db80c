/* SPDX-License-Identifier: Apache-2.0 */
/* One easy handle, alone or in a CURLM of its own. Not for the service itself. */
#include "fetch/probe.h"

#include "base/memory.h"

#include <curl/curl.h>
#include <stdlib.h>

enum { FDS_MAX = 4 };

struct probe {
    CURL *easy;
    CURLM *multi;
    bool is_asking;
    int status;
    struct buffer body;
    const char *fault;
};

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    return buffer_append(context, data, size * count) ? size * count : 0;
}

static CURL *make_easy(const char *url, const char *unix_path, long timeout_ms,
                       struct buffer *body)
{
    CURL *easy = curl_easy_init();
    if (!easy)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
    if (unix_path)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, unix_path);
    return easy;
}

static int status_of(CURL *easy)
{
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

bool probe_get(const char *url, const char *unix_path, long timeout_ms, int *ret_status,
               struct buffer *ret_body, struct error *err)
{
    CURL *easy = make_easy(url, unix_path, timeout_ms, ret_body);
    if (!easy)
        return error_set(err, ERROR_SYSTEM, "libcurl has no memory");
    CURLcode code = curl_easy_perform(easy);
    *ret_status = status_of(easy);
    curl_easy_cleanup(easy);
    if (code != CURLE_OK)
        return error_set(err, ERROR_SYSTEM, "%s: %s", url, curl_easy_strerror(code));
    return true;
}

/* --------------------------------------------------------------------- again and again
 */

struct probe *probe_new(const char *url, const char *unix_path, long timeout_ms,
                        size_t body_max)
{
    struct probe *probe = memory_new(sizeof *probe);
    buffer_init(&probe->body, body_max);
    probe->multi = curl_multi_init();
    probe->easy = make_easy(url, unix_path, timeout_ms, &probe->body);
    if (probe->multi && probe->easy)
        return probe;
    probe_free(probe);
    return NULL;
}

static void stop(struct probe *probe)
{
    if (probe->is_asking)
        curl_multi_remove_handle(probe->multi, probe->easy);
    probe->is_asking = false;
}

void probe_free(struct probe *probe)
{
    if (!probe)
        return;
    stop(probe);
    curl_easy_cleanup(probe->easy);
    curl_multi_cleanup(probe->multi);
    buffer_done(&probe->body);
    free(probe);
}

void probe_send(struct probe *probe)
{
    buffer_clear(&probe->body);
    probe->is_asking = curl_multi_add_handle(probe->multi, probe->easy) == CURLM_OK;
}

static enum probe_event collect(struct probe *probe)
{
    int left;
    const CURLMsg *message = curl_multi_info_read(probe->multi, &left);
    if (!message || message->msg != CURLMSG_DONE)
        return PROBE_NOTHING;
    CURLcode code = message->data.result;
    probe->status = status_of(probe->easy);
    probe->fault = curl_easy_strerror(code);
    stop(probe);
    return code == CURLE_OK ? PROBE_ANSWERED : PROBE_FAILED;
}

enum probe_event probe_wait(struct probe *probe, const int *fds, size_t count,
                            int wait_ms)
{
    struct curl_waitfd waits[FDS_MAX];
    int running;
    for (size_t i = 0; i < count && i < FDS_MAX; i++)
        waits[i] = (struct curl_waitfd){.fd = fds[i], .events = CURL_WAIT_POLLIN};
    /* What was just added has to be begun before it can be waited for. */
    curl_multi_perform(probe->multi, &running);
    enum probe_event event = collect(probe);
    if (event != PROBE_NOTHING)
        return event;
    curl_multi_poll(probe->multi, waits, (unsigned)(count < FDS_MAX ? count : FDS_MAX),
                    wait_ms, NULL);
    curl_multi_perform(probe->multi, &running);
    return collect(probe);
}

bool probe_is_asking(const struct probe *probe)
{
    return probe->is_asking;
}

int probe_status(const struct probe *probe)
{
    return probe->status;
}

struct slice probe_body(const struct probe *probe)
{
    return buffer_slice(&probe->body);
}

const char *probe_fault(const struct probe *probe)
{
    return probe->fault;
}
