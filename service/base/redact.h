/* SPDX-License-Identifier: Apache-2.0 */
/* What of a URL may stand in the log. Callers put keys and tokens into queries; the log
 * is read by more people than those, and is kept for longer. Pure. */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>

enum redact_mode {
    REDACT_SECRETS, /* values of parameters whose names say that they are secret */
    REDACT_QUERY,   /* the whole query */
};

/* redact_url appends `url`, any bytes, with "***" in place of: userinfo; the values that
 * `mode` names, those that are JSON Web Tokens (RFC 7519) whatever their name, and those
 * in which, percent-encoded, there is one of all these ("next=https%3A%2F%2F…"); and
 * everything behind a '#', where tokens travel too. Path and names stay. */
void redact_url(struct buffer *out, struct slice url, enum redact_mode mode);

/* redact_is_secret_name: does a parameter of this name, percent-encoded as it may be,
 * look like a credential? By its words ("api_key", "apiKey", "X-Amz-Signature"), case
 * ignored; "keyword" and "monkey" are none. */
bool redact_is_secret_name(struct slice name);
