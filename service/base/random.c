/* SPDX-License-Identifier: Apache-2.0 */
/* The only source of randomness. */
#include "base/random.h"

#include "base/hex.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_fill(void *bytes, size_t len)
{
    char *at = bytes;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            perror("gatherd: getrandom");
            abort();
        }
        at += got;
        len -= (size_t)got;
    }
}

void random_hex(char *text, size_t bytes)
{
    unsigned char random[RANDOM_HEX_MAX];
    assert(bytes <= sizeof random);
    random_fill(random, bytes);
    hex_write(text, random, bytes);
    explicit_bzero(random, sizeof random); /* it may have been a key */
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_fill(&value, sizeof value);
    return value;
}
