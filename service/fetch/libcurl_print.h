/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's printf into new strings, brought along for the formats it uses per item.
 *
 * libcurl prints the URL, the Host and User-Agent lines and a connection's name into
 * strings of their own, a character at a time through three functions: 12 % of all
 * instructions of an item (callgrind, 100 items a batch, libcurl 8.14.1). curl_maprintf
 * and curl_mvaprintf, by which it does, are public functions of a shared library, and
 * ELF lets a program define such a function itself; the library then calls that one.
 *
 * The text is the same: %s, %d, %u, %ld and plain text are written here, and a format
 * with anything else, or a long result, is left to libcurl's own curl_mvsnprintf. A
 * libcurl that binds these calls inside itself is as it would be without. */
#pragma once

#include <stddef.h>

/* libcurl_print_use tells where strings come from: what libcurl was given as malloc, as
 * it frees them. Until then malloc. Call it once, before there are threads. */
void libcurl_print_use(void *(*allocate)(size_t size));
