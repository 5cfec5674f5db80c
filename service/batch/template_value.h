/* SPDX-License-Identifier: Apache-2.0 */
/* What template.c and expand_url.c share. */
#pragma once

#include "batch/template.h"

/* expansion_fail notes who is to blame for what and returns false. */
bool expansion_fail(struct expansion *expansion, int reference, const char *fault);

/* expansion_value: the value of a reference as text, valid until the next. */
bool expansion_value(struct expansion *expansion, int reference,
                     struct slice *ret_text) MUST_CHECK;

/* expansion_encode appends `text`, every byte but RFC 3986's unreserved as %XX. */
void expansion_encode(struct buffer *out, struct slice text);
