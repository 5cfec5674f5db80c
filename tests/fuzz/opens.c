/* SPDX-License-Identifier: Apache-2.0 */
/* One handle, used again and again as the transfers of gatherd are; libcurl is asked
 * through its callback, so nothing leaves the machine. */
#include "opens.h"

#include "fuzzer.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <string.h>

struct seen {
    bool is_any;
    struct sockaddr_storage address;
};

/* One block a result, as freeaddrinfo expects of glibc's own. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret_result)
{
    (void)hints;
    struct {
        struct addrinfo info;
        struct sockaddr_in in;
    } *result = calloc(1, sizeof *result);
    MUST_HOLD(result != NULL);
    result->in.sin_family = AF_INET;
    if (service)
        result->in.sin_port = htons((uint16_t)strtoul(service, NULL, 10));
    if (!node || !inet_aton(node, &result->in.sin_addr))
        inet_pton(AF_INET, OPENS_NAME, &result->in.sin_addr);
    result->info = (struct addrinfo){
        .ai_family = AF_INET,
        .ai_socktype = SOCK_STREAM,
        .ai_protocol = IPPROTO_TCP,
        .ai_addrlen = sizeof result->in,
        .ai_addr = (struct sockaddr *)&result->in,
    };
    *ret_result = &result->info;
    return 0;
}

static curl_socket_t on_open(void *data, curlsocktype purpose,
                             struct curl_sockaddr *address)
{
    struct seen *seen = data;
    struct sockaddr_storage found = {0};
    (void)purpose;
    MUST_HOLD(address->addrlen <= sizeof found);
    memcpy(&found, &address->addr, address->addrlen);
    MUST_HOLD(!seen->is_any || memcmp(&found, &seen->address, sizeof found) == 0);
    seen->is_any = true;
    seen->address = found;
    return CURL_SOCKET_BAD;
}

static CURL *make_handle(void)
{
    MUST_HOLD(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    CURL *easy = curl_easy_init();
    MUST_HOLD(easy != NULL);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    return easy;
}

bool opens_at(const char *url, const char *pin, struct sockaddr_storage *ret_address)
{
    static CURL *easy;
    static char pin_text[64];
    struct curl_slist node = {.data = pin_text};
    struct seen seen = {0};
    if (!easy)
        easy = make_handle();
    if (pin)
        snprintf(pin_text, sizeof pin_text, "%s", pin);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, pin ? &node : NULL);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &seen);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    MUST_HOLD(curl_easy_perform(easy) != CURLE_OK);
    *ret_address = seen.address;
    return seen.is_any;
}

bool opens_is(const struct sockaddr_storage *address, const char *ip, uint16_t port)
{
    char text[INET6_ADDRSTRLEN] = "";
    uint16_t found;
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        found = ntohs(in->sin_port);
    } else {
        const struct sockaddr_in6 *in6 = (const void *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
        found = ntohs(in6->sin6_port);
    }
    return strcmp(text, ip) == 0 && found == port;
}
