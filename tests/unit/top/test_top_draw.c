/* SPDX-License-Identifier: Apache-2.0 */
/* top/top_draw.h: the whole screen, in every size. */
#include "top/top_draw.h"

#include "base/terminal_text.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

static struct live_view view;
static struct live_change change;
static struct buffer out;
static struct top_look look;

static void start(void)
{
    buffer_init(&out, 1 << 20);
    memset(&view, 0, sizeof view);
    memset(&change, 0, sizeof change);
    look = (struct top_look){.columns = 80, .rows = 24, .address = "127.0.0.1:8080"};
    snprintf(view.version, sizeof view.version, "1.2");
    snprintf(view.state, sizeof view.state, "ready");
    view.uptime_ms = 3725000;
    view.generation = 3;
    view.worker_count = 2;
    view.batches.in_flight = 12;
    view.items.in_flight = 3456;
    view.items.queued = 78;
    view.code_count = 3;
    view.codes[0] = (struct live_code){"connect", 9};
    view.codes[1] = (struct live_code){"ok", 9};
    view.codes[2] = (struct live_code){"dns", 9};
    change.is_known = true;
    change.batches_per_s = 12.34;
    change.items_per_s = 5678;
    change.codes_per_s[0] = 1.5;
    change.codes_per_s[1] = 5000;
    change.worker_busy[0] = 0.42;
    for (size_t i = 0; i < 30; i++) {
        struct live_origin *origin = &view.origins[view.origin_count];
        snprintf(origin->name, sizeof origin->name, "http://host-%02zu.example:80", i);
        snprintf(origin->circuit, sizeof origin->circuit, "closed");
        origin->in_flight = 100 - i;
        origin->total = 1;
        change.origins[view.origin_count++] = (struct live_origin_change){
            .is_known = true, .calls_per_s = 10, .failed_share = 0.125, .mean_ms = 3.5};
    }
}

static void end(void)
{
    buffer_done(&out);
}

TestSuite(top_draw, .init = start, .fini = end);

static void draw(void)
{
    buffer_clear(&out);
    top_draw(&out, &view, &change, &look);
    cr_assert(not(out.failed));
}

static bool shows(const char *text)
{
    return memmem(out.data, out.len, text, strlen(text)) != NULL;
}

/* The lines, none wider than the screen. */
static int lines(void)
{
    int count = 0;
    const char *at = out.data;
    while (at < out.data + out.len) {
        const char *newline = memchr(at, '\n', (size_t)(out.data + out.len - at));
        cr_assert(newline != NULL);
        int columns = terminal_text_columns(slice_make(at, (size_t)(newline - at)));
        cr_assert(columns <= look.columns, "%d: %.*s", columns, (int)(newline - at), at);
        at = newline + 1;
        count++;
    }
    return count;
}

Test(top_draw, eighty_by_twenty_four_holds_everything)
{
    change.batch_ms[LIVE_P50] = (struct live_quantile){.is_known = true, .ms = 75};
    change.item_ms[LIVE_P99] =
        (struct live_quantile){.is_known = true, .is_over = true, .ms = 60000};
    draw();
    cr_assert(eq(int, lines(), 24));
    static const char *const parts[] = {"gatherd 1.2",
                                        "ready",
                                        "up 1:02:05",
                                        "configuration 3",
                                        "127.0.0.1:8080",
                                        "12.3",
                                        "5,678",
                                        "3,456",
                                        "78",
                                        "75.0 ms",
                                        ">60.0 s",
                                        "worker 0",
                                        "worker 1",
                                        "42%",
                                        "ORIGIN",
                                        "http://host-00.example:80",
                                        "12.5%",
                                        "3.5 ms",
                                        "closed",
                                        "q quit",
                                        "by busy",
                                        "ok 5,000/s   connect 1.5/s"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        cr_assert(shows(parts[i]) == true, "%s", parts[i]);
    cr_assert(not(shows("dns"))); /* none in this time */
    cr_assert(not(shows("\033")));
}

Test(top_draw, no_size_is_overdrawn)
{
    for (look.columns = 20; look.columns < 140; look.columns += 7) {
        for (look.rows = 5; look.rows < 60; look.rows += 3) {
            draw();
            cr_assert(eq(int, lines(), look.rows));
            if (look.columns > 25)
                cr_assert(shows("q quit") == true);
        }
    }
}

Test(top_draw, many_workers_leave_room_for_origins)
{
    view.worker_count = 64;
    draw();
    cr_assert(eq(int, lines(), 24));
    cr_assert(shows("and 55 more workers") == true);
    cr_assert(shows("http://host-03") == true);
    look.rows = 0; /* as text: all */
    draw();
    cr_assert(shows("worker 63") == true);
    cr_assert(shows("http://host-29") == true);
    cr_assert(not(shows("q quit")));
}

Test(top_draw, scrolled_it_begins_further_down)
{
    look.skip = 25;
    draw();
    cr_assert(shows("http://host-25") == true);
    cr_assert(not(shows("http://host-24")));
    look.skip = 100; /* there were more */
    draw();
    cr_assert(eq(int, lines(), 24));
}

Test(top_draw, without_an_earlier_document_there_are_no_rates)
{
    memset(&change, 0, sizeof change);
    draw();
    cr_assert(not(shows("cpu")));
    cr_assert(shows("3,456") == true);
}

Test(top_draw, trouble_stands_where_the_keys_did)
{
    look.trouble = "no answer from 127.0.0.1:8080: \033[5mConnection refused";
    draw();
    cr_assert(shows("no answer from 127.0.0.1:8080: ?[5mConnection refused") == true);
    cr_assert(not(shows("q quit")));
    cr_assert(shows("http://host-00") == true); /* what was last known */
}

Test(top_draw, before_the_first_answer_there_is_the_address)
{
    look.trouble = "no answer";
    buffer_clear(&out);
    top_draw(&out, NULL, &change, &look);
    cr_assert(eq(int, lines(), 24));
    cr_assert(shows("gatherd 127.0.0.1:8080") == true);
    cr_assert(shows("no answer") == true);
}

Test(top_draw, an_origins_name_is_no_command)
{
    snprintf(view.origins[0].name, sizeof view.origins[0].name, "http://\033]0;x\007:80");
    draw();
    cr_assert(shows("http://?]0;x?:80") == true);
    cr_assert(not(shows("\033")));
}

Test(top_draw, what_is_bad_is_red)
{
    look.has_colours = true;
    view.open = 1;
    view.half_open = 2;
    view.reply_bytes = 90;
    view.reply_budget = 100;
    view.workers[0].loop_lag_ms = 80;
    view.workers[1].is_missing = true;
    change.refused_per_s = 3;
    change.worker_busy[0] = 0.95;
    change.worker_busy[1] = 0.8;
    snprintf(view.state, sizeof view.state, "draining");
    snprintf(view.origins[0].circuit, sizeof view.origins[0].circuit, "open");
    snprintf(view.origins[1].circuit, sizeof view.origins[1].circuit, "half_open");
    draw();
    static const char *const parts[] = {"\033[31mdraining",
                                        "\033[31mcircuits open 1, half open 2",
                                        "\033[31mreplies 90 B",
                                        "\033[31m  lag 80.0 ms",
                                        "\033[31m  does not answer",
                                        "\033[31mbatches refused 3.0/s",
                                        "\033[31mopen",
                                        "\033[33mhalf_open",
                                        "\033[33m████████"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        cr_assert(shows(parts[i]) == true, "%s", parts[i]);
    view.open = 0;
    draw();
    cr_assert(shows("\033[33mcircuits open 0") == true);
}

Test(top_draw, a_service_without_origins_says_so)
{
    view.origin_count = 0;
    view.left_off = 7;
    draw();
    cr_assert(shows("none was called yet") == true);
    cr_assert(shows("ORIGIN (7 more)") == true);
}
