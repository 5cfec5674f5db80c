/* SPDX-License-Identifier: Apache-2.0 */
/* Names of hosts and ports, for syntax*.c only. Pure. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"

#include <stdbool.h>

enum { SYNTAX_HOST_MAX = 253 }; /* RFC 1035 2.3.4, in dots and letters */

/* syntax_copy_host copies `text` if it is short enough to be an address or a name. */
bool syntax_copy_host(struct slice text, char host[SYNTAX_HOST_MAX + 1]) MUST_CHECK;
/* A name whose last label is not a number; one final dot is fine. */
bool syntax_is_host_name(struct slice text) MUST_CHECK;
/* "80" or "1024-65535", from 1 on. */
bool syntax_is_port_range(struct slice text) MUST_CHECK;
