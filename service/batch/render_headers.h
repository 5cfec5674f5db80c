/* SPDX-License-Identifier: Apache-2.0 */
/* The "headers" member of a response. Pure. */
#pragma once

#include "base/buffer.h"
#include "fetch/call.h"

/* render_headers appends ,"headers":{…}: names in the order they first came, a name that
 * came more than once with an array of its values. Values that are no UTF-8 are read as
 * latin-1. */
void render_headers(struct buffer *out, const struct call_header *headers, size_t count);
