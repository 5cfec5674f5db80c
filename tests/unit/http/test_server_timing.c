/* SPDX-License-Identifier: Apache-2.0 */
/* http/server_timing.h: what the header says. */
#include "http/server_timing.h"
#include "support/expect.h"

#include <string.h>

static char text[SERVER_TIMING_MAX + 1];

static const char *written(const struct server_timing *timing, double total_ms)
{
    struct buffer out = {.data = text, .cap = sizeof text, .max = sizeof text};
    server_timing_write(timing, total_ms, &out);
    cr_assert(not(out.failed));
    return buffer_text(&out);
}

static void note(struct server_timing *timing, const char *id, double start_ms,
                 double blocked_ms, double total_ms)
{
    const struct outcome outcome = {.timing = {.blocked = blocked_ms, .total = total_ms}};
    server_timing_note(timing, slice_from(id), &outcome, start_ms);
}

Test(server_timing, the_first_start_the_longest_wait_and_the_slowest_item_are_told)
{
    struct server_timing timing = {0};
    note(&timing, "second", 2.5, 7, 20);
    note(&timing, "first", 0.5, 1, 30);
    note(&timing, "third", 3, 2, 4);
    expect_text(written(&timing, 33.25),
                "parse;dur=0.5, queue;dur=7.0, fetch;dur=32.75, "
                "slowest;dur=30.0;desc=\"first\", total;dur=33.25");
}

Test(server_timing, of_equally_slow_ones_it_is_the_first_that_ended)
{
    struct server_timing timing = {0};
    note(&timing, "a", 0, 0, 5);
    note(&timing, "b", 0, 0, 5);
    cr_expect(strstr(written(&timing, 5), "desc=\"a\"") != NULL);
}

Test(server_timing, a_batch_of_nothing_was_only_read)
{
    struct server_timing timing = {0};
    expect_text(written(&timing, 1.5),
                "parse;dur=1.5, queue;dur=0.0, fetch;dur=0.0, total;dur=1.5");
}

Test(server_timing, what_did_not_happen_counts_for_nothing)
{
    struct server_timing timing = {0};
    note(&timing, "never", 9, -1, 0);
    expect_text(written(&timing, 8),
                "parse;dur=8.0, queue;dur=0.0, fetch;dur=0.0, total;dur=8.0");
}

Test(server_timing, an_id_that_a_header_cannot_hold_is_left_out)
{
    static const char *const ids[] = {"a\"b",       "a\\b", "a\r\nSet-Cookie: x",
                                      "gr\xc3\xbc", "\x7f", "a\tb"};
    static char long_id[SERVER_TIMING_ID_MAX + 2];
    memset(long_id, 'x', sizeof long_id - 1);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct server_timing timing = {0};
        note(&timing, ids[i], 0, 0, 5);
        expect_text(written(&timing, 5), "parse;dur=0.0, queue;dur=0.0, fetch;dur=5.0, "
                                         "slowest;dur=5.0, total;dur=5.0");
    }
    struct server_timing timing = {0};
    note(&timing, long_id, 0, 0, 5);
    cr_expect(strstr(written(&timing, 5), "desc") == NULL);
    timing.slowest_id.len--;
    cr_expect(strstr(written(&timing, 5), "desc") != NULL);
}

Test(server_timing, the_longest_value_fits)
{
    static char id[SERVER_TIMING_ID_MAX];
    memset(id, '~', sizeof id);
    struct server_timing timing = {.first_ms = 123456789012.345,
                                   .queue_ms = 999999999999.999,
                                   .slowest_ms = 999999999999.999,
                                   .slowest_id = slice_make(id, sizeof id),
                                   .has_items = true};
    cr_expect(strlen(written(&timing, 999999999999.999)) < SERVER_TIMING_MAX);
}
