/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as a host name. Pure; one answer for URLs and for the rules about them. */
#pragma once

#include "base/slice.h"

#include <stdbool.h>

/* A name of at most 253 bytes and its NUL. */
enum { HOST_NAME_SIZE = 256 };

/* host_name_copy checks that `text` is a host name and writes it in lower case, without a
 * final dot, into `ret_name`. A host name is ASCII labels of letters, digits, hyphens
 * (not at the ends) and underscores, 1–63 bytes each, 253 together, of which the last is
 * not a number: "127.1" and "0x7f.1" are IPv4 addresses to some programs and names to
 * others. */
bool host_name_copy(struct slice text, char ret_name[HOST_NAME_SIZE]);
