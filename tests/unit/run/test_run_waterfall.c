/* SPDX-License-Identifier: Apache-2.0 */
/* run_waterfall.h */
#include "run/run_waterfall.h"

#include "unit/run/run_fixture.h"

TestSuite(run_waterfall, .init = open_drawing, .fini = close_drawing);

static const struct run_bar fine = {
    .label = {"http://host/a", 13},
    .code = CALL_OK,
    .status = 200,
    .timing = {.blocked = 100,
               .dns = 50,
               .connect = 50,
               .ssl = -1,
               .send = 0,
               .wait = 100,
               .receive = 100,
               .total = 400},
};

static void draw(const struct run_bar *bars, size_t count, int columns)
{
    buffer_clear(&drawn);
    run_waterfall_draw(&drawn, bars, count, 0, columns, false);
}

Test(run_waterfall, phases_stand_one_after_the_other_on_one_scale)
{
    struct run_bar bars[] = {fine, fine};
    bars[1].start_ms = 400; /* the scale is 800 ms on 40 columns */
    draw(bars, 2, 13 + 4 + 1 + 40 + 10 + 20);
    cr_expect_str_eq(
        shown(), "http://host/a 200 ·····░░░░░▒▒▒▒▒█████                        400 ms\n"
                 "http://host/a 200                     ·····░░░░░▒▒▒▒▒█████    400 ms\n"
                 "                  0                                 800 ms\n"
                 "· waiting to start   ░ name, connection, TLS   ▒ request, first byte"
                 "   █ body\n");
}

Test(run_waterfall, time_that_no_phase_tells_of_is_waiting)
{
    struct run_bar bar = fine;
    bar.timing = (struct call_timing){-1, -1, -1, -1, -1, -1, -1, 100, false, 0, 0, 0};
    draw(&bar, 1, 58);
    cr_expect(shows("▒▒▒▒▒▒▒▒▒▒") && !shows("··"));
}

Test(run_waterfall, every_item_has_a_column_even_without_any_time)
{
    struct run_bar bars[] = {fine, fine, fine};
    bars[1].timing = (struct call_timing){-1, -1, -1, -1, -1, -1, -1, 0, false, 0, 0, 0};
    bars[2] = bars[1];
    bars[2].start_ms = 400; /* at the very end */
    bars[2].code = CALL_DEADLINE;
    bars[2].status = 0;
    draw(bars, 3, 80);
    cr_expect(shows("  deadline\n") && shows("   - "));
    draw(&bars[1], 1, 80); /* and no scale at all */
    cr_expect(shows("1.0 ms"));
}

Test(run_waterfall, it_fits_the_terminal_and_labels_are_harmless)
{
    struct run_bar bars[] = {fine, fine};
    bars[0].label =
        slice_from("http://host/\033[2J/a/very/long/path/that/goes/on/and/on");
    bars[1].start_ms = 0.001;
    for (int columns = 70; columns < 250; columns++) {
        buffer_clear(&drawn);
        run_waterfall_draw(&drawn, bars, 2, 3, columns, false);
        cr_assert(not(shows("\033")));
        const char *key = strstr(shown(), "· waiting to start");
        drawn.len = (size_t)(key - drawn.data); /* the key is one line of 76 */
        cr_assert_leq(widest(), columns, "%s", shown());
    }
    draw(bars, 2, 1);
    cr_expect(shows("█"));
}

Test(run_waterfall, what_is_left_out_is_counted_and_colours_are_closed)
{
    run_waterfall_draw(&drawn, &fine, 1, 12, 100, true);
    cr_expect(shows("12 more are not shown\n"));
    cr_expect(shows("\033[32m█") && shows("\033[36m░"));
}
