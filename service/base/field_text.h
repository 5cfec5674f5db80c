/* SPDX-License-Identifier: Apache-2.0 */
/* The characters that HTTP's fields are made of: one reading of them for requests,
 * replies, batches and the configuration. Pure; any thread. */
#pragma once

#include "base/slice.h"

#include <stdbool.h>

/* field_is_token: at least one character, all of a token (RFC 9110 5.6.2). */
bool field_is_token_byte(char c);
bool field_is_token(struct slice text);

/* field_trim takes spaces and tabs off both ends (OWS, RFC 9110 5.6.3). */
struct slice field_trim(struct slice text);

/* field_media_type is the type of a content-type without its parameters (RFC 9110 8.3.1),
 * in the case it was written in. */
struct slice field_media_type(struct slice content_type);
