/* SPDX-License-Identifier: Apache-2.0 */
/* Strict where strtoull is not: no white space, plus sign, fraction or unit. Called by
 * handle_batch.c. */
#include "http/time_left.h"

bool time_left_parse(struct slice text, uint64_t *ret_ms)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';
    uint64_t ms = 0;
    size_t i = is_negative;
    if (i == text.len)
        return false;
    for (; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        ms = ms > (UINT64_MAX - digit) / 10 ? UINT64_MAX : ms * 10 + digit;
    }
    *ret_ms = is_negative ? 0 : ms;
    return true;
}
