/* SPDX-License-Identifier: Apache-2.0 */
/* Where libcurl would connect for a URL, asked of libcurl: the socket is refused when it
 * is about to be opened. No name is looked up: this program's getaddrinfo answers,
 * numbers with what they mean to inet_aton and names with OPENS_NAME. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define OPENS_NAME "192.0.2.77" /* what every name resolves to */

/* opens_at is where: false when libcurl would open nothing. `pin` as transfer_options.c
 * gives it to CURLOPT_CONNECT_TO; NULL: none. Aborts when it would open several. */
bool opens_at(const char *url, const char *pin, struct sockaddr_storage *ret_address);

/* opens_is: `address` is that address, in text, and that port. */
bool opens_is(const struct sockaddr_storage *address, const char *ip, uint16_t port);
