/* SPDX-License-Identifier: Apache-2.0 */
/* The characters of one JSON string. Pure. */
#pragma once

#include "base/slice.h"

#include <stddef.h>

/* json_string_decode writes the characters of `raw`, a string with its quotes that
 * json_text_skip accepted, as UTF-8 to `out` and returns their length. */
size_t json_string_decode(struct slice raw, char *out);
