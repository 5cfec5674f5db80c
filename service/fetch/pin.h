/* SPDX-License-Identifier: Apache-2.0 */
/* A vetted address as libcurl's CURLOPT_CONNECT_TO takes it: "::ADDR:PORT", whatever host
 * and port the URL names, connect there. Behind the two colons it reads as people write
 * it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { PIN_SIZE = 64 };

/* pin_write writes the pin of an IPv4 or IPv6 `address` with `port`; "" for other
 * families. */
void pin_write(const struct sockaddr *address, uint16_t port, char *text, size_t size);
/* pin_remote is the pin as "192.0.2.1:80", "[2001:db8::1]:80"; NULL for "". */
const char *pin_remote(const char *pin);
/* pin_is_ip: the pin names the address `ip` (without brackets) and `port`. */
bool pin_is_ip(const char *pin, const char *ip, int port);
/* pin_is_address: two addresses are equal, ports aside. */
bool pin_is_address(const struct sockaddr *a, const struct sockaddr *b);
