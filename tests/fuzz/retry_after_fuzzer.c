/* SPDX-License-Identifier: Apache-2.0 */
/* Retry-After: a wait within the cap, or ignored. */
#include "fuzzer.h"

#include "fetch/retry_after.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t nows_s[] = {0, 784111777, 1795564800, 253402300799};
    struct slice value = slice_make((const char *)data, size);
    for (size_t i = 0; i < sizeof nows_s / sizeof *nows_s; i++) {
        uint64_t wait_ms = 12345, longest_ms = 12345;
        bool is_read = retry_after_parse(value, nows_s[i], 60000, &wait_ms);
        MUST_HOLD(wait_ms <= 60000 && (is_read || wait_ms == 12345));
        MUST_HOLD(is_read ==
                  retry_after_parse(value, nows_s[i], UINT64_MAX, &longest_ms));
        MUST_HOLD(longest_ms >= wait_ms || longest_ms == 12345);
        MUST_HOLD(longest_ms <= (uint64_t)RETRY_AFTER_ABSURD_S * 1000);
    }
    return 0;
}
