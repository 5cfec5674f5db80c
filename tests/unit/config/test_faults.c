/* SPDX-License-Identifier: Apache-2.0 */
/* config/faults.h */
#include "config/faults.h"
#include "support/expect.h"

static struct faults faults;
static struct buffer out;

static struct place at(const char *source, size_t line, size_t column)
{
    return (struct place){.source = source, .line = line, .column = column};
}

/* What is written; the list is emptied. */
static const char *written(void)
{
    buffer_done(&out);
    buffer_init(&out, 1 << 20);
    faults_write(&faults, &out);
    faults_done(&faults);
    return buffer_text(&out);
}

static void done(void)
{
    buffer_done(&out);
    faults_done(&faults);
}

TestSuite(faults, .fini = done);

Test(faults, a_line_names_place_key_and_sentence)
{
    faults_add(&faults, at("a.yaml", 3, 5), "batch.deadline", "\"%d\" has no unit", 15);
    cr_assert(faults.error_count == 1);
    expect_text(written(), "a.yaml:3:5: batch.deadline: \"15\" has no unit\n");
}

Test(faults, without_line_or_key_they_are_left_out)
{
    faults_add(&faults, at("a.yaml", 0, 0), "", "cannot read it");
    faults_add(&faults, at("", 0, 0), "x", "bad");
    expect_text(written(), "a.yaml: cannot read it\nx: bad\n");
}

Test(faults, they_come_in_the_order_of_the_file)
{
    faults_add(&faults, at("f", 9, 1), "", "fourth");
    faults_add(&faults, at("f", 2, 7), "", "second");
    faults_add(&faults, at("f", 2, 1), "", "first");
    faults_add(&faults, at("f", 2, 7), "", "third");
    expect_text(written(), "f:2:1: first\nf:2:7: second\nf:2:7: third\nf:9:1: fourth\n");
}

Test(faults, sources_stay_apart)
{
    faults_add(&faults, at("f", 9, 1), "", "a");
    faults_add(&faults, at("--set x=1", 0, 0), "", "b");
    faults_add(&faults, at("--set y=1", 0, 0), "", "c");
    expect_text(written(), "f:9:1: a\n--set x=1: b\n--set y=1: c\n");
}

Test(faults, warnings_are_marked_and_are_no_errors)
{
    faults_warn(&faults, at("f", 1, 1), "k", "risky");
    cr_assert(faults.error_count == 0 && faults.count == 1);
    expect_text(written(), "f:1:1: k: warning: risky\n");
}

Test(faults, no_text_can_forge_a_line_or_drive_a_terminal)
{
    faults_add(&faults, at("f", 1, 1), "a\nb", "%s", "\033[31m\xc2\x9b\xff\r\t");
    expect_text(written(), "f:1:1: a?b: ?[31m?????\n");
}

Test(faults, above_the_ceiling_they_are_counted)
{
    for (int i = 0; i < FAULTS_MAX + 5; i++)
        faults_add(&faults, at("f", 1, 1), "", "x");
    cr_assert(faults.error_count == FAULTS_MAX + 5 && faults.left_out == 5);
    expect_part(written(), "x\nand 5 more\n");
}

Test(faults, a_long_sentence_is_cut)
{
    static char text[2000];
    memset(text, 'x', sizeof text - 1);
    faults_add(&faults, at("f", 1, 1), text, "%s", text);
    cr_assert(strlen(written()) < 600);
}
