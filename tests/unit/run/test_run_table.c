/* SPDX-License-Identifier: Apache-2.0 */
/* run_table.h */
#include "run/run_table.h"

#include "unit/run/run_fixture.h"

TestSuite(run_table, .init = open_drawing, .fini = close_drawing);

static struct run_row fine(void)
{
    return (struct run_row){.id = slice_from("17"),
                            .url = slice_from("http://host/a"),
                            .code = CALL_OK,
                            .status = 200,
                            .total_ms = 12.34,
                            .bytes = 2048};
}

static struct run_row failed(void)
{
    struct run_row row = fine();
    row.code = CALL_TIMEOUT_FIRST_BYTE;
    row.status = 0;
    row.message = slice_from("nothing came in time");
    return row;
}

Test(run_table, a_row_stands_below_the_head)
{
    struct run_row row = fine();
    run_table_head(&drawn, 80, false);
    run_table_row(&drawn, &row, 80, false);
    cr_expect_str_eq(shown(), "      id status       time       size url\n"
                              "      17    200    12.3 ms    2.0 KiB http://host/a\n");
}

Test(run_table, a_failure_has_its_code_and_message_where_there_is_room)
{
    struct run_row row = failed();
    run_table_row(&drawn, &row, 0, false);
    cr_expect_str_eq(shown(), "      17      -    12.3 ms    2.0 KiB http://host/a  "
                              "timeout_first_byte: nothing came in time\n");
    buffer_clear(&drawn);
    run_table_row(&drawn, &row, 75, false);
    cr_expect(shows("timeout_first_byte") && !shows("in time"));
    row.message = slice_from("");
    buffer_clear(&drawn);
    run_table_row(&drawn, &row, 0, false);
    cr_expect(shows("timeout_first_byte\n"));
}

Test(run_table, lines_are_cut_to_the_terminal_and_never_below_what_can_be_read)
{
    static const char long_url[] =
        "http://host/"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct run_row rows[] = {fine(), failed()};
    for (int i = 0; i < 2; i++) {
        rows[i].url = slice_from(long_url);
        rows[i].id = slice_from("an id of many characters");
        for (int columns = 59; columns < 200; columns++) {
            buffer_clear(&drawn);
            run_table_row(&drawn, &rows[i], columns, false);
            cr_assert_leq(widest(), columns, "%s", shown());
        }
        buffer_clear(&drawn);
        run_table_row(&drawn, &rows[i], 0, false);
        cr_expect(shows(long_url) && shows("an id of many characters"));
    }
}

Test(run_table, other_peoples_bytes_are_harmless)
{
    struct run_row row = failed();
    row.id = slice_from("\033[2J");
    row.url = slice_from("http://h/\033]0;x\007");
    row.message = slice_from("a\nb\xff");
    run_table_row(&drawn, &row, 0, false);
    cr_expect(not(shows("\033") || shows("\007")));
    cr_expect_eq(strchr(shown(), '\n'), shown() + drawn.len - 1);
}

Test(run_table, colours_tell_how_it_ended)
{
    struct run_row row = fine();
    run_table_head(&drawn, 80, true);
    run_table_row(&drawn, &row, 80, true);
    cr_expect(shows("\033[2m") && shows("\033[32m    200\033[0m"));
    row = failed();
    run_table_row(&drawn, &row, 80, true);
    cr_expect(shows("\033[31mtimeout_first_byte\033[0m"));
}
