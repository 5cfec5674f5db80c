/* SPDX-License-Identifier: Apache-2.0 */
/* base/memory.h when the address space is used up: the reserve, and the end of it. */
#include "base/memory.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define CANNOT_LIMIT true /* its shadow takes terabytes, and its malloc does not fail */
#else
#define CANNOT_LIMIT false
#endif

static void limit_address_space(size_t room)
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    if (room) {
        unsigned long pages = 0;
        FILE *file = fopen("/proc/self/statm", "re");
        cr_assert(file && fscanf(file, "%lu", &pages) == 1);
        fclose(file);
        limit.rlim_cur = pages * (size_t)sysconf(_SC_PAGESIZE) + room;
    }
    cr_assert(eq(int, setrlimit(RLIMIT_AS, &limit), 0));
}

/* Until malloc has not even 64 bytes left; they stay taken. */
static void use_up_memory(void)
{
    for (size_t size = 1 << 20; size >= 64; size /= 2) {
        void **last = NULL;
        for (void **block; (block = malloc(size)) != NULL; last = block)
            *block = last;
    }
}

Test(memory, a_small_allocation_lives_off_the_reserve_when_libc_has_nothing)
{
    if (CANNOT_LIMIT)
        cr_skip_test("the address space cannot be limited in this build");
    cr_assert(memory_keep_reserve());
    limit_address_space(4 << 20);
    use_up_memory();
    cr_assert(eq(ptr, malloc(64), NULL));
    /* More than libc may have in a cache of blocks that were freed. */
    unsigned char *bytes = memory_new(100000);
    for (size_t i = 0; i < 100000; i++)
        cr_assert(bytes[i] == 0);
    free(bytes);
    use_up_memory();
    cr_expect_not(memory_keep_reserve(), "nothing new is admitted now");
    limit_address_space(0);
    cr_expect(memory_keep_reserve(), "when there is memory again, the reserve is too");
}

Test(memory, without_memory_and_reserve_the_process_ends_with_a_message,
     .signal = SIGABRT)
{
    if (CANNOT_LIMIT)
        abort();
    limit_address_space(1 << 20);
    use_up_memory();
    memory_new(1 << 20);
}

Test(memory, arrays_fail_as_a_value)
{
    cr_expect(eq(ptr, memory_try_array(SIZE_MAX / 2, 4), NULL), "the product overflows");
    cr_expect(eq(ptr, memory_try_array(0, 4), NULL));
    void *array = memory_try_array(3, 4);
    cr_expect(ne(ptr, array, NULL));
    free(array);
}

Test(memory, a_copied_text_is_the_same)
{
    char *copy = memory_copy_text("text");
    cr_expect(eq(str, copy, "text"));
    free(copy);
}
