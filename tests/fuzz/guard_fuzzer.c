/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict about a URL is about the address that libcurl really opens for it. */
#include "fuzzer.h"
#include "vetted.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target target;
    char *text = calloc(1, size + 1);
    MUST_HOLD(text != NULL);
    memcpy(text, data, size);
    (void)vetted_check(text, &target);
    free(text);
    return 0;
}
