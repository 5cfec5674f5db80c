/* SPDX-License-Identifier: Apache-2.0 */
/* text_wrap.h and manual_text.h */
#include "base/manual_text.h"
#include "base/text_wrap.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static void expect_wrapped(const char *text, const char *wanted)
{
    struct buffer out;
    buffer_init(&out, 1024);
    text_wrap(&out, "# ", slice_from(text), 12);
    cr_expect(eq(str, (char *)buffer_text(&out), (char *)wanted));
    buffer_done(&out);
}

Test(text_wrap, lines_are_no_wider_than_asked_for)
{
    expect_wrapped("one two three four", "# one two\n# three four\n");
    expect_wrapped("  one\n two ", "# one two\n");
    expect_wrapped("incomprehensibilities a", "# incomprehensibilities\n# a\n");
    expect_wrapped("", "\n");
}

Test(manual_text, what_scdoc_would_read_is_escaped)
{
    struct buffer out;
    buffer_init(&out, 1024);
    manual_append(&out, slice_from("a_b *c*\nd"));
    cr_expect(eq(str, (char *)buffer_text(&out), "a\\_b \\*c\\* d"));
    buffer_clear(&out);
    manual_append_sentence(&out, "print it");
    manual_append_sentence(&out, "");
    manual_append_sentence(&out, "\"x\"");
    cr_expect(eq(str, (char *)buffer_text(&out), "Print it.\"x\"."));
    buffer_done(&out);
}
