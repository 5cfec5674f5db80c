/* SPDX-License-Identifier: Apache-2.0 */
/* base/buffer.h: growth, ceiling, sticky failure. */
#include "base/buffer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

Test(buffer, appends_grow_and_keep_the_bytes)
{
    struct buffer buffer;
    buffer_init(&buffer, 1 << 20);
    for (int i = 0; i < 10000; i++)
        buffer_append_byte(&buffer, (char)('a' + i % 26));
    cr_assert(not(buffer.failed));
    cr_assert(eq(sz, buffer.len, 10000));
    for (int i = 0; i < 10000; i++)
        cr_assert(eq(chr, buffer.data[i], (char)('a' + i % 26)));
    buffer_done(&buffer);
}

Test(buffer, the_ceiling_holds_to_the_byte_and_failure_sticks)
{
    struct buffer buffer;
    buffer_init(&buffer, 10);
    cr_assert(buffer_append(&buffer, "0123456789", 10));
    cr_assert(not(buffer.failed));
    cr_assert(not(buffer_append_byte(&buffer, 'x')));
    cr_assert(buffer.failed);
    cr_assert(eq(sz, buffer.len, 10));
    cr_assert(not(buffer_append(&buffer, "", 0)), "after a failure nothing is appended");
    cr_assert(eq(int, memcmp(buffer.data, "0123456789", 10), 0));
    buffer_clear(&buffer);
    cr_assert(buffer_append_byte(&buffer, 'y'));
    cr_assert(eq(sz, buffer.len, 1));
    buffer_done(&buffer);
}

Test(buffer, a_refused_append_leaves_nothing_of_itself)
{
    struct buffer buffer;
    buffer_init(&buffer, 8);
    buffer_append_text(&buffer, "12345");
    cr_assert(not(buffer_append_text(&buffer, "6789")));
    cr_assert(eq(sz, buffer.len, 5));
    buffer_done(&buffer);
}

Test(buffer, text_is_terminated_even_at_the_ceiling)
{
    struct buffer buffer;
    buffer_init(&buffer, 5);
    buffer_append_text(&buffer, "12345");
    cr_assert(eq(str, (char *)buffer_text(&buffer), "12345"));
    cr_assert(eq(sz, buffer.len, 5));
    buffer_done(&buffer);
}

Test(buffer, numbers_and_formats_are_written_in_full)
{
    struct buffer buffer;
    buffer_init(&buffer, 1 << 16);
    buffer_append_uint(&buffer, 0);
    buffer_append_byte(&buffer, ' ');
    buffer_append_uint(&buffer, 18446744073709551615ull);
    buffer_append_format(&buffer, " %s/%d", "x", -5);
    cr_assert(eq(str, (char *)buffer_text(&buffer), "0 18446744073709551615 x/-5"));
    buffer_done(&buffer);
}

Test(buffer, take_hands_the_memory_over)
{
    struct buffer buffer;
    buffer_init(&buffer, 100);
    buffer_append_text(&buffer, "mine");
    size_t len;
    char *taken = buffer_take(&buffer, &len);
    cr_assert(eq(sz, len, 4));
    cr_assert(eq(int, memcmp(taken, "mine", 4), 0));
    cr_assert(eq(sz, buffer.len, 0));
    cr_assert(eq(ptr, buffer.data, NULL));
    free(taken);
    buffer_done(&buffer);
}

Test(buffer, reserve_refuses_sizes_that_would_overflow)
{
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    buffer_append_text(&buffer, "x");
    cr_assert(eq(ptr, buffer_reserve(&buffer, (size_t)-1), NULL));
    cr_assert(buffer.failed);
    buffer_done(&buffer);
}
