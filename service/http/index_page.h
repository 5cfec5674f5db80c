/* SPDX-License-Identifier: Apache-2.0 */
/* The page at "/". */
#pragma once

#include "base/buffer.h"

/* index_page_policy is the Content-Security-Policy it needs. */
extern const char index_page_policy[];
void index_page_write(struct buffer *out, const char *version);
