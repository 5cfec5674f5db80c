/* SPDX-License-Identifier: Apache-2.0 */
/* config/expand.h, with an environment of its own. */
#include "config/expand.h"
#include "support/expect.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *fake_getenv(const char *name)
{
    static const char *const pairs[][2] = {
        {"NAME", "value"},     {"EMPTY", ""},      {"REFERENCE", "${NAME}"},
        {"_x9", "underscore"}, {"BROKEN", "\xff"}, {"SPACED", " a b "}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (strcmp(pairs[i][0], name) == 0)
            return pairs[i][1];
    }
    return NULL;
}

static void expect_expansion(const char *text, const char *expected)
{
    struct error err = {0};
    char *expanded = expand_environment(text, fake_getenv, &err);
    cr_assert(expanded != NULL, "%s: %s", text, err.text);
    expect_text(expanded, expected);
    free(expanded);
}

static void expect_refusal(const char *text, const char *part)
{
    struct error err = {0};
    char *expanded = expand_environment(text, fake_getenv, &err);
    cr_assert(expanded == NULL, "%s gave %s", text, expanded);
    expect_part(err.text, part);
}

Test(expand, text_without_references_stays)
{
    expect_expansion("", "");
    expect_expansion("plain", "plain");
    expect_expansion("a $ and $5 and {x} and }", "a $ and $5 and {x} and }");
    expect_expansion("$NAME", "$NAME");
}

Test(expand, a_reference_takes_the_environment)
{
    expect_expansion("${NAME}", "value");
    expect_expansion("a${NAME}b${NAME}", "avaluebvalue");
    expect_expansion("${_x9}", "underscore");
    expect_expansion("[${SPACED}]", "[ a b ]");
}

Test(expand, a_default_stands_in_for_unset_and_empty)
{
    expect_expansion("${MISSING:-10s}", "10s");
    expect_expansion("${EMPTY:-10s}", "10s");
    expect_expansion("${NAME:-10s}", "value");
    expect_expansion("${MISSING:-}", "");
    expect_expansion("${MISSING:-a:-b $ {}", "a:-b $ {");
}

Test(expand, an_empty_variable_without_default_is_empty)
{
    expect_expansion("[${EMPTY}]", "[]");
}

Test(expand, an_unset_variable_without_default_is_refused_with_the_remedy)
{
    expect_refusal("${MISSING}", "MISSING is not set in the environment: set it or write "
                                 "${MISSING:-default}");
}

Test(expand, what_was_put_in_is_not_scanned_again)
{
    expect_expansion("${REFERENCE}", "${NAME}");
}

Test(expand, a_doubled_dollar_makes_a_plain_one)
{
    expect_expansion("$${NAME}", "${NAME}");
    expect_expansion("$$", "$$");
    expect_expansion("$$${NAME}", "$${NAME}");
}

Test(expand, malformed_references_are_refused)
{
    expect_refusal("${", "without its");
    expect_refusal("a ${NAME", "without its");
    expect_refusal("${}", "is not ${NAME}");
    expect_refusal("${1X}", "is not ${NAME}");
    expect_refusal("${A B}", "is not ${NAME}");
    expect_refusal("${NAME-x}", "is not ${NAME}");
    expect_refusal("${NAME:x}", "is not ${NAME}");
    expect_refusal("${A:-${NAME}}", "inside another");
}

Test(expand, an_environment_that_is_not_utf8_is_refused)
{
    expect_refusal("${BROKEN}", "not UTF-8");
}

Test(expand, the_result_has_a_ceiling)
{
    static char text[EXPAND_MAX + 2];
    memset(text, 'x', EXPAND_MAX);
    expect_expansion(text, text);
    text[EXPAND_MAX] = 'x';
    expect_refusal(text, "64 KiB");
}

Test(expand, has_reference_sees_the_opening)
{
    cr_assert(expand_has_reference("a${B}"));
    cr_assert(not(expand_has_reference("a$B{}")));
}

/* A file with `content`; its path, which the caller unlinks. */
static const char *make_file(const char *content, size_t len, mode_t mode)
{
    static char path[32];
    snprintf(path, sizeof path, "/tmp/gatherd-secret-XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert(write(fd, content, len) == (ssize_t)len);
    cr_assert(fchmod(fd, mode) == 0);
    close(fd);
    return path;
}

Test(expand, a_secret_is_the_text_itself_or_the_end_of_a_file_reference)
{
    bool is_open = true;
    char *secret = expand_secret("plain", &is_open, NULL);
    expect_text(secret, "plain");
    cr_assert(not(is_open));
    expand_wipe(secret);

    char reference[64];
    const char *path = make_file("top secret \r\n\n", 14, 0600);
    snprintf(reference, sizeof reference, "file:%s", path);
    secret = expand_secret(reference, &is_open, NULL);
    expect_text(secret, "top secret");
    cr_assert(not(is_open));
    expand_wipe(secret);
    unlink(path);
}

Test(expand, j13_a_file_everybody_may_read_is_told)
{
    bool is_open = false;
    const char *path = make_file("x", 1, 0644);
    char *text = expand_read_file(path, &is_open, NULL);
    expect_text(text, "x");
    cr_assert(is_open);
    free(text);
    cr_assert(chmod(path, 0640) == 0);
    text = expand_read_file(path, &is_open, NULL);
    cr_assert(not(is_open));
    free(text);
    unlink(path);
}

static void expect_unreadable(const char *reference, const char *part)
{
    struct error err = {0};
    bool is_open;
    char *secret = expand_secret(reference, &is_open, &err);
    cr_assert(secret == NULL, "%s gave %s", reference, secret);
    expect_part(err.text, part);
}

Test(expand, files_that_cannot_be_secrets_are_refused)
{
    char reference[64];
    expect_unreadable("file:/nonexistent/x", "No such file");
    expect_unreadable("file:relative", "whole path");
    expect_unreadable("file:", "whole path");
    expect_unreadable("file:/tmp", "is not a file");
    expect_unreadable("file:/dev/zero", "is not a file");
    snprintf(reference, sizeof reference, "file:%s", make_file(" \n", 2, 0600));
    expect_unreadable(reference, "is empty");
    unlink(reference + 5);
    snprintf(reference, sizeof reference, "file:%s", make_file("a\0b", 3, 0600));
    expect_unreadable(reference, "NUL");
    unlink(reference + 5);
}

Test(expand, a_fifo_does_not_hang_the_start)
{
    const char *path = make_file("", 0, 0600);
    char reference[64];
    snprintf(reference, sizeof reference, "file:%s", path);
    unlink(path);
    cr_assert(mkfifo(path, 0600) == 0);
    expect_unreadable(reference, "is not a file");
    unlink(path);
}

Test(expand, a_file_over_the_ceiling_is_refused)
{
    const char *path = make_file("", 0, 0600);
    char reference[64];
    snprintf(reference, sizeof reference, "file:%s", path);
    cr_assert(truncate(path, EXPAND_FILE_MAX + 1) == 0);
    expect_unreadable(reference, "1024 KiB");
    unlink(path);
}
