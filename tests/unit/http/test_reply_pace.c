/* SPDX-License-Identifier: Apache-2.0 */
/* H9: a reader may be slow, not endless. */
#include "http/reply_pace.h"

#include <criterion/criterion.h>

Test(reply_pace, h9_the_limit_is_the_grace_and_what_the_length_takes)
{
    cr_expect_eq(reply_pace_limit_ms(0, 30000, 4096, false), 30000);
    cr_expect_eq(reply_pace_limit_ms(4096, 30000, 4096, false), 31000);
    cr_expect_eq(reply_pace_limit_ms(64 << 20, 30000, 4096, false), 30000 + 16384000);
}

Test(reply_pace, h9_while_memory_is_tight_the_rate_is_256_times_as_high)
{
    cr_expect_eq(reply_pace_limit_ms(64 << 20, 30000, 4096, true), 30000 + 64000);
}

Test(reply_pace, without_a_rate_there_is_no_limit)
{
    cr_expect_eq(reply_pace_limit_ms(1, 1, 0, false), UINT64_MAX);
    cr_expect_eq(reply_pace_limit_ms(1, 1, 0, true), UINT64_MAX);
}
