/* SPDX-License-Identifier: Apache-2.0 */
/* What Criterion's eq(str) cannot take: texts that are const. */
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* expect_text shows both texts when they differ; NULL equals only NULL. */
static inline void expect_text(const char *actual, const char *expected)
{
    bool is_equal =
        actual && expected ? strcmp(actual, expected) == 0 : actual == expected;
    cr_assert(is_equal, "\n  is       %s\n  expected %s", actual ? actual : "NULL",
              expected ? expected : "NULL");
}

/* expect_part: `text` holds `part`. */
static inline void expect_part(const char *text, const char *part)
{
    cr_assert(strstr(text, part) != NULL, "\n  %s\n  does not hold %s", text, part);
}
