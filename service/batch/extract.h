/* SPDX-License-Identifier: Apache-2.0 */
/* One value out of a reply. Pure. */
#pragma once

#include "base/attributes.h"
#include "batch/reference.h"
#include "batch/template.h"
#include "fetch/call.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    EXTRACT_VALUE_MAX = 1 << 20,
    /* Bytes looked through for the values of one reply, but the first: searching goes on
     * at about a gigabyte a second, and others wait for it. */
    EXTRACT_SEARCH_MAX = 16 << 20,
    EXTRACT_ROOM = 24,
};

struct extraction {
    const struct outcome *outcome;
    enum { BODY_NOT_LOOKED, BODY_IS_JSON, BODY_IS_NO_JSON } body;
    size_t searched;
    char room[EXTRACT_ROOM]; /* for a status in digits */
};

/* extract_value finds what a reference (not to an element or an index) means in the
 * reply; it points into the outcome or the extraction. False: *ret_fault says why in
 * words that follow on the reference. */
bool extract_value(struct extraction *extraction, const struct reference *reference,
                   struct template_value *ret_value, const char **ret_fault) MUST_CHECK;
