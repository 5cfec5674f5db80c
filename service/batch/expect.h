/* SPDX-License-Identifier: Apache-2.0 */
/* What an item says a good reply is: "expect". A reply that is another fails the item
 * with expect_failed, all of it kept. Pure. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"
#include "fetch/call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EXPECT_STATUSES_MAX = 32,
    EXPECT_CONTAINS_MAX = 4096, /* bytes of body_contains */
    EXPECT_TYPE_MAX = 127,      /* RFC 6838 4.2: of a type or subtype; here of both */
    EXPECT_MESSAGE_MAX = 360,   /* 32 statuses are listed, and what came */
};

struct expectation {
    uint16_t statuses[EXPECT_STATUSES_MAX]; /* 100–599, or 1–5: of that hundred */
    size_t status_count;                    /* 0: any will do */
    /* "text/html"; "text/" and a star, any subtype; "+json", the subtype json or any that
     * ends in +json (RFC 6839 3.1). data NULL: any will do, and none. */
    struct slice content_type;
    int64_t max_body_bytes;     /* decoded; -1: not given */
    struct slice body_contains; /* data NULL: not given */
};

/* expect_type_is_valid: `type` may stand in content_type: one of the three forms, without
 * parameters, for those are not compared. */
bool expect_type_is_valid(struct slice type) MUST_CHECK;

/* expect_check: the reply `outcome` (CALL_OK) is as expected. Types are compared without
 * regard to case and parameters. False: `message` says what was expected and what came,
 * in UTF-8; it has EXPECT_MESSAGE_MAX bytes. */
bool expect_check(const struct expectation *expect, const struct outcome *outcome,
                  char *message) MUST_CHECK;

/* expect_judge is expect_check on any outcome: one that is not CALL_OK stays as it is, a
 * reply that is not as expected becomes CALL_EXPECT_FAILED with `message`, which must
 * live as long as the outcome is read. */
void expect_judge(const struct expectation *expect, struct outcome *outcome,
                  char *message);
