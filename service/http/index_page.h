/* SPDX-License-Identifier: Apache-2.0 */
/* The page at "/". */
#pragma once

#include "base/buffer.h"

/* index_page_policy is the Content-Security-Policy it needs. */
extern const char index_page_policy[];
/* index_page_write appends it; has_console: to this reader it is on this listener. */
void index_page_write(struct buffer *out, const char *version, bool has_console);
