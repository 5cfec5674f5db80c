/* SPDX-License-Identifier: Apache-2.0 */
/* Text as scdoc(5) wants it: what has a meaning there escaped. Pure. */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"

/* manual_append appends `text` on one line, newlines as blanks. */
void manual_append(struct buffer *out, struct slice text);
/* manual_append_sentence begins it with a capital and ends it with a dot. */
void manual_append_sentence(struct buffer *out, const char *text);
