/* SPDX-License-Identifier: Apache-2.0 */
/* base/log.h: what reaches standard error. */
#include "base/json_text.h"
#include "base/log.h"
#include "support/expect.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int kept_stderr;
static int output;
static char text[1 << 20];

/* Standard error goes to a file until `read_log`. */
static void catch_log(void)
{
    char name[] = "/tmp/gatherd-log-XXXXXX";
    output = mkstemp(name);
    cr_assert(output >= 0);
    unlink(name);
    kept_stderr = dup(STDERR_FILENO);
    dup2(output, STDERR_FILENO);
}

static char *read_log(void)
{
    dup2(kept_stderr, STDERR_FILENO);
    ssize_t len = pread(output, text, sizeof text - 1, 0);
    cr_assert(len >= 0);
    text[len] = '\0';
    return text;
}

/* One JSON line with `value` under the key "v"; what stands behind "v": up to the end. */
static char *logged_value(const char *value, size_t len)
{
    struct log_line line;
    log_setup(LOG_INFO, LOG_JSON);
    catch_log();
    log_begin(&line, LOG_INFO, "test");
    log_slice(&line, "v", slice_make(value, len));
    log_end(&line);
    char *log = read_log();
    cr_assert(json_text_is_valid(slice_from(log)), "%s", log);
    cr_assert(eq(ptr, strchr(log, '\n'), log + strlen(log) - 1));
    return strstr(log, "\"v\":");
}

Test(log, a_json_line_holds_time_level_event_and_fields)
{
    struct log_line line;
    log_setup(LOG_INFO, LOG_JSON);
    catch_log();
    log_begin(&line, LOG_WARNING, "limit_reached");
    log_text(&line, "what", "descriptors");
    log_int(&line, "count", -3);
    log_double(&line, "ratio", 0.12345);
    log_bool(&line, "is_bad", true);
    log_end(&line);
    char *log = read_log();
    cr_assert(json_text_is_valid(slice_from(log)));
    cr_assert(eq(int, strncmp(log, "{\"time\":\"20", 11), 0));
    expect_text(
        strchr(log, ',') + 1,
        "\"level\":\"warning\",\"event\":\"limit_reached\",\"what\":\"descriptors\","
        "\"count\":-3,\"ratio\":0.123,\"is_bad\":true}\n");
}

Test(log, a_text_line_quotes_only_what_needs_it)
{
    struct log_line line;
    log_setup(LOG_INFO, LOG_TEXT);
    catch_log();
    log_begin(&line, LOG_INFO, "listening");
    log_text(&line, "address", "127.0.0.1:8080");
    log_text(&line, "message", "two words");
    log_text(&line, "equals", "a=b");
    log_text(&line, "empty", "");
    log_int(&line, "n", 5);
    log_end(&line);
    expect_text(strchr(read_log(), 'Z') + 1,
                " info    listening address=127.0.0.1:8080 message=\"two words\" "
                "equals=\"a=b\" empty=\"\" n=5\n");
}

Test(log, what_is_below_the_level_writes_nothing)
{
    struct log_line line;
    log_setup(LOG_WARNING, LOG_JSON);
    cr_assert(not(log_is_on(LOG_INFO)));
    cr_assert(log_is_on(LOG_ERROR));
    catch_log();
    log_begin(&line, LOG_INFO, "quiet");
    log_text(&line, "a", "b");
    log_int(&line, "n", 1);
    log_end(&line);
    log_message(LOG_DEBUG, "quiet", "too");
    expect_text(read_log(), "");
}

Test(log, a_message_is_a_whole_line)
{
    log_setup(LOG_INFO, LOG_JSON);
    catch_log();
    log_message(LOG_ERROR, "start_failed", "no \"room\"");
    cr_assert(ne(ptr, strstr(read_log(), "\"message\":\"no \\\"room\\\"\"}\n"), NULL));
}

Test(log, o8_no_value_can_forge_a_line_or_a_terminal_sequence)
{
    expect_text(logged_value("a\n{\"x\":1}\r\033[31m\x7f", 16),
                "\"v\":\"a\\u000a{\\\"x\\\":1}\\u000d\\u001b[31m\\u007f\"}\n");
}

Test(log, o8_c1_controls_and_reordering_marks_are_escaped)
{
    expect_text(logged_value("\xc2\x9b\xe2\x80\xae\xe2\x80\xa8", 8),
                "\"v\":\"\\u009b\\u202e\\u2028\"}\n");
}

Test(log, good_utf8_stays_and_broken_utf8_is_replaced)
{
    expect_text(logged_value("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", 11),
                "\"v\":\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"}\n");
    expect_text(logged_value("\xff\xc3", 2), "\"v\":\"\\ufffd\\ufffd\"}\n");
    expect_text(logged_value("a\0b", 3), "\"v\":\"a\\u0000b\"}\n");
}

Test(log, numbers_are_written_as_printf_would)
{
    static const double doubles[] = {0,       0.0004,   0.0006, 0.9996,    1,      -1.5,
                                     -0.0001, 123456.7, 1e14,   -999999.9, 0.1236, 2.5};
    static const int64_t ints[] = {0, 7, -7, 10, INT64_MAX, INT64_MIN, 1234567890};
    struct log_line line;
    char expected[1024] = "";
    size_t len = 0;
    log_setup(LOG_INFO, LOG_TEXT);
    catch_log();
    log_begin(&line, LOG_INFO, "numbers");
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        log_double(&line, "d", doubles[i]);
        len += (size_t)sprintf(expected + len, " d=%.3f", doubles[i]);
    }
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        log_int(&line, "i", ints[i]);
        len += (size_t)sprintf(expected + len, " i=%lld", (long long)ints[i]);
    }
    log_bool(&line, "no", false);
    log_end(&line);
    sprintf(expected + len, " no=false\n");
    expect_text(strstr(read_log(), " d="), expected);
}

Test(log, numbers_json_does_not_have_are_null)
{
    struct log_line line;
    log_setup(LOG_INFO, LOG_JSON);
    catch_log();
    log_begin(&line, LOG_INFO, "numbers");
    log_double(&line, "a", NAN);
    log_double(&line, "b", -INFINITY);
    log_double(&line, "c", 1e300);
    log_end(&line);
    cr_assert(ne(ptr, strstr(read_log(), "\"a\":null,\"b\":null,\"c\":null}\n"), NULL));
}

Test(log, a_long_value_is_cut_and_the_line_stays_json)
{
    static char value[10000];
    memset(value, 'x', sizeof value);
    char *log = logged_value(value, sizeof value);
    expect_text(strstr(log, "\","), "\",\"cut\":true}\n");
    cr_assert(strlen(text) <= 4096);
}

Test(log, a_line_cut_at_any_length_stays_json)
{
    static char value[4200];
    /* Characters of each length and escapes, so that every boundary is met. */
    for (size_t len = 3800; len < sizeof value; len++) {
        for (size_t i = 0; i < len; i++)
            value[i] = "\xc3\xa4z\n\xe2\x82\xac\"\xff"[i % 9];
        logged_value(value, len);
    }
    cr_assert(ne(ptr, strstr(text, "\"cut\":true"), NULL));
}

Test(log, many_fields_are_cut_between_fields)
{
    struct log_line line;
    log_setup(LOG_INFO, LOG_JSON);
    catch_log();
    log_begin(&line, LOG_INFO, "many");
    for (int i = 0; i < 1000; i++)
        log_int(&line, "key", i);
    log_text(&line, "late", "x");
    log_end(&line);
    char *log = read_log();
    cr_assert(json_text_is_valid(slice_from(log)));
    cr_assert(eq(ptr, strstr(log, "late"), NULL));
    cr_assert(ne(ptr, strstr(log, "\"cut\":true}\n"), NULL));
}

Test(log, l10_a_line_of_a_limited_kind_says_how_many_were_held_back)
{
    enum { SECOND_US = 1000000 };
    static struct log_class class = LOG_CLASS(1, 1);
    struct log_line line;
    log_setup(LOG_INFO, LOG_JSON);
    uint64_t before = log_held_back();
    catch_log();
    for (int i = 0; i < 4; i++) {
        log_begin_class(&line, LOG_WARNING, "often", &class, SECOND_US);
        log_int(&line, "n", i);
        log_end(&line);
    }
    log_message_class(LOG_WARNING, "often", "again", &class, 2 * SECOND_US);
    log_message_class(LOG_DEBUG, "often", "below the level", &class, 3 * SECOND_US);
    log_message_class(LOG_WARNING, "often", "at last", &class, 3 * SECOND_US);
    char *log = read_log();
    cr_expect(strstr(log, "\"event\":\"often\",\"n\":0}\n") != NULL, "%s", log);
    cr_expect(strstr(log, "\"heldBack\":3,\"message\":\"again\"}\n") != NULL);
    cr_expect(strstr(log, "\"event\":\"often\",\"message\":\"at last\"}\n") != NULL);
    cr_expect(eq(u64, log_held_back() - before, 3));
}

Test(log, a_line_keeps_the_form_it_was_begun_in)
{
    struct log_line line;
    log_setup(LOG_INFO, LOG_JSON);
    catch_log();
    log_begin(&line, LOG_INFO, "first");
    log_setup(LOG_INFO, LOG_TEXT);
    log_text(&line, "a", "b");
    log_end(&line);
    log_message(LOG_INFO, "second", "c");
    char *log = read_log();
    cr_expect(strstr(log, "\"event\":\"first\",\"a\":\"b\"}\n") != NULL, "%s", log);
    cr_expect(strstr(log, " info    second message=c\n") != NULL);
}

Test(log, auto_is_json_where_there_is_no_terminal)
{
    catch_log();
    log_setup(LOG_INFO, LOG_AUTO);
    log_message(LOG_INFO, "a", "b");
    cr_expect(eq(chr, *read_log(), '{'));
}

/* A pseudo-terminal stands for one; what it shows is read from its other end. */
Test(log, colours_are_for_terminals_and_values_cannot_add_any)
{
    int screen = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(screen >= 0 && grantpt(screen) == 0 && unlockpt(screen) == 0);
    int terminal = open(ptsname(screen), O_RDWR | O_NOCTTY);
    cr_assert(terminal >= 0);
    kept_stderr = dup(STDERR_FILENO);
    dup2(terminal, STDERR_FILENO);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    log_setup(LOG_INFO, LOG_TEXT);
    struct log_line line;
    log_begin(&line, LOG_ERROR, "bad");
    log_text(&line, "what", "\033[2J x");
    log_end(&line);
    dup2(kept_stderr, STDERR_FILENO);
    ssize_t len = read(screen, text, sizeof text - 1);
    cr_assert(len > 0);
    text[len] = '\0';
    expect_text(strchr(text, 'Z') + 1,
                "\033[0m \033[1;31merror\033[0m   \033[1mbad\033[0m "
                "\033[2mwhat=\033[0m\"\\u001b[2J x\"\r\n");
}

Test(log, l12_a_full_pipe_drops_lines_instead_of_blocking_and_says_so_later)
{
    int ends[2];
    cr_assert(eq(int, pipe(ends), 0));
    log_setup(LOG_INFO, LOG_JSON);
    kept_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    for (int i = 0; i < 5000; i++)
        log_message(LOG_INFO, "flood", "so many words that nobody reads them in time");
    ssize_t len = read(ends[0], text, sizeof text - 1);
    cr_assert(len > 0);
    log_message(LOG_INFO, "after", "the flood");
    dup2(kept_stderr, STDERR_FILENO);
    len = read(ends[0], text, sizeof text - 1);
    cr_assert(len > 0);
    text[len] = '\0';
    cr_assert(ne(ptr, strstr(text, ",\"dropped\":"), NULL), "%s", text);
    cr_assert(json_text_is_valid(slice_from(text)));
}

Test(log, l12_a_closed_standard_error_is_no_trouble)
{
    log_setup(LOG_INFO, LOG_JSON);
    kept_stderr = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    log_message(LOG_INFO, "nobody", "hears");
    cr_assert(eq(int, dup2(kept_stderr, STDERR_FILENO), STDERR_FILENO));
}

static void *write_lines(void *word)
{
    for (int i = 0; i < 500; i++)
        log_message(LOG_INFO, "thread", word);
    return NULL;
}

Test(log, lines_of_several_threads_do_not_mix)
{
    pthread_t threads[4];
    static char words[4][200];
    log_setup(LOG_INFO, LOG_JSON);
    catch_log();
    for (int i = 0; i < 4; i++) {
        memset(words[i], 'a' + i, sizeof words[i] - 1);
        pthread_create(&threads[i], NULL, write_lines, words[i]);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    int count = 0;
    char *line = read_log();
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        cr_assert(json_text_is_valid(slice_make(line, (size_t)(end - line))));
        count++;
    }
    cr_assert(eq(int, count, 2000));
}
