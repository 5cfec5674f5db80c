/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as pins. With the host and port to match left empty the pin holds for
 * whatever the URL says, so no difference between two readings of a URL can lead
 * elsewhere. Used by origin.c and transfer.c. */
#include "fetch/pin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pin_write(const struct sockaddr *address, uint16_t port, char *text, size_t size)
{
    char ip[INET6_ADDRSTRLEN];
    text[0] = '\0';
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        inet_ntop(AF_INET, &in->sin_addr, ip, sizeof ip);
        snprintf(text, size, "::%s:%u", ip, (unsigned)port);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 =
            (const struct sockaddr_in6 *)(const void *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof ip);
        snprintf(text, size, "::[%s]:%u", ip, (unsigned)port);
    }
}

const char *pin_remote(const char *pin)
{
    return pin[0] ? pin + 2 : NULL;
}

bool pin_is_ip(const char *pin, const char *ip, int port)
{
    const char *at = pin_remote(pin);
    if (!at)
        return false;
    bool has_bracket = *at == '[';
    at += has_bracket;
    size_t len = strlen(ip);
    if (strncmp(at, ip, len) != 0)
        return false;
    at += len;
    if (has_bracket && *at++ != ']')
        return false;
    return *at == ':' && strtol(at + 1, NULL, 10) == port;
}

bool pin_is_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return memcmp(&((const struct sockaddr_in *)(const void *)a)->sin_addr,
                      &((const struct sockaddr_in *)(const void *)b)->sin_addr,
                      sizeof(struct in_addr)) == 0;
    if (a->sa_family == AF_INET6)
        return memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                      &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr,
                      sizeof(struct in6_addr)) == 0;
    return false;
}
