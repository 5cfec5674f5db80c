/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of texts against one of the checks of config/syntax.h. */
#pragma once

#include "config/syntax.h"
#include "support/expect.h"

typedef bool syntax_fn(const char *text, struct error *err);

static inline void expect_all(syntax_fn *is_good, const char *const *texts, size_t count,
                              bool wanted)
{
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        cr_expect(is_good(texts[i], &err) == wanted, "\"%s\": %s", texts[i], err.text);
        cr_expect(wanted || err.text[0], "\"%s\" is refused without a sentence",
                  texts[i]);
    }
}

#define COUNT(list) (sizeof(list) / sizeof *(list))
