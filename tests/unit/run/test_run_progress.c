/* SPDX-License-Identifier: Apache-2.0 */
/* run_progress.h */
#include "run/run_progress.h"

#include "unit/run/run_fixture.h"

TestSuite(run_progress, .init = open_drawing, .fini = close_drawing);

static struct run_figures half(void)
{
    return (struct run_figures){.done = 50000,
                                .ok = 49000,
                                .in_flight = 200,
                                .total = 100000,
                                .elapsed_ms = 2500};
}

static void draw(const struct run_figures *figures, double rate, int columns)
{
    buffer_clear(&drawn);
    run_progress_draw(&drawn, figures, rate, columns, false);
}

Test(run_progress, it_shows_how_far_how_fast_what_came_and_how_long_still)
{
    struct run_figures figures = half();
    draw(&figures, 20000, 120);
    cr_expect_str_eq(shown(), "███████████████                  50%  50,000/100,000  "
                              "20,000/s  ok 49,000  failed 1,000  in flight 200  ETA "
                              "2.5s");
}

Test(run_progress, an_estimated_total_says_so_and_an_unknown_one_is_left_out)
{
    struct run_figures figures = half();
    figures.is_estimated = true;
    draw(&figures, 20000, 120);
    cr_expect(shows("50,000/~100,000"));
    figures.total = 0;
    draw(&figures, 20000, 120);
    cr_expect_str_eq(shown(), "50,000 done  20,000/s  ok 49,000  failed 1,000  in flight "
                              "200  2.5s");
}

Test(run_progress, only_the_whole_is_a_hundred_percent)
{
    struct run_figures figures = {.done = 99999, .ok = 99999, .total = 100000};
    draw(&figures, 1, 120);
    cr_expect(shows(" 99%"));
    figures.done = figures.ok = 100000;
    draw(&figures, 1, 120);
    cr_expect(shows("100%") && !shows("failed") && !shows("ETA"));
    figures.total = 90000; /* an estimate that was too low */
    draw(&figures, 1, 120);
    cr_expect(shows("100%"));
}

Test(run_progress, what_keeps_it_is_said_instead_of_when_it_ends)
{
    struct run_figures figures = half();
    figures.is_waiting = true;
    draw(&figures, 20000, 120);
    cr_expect(shows("waiting for the reader") && !shows("ETA"));
    figures.is_ending = true;
    draw(&figures, 20000, 120);
    cr_expect(shows("ending") && !shows("waiting"));
    figures = half();
    draw(&figures, 0, 120);
    cr_expect(not(shows("ETA")));
}

Test(run_progress, it_is_never_wider_than_the_terminal_and_keeps_what_matters)
{
    static const struct run_figures many = {.done = UINT64_MAX / 2,
                                            .ok = UINT64_MAX / 4,
                                            .in_flight = UINT64_MAX,
                                            .total = UINT64_MAX,
                                            .is_estimated = true,
                                            .elapsed_ms = 1e9};
    const struct run_figures figures[] = {half(), many, {.total = 0}, {.total = 1}};
    for (size_t i = 0; i < 4; i++) {
        for (int columns = 1; columns <= 250; columns++) {
            draw(&figures[i], 12345, columns);
            cr_assert_leq(widest(), columns, "%s", shown());
        }
    }
    draw(&figures[0], 20000, 40);
    cr_expect(shows("50,000/100,000") && shows("failed 1,000"));
    cr_expect(not(shows("in flight") || shows("█")));
    draw(&figures[0], 20000, 14);
    cr_expect_str_eq(shown(), "50,000/100,000");
}

Test(run_progress, colours_change_no_widths)
{
    struct run_figures figures = half();
    run_progress_draw(&drawn, &figures, 1, 100, true);
    cr_expect(shows("\033[31mfailed 1,000\033[0m"));
    cr_expect(shows("\033[32mok 49,000\033[0m"));
}

Test(run_progress, the_pace_follows_and_forgets)
{
    struct run_pace pace = {.is_set = false};
    run_pace_note(&pace, 100, 1000);
    cr_expect_float_eq(pace.per_second, 100, 0.001);
    run_pace_note(&pace, 100, 1000); /* no time has passed */
    cr_expect_float_eq(pace.per_second, 100, 0.001);
    double before = pace.per_second;
    for (int i = 1; i <= 100; i++) {
        run_pace_note(&pace, 100 + (uint64_t)i * 20, 1000 + i * 100);
        cr_assert(pace.per_second >= before && pace.per_second <= 200.0001);
        before = pace.per_second;
    }
    cr_expect(pace.per_second > 190);
    for (int i = 1; i <= 100; i++)
        run_pace_note(&pace, 2100, 11000 + i * 100);
    cr_expect(pace.per_second < 10);
}

Test(run_progress, the_total_is_estimated_from_what_was_read)
{
    cr_expect(eq(u64, run_progress_estimate(0, 0, 1000), 0));
    cr_expect(eq(u64, run_progress_estimate(10, 0, 1000), 0));
    cr_expect(eq(u64, run_progress_estimate(0, 100, 1000), 0));
    cr_expect(eq(u64, run_progress_estimate(10, 100, 0), 0));
    cr_expect(eq(u64, run_progress_estimate(10, 100, 1000), 100));
    cr_expect(eq(u64, run_progress_estimate(10, 1000, 1000), 10));
    cr_expect(eq(u64, run_progress_estimate(10, 2000, 1000), 10)); /* the file shrank */
}

Test(run_progress, the_summary_names_what_failed)
{
    uint64_t codes[CALL_CODE_COUNT] = {[CALL_OK] = 49000};
    struct run_figures figures = half();
    codes[CALL_DNS] = 900;
    codes[CALL_TLS] = 100;
    run_progress_summary(&drawn, &figures, codes, false);
    cr_expect_str_eq(shown(), "50,000 items in 2.5s (20,000/s): 49,000 ok, 1,000 failed: "
                              "dns 900, tls 100\n");
    buffer_clear(&drawn);
    figures = (struct run_figures){.done = 1, .ok = 1};
    run_progress_summary(&drawn, &figures, codes, true);
    cr_expect_str_eq(shown(), "1 item in 0.0s (0/s): \033[32m1 ok\033[0m\n");
}
