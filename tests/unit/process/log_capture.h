/* SPDX-License-Identifier: Apache-2.0 */
/* What a test's lines of the log say. Included by one test file per program. */
#pragma once

#include "base/log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SECOND_US = 1000000 };

static char written[8192];
static FILE *file;
static int old_stderr;

static void begin_capture(void)
{
    file = tmpfile();
    cr_assert(file != NULL);
    old_stderr = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    log_setup(LOG_INFO, LOG_JSON);
}

/* How many lines were written; all of them are in `written`. */
static size_t end_capture(void)
{
    dup2(old_stderr, STDERR_FILENO);
    close(old_stderr);
    rewind(file);
    written[fread(written, 1, sizeof written - 1, file)] = '\0';
    fclose(file);
    size_t lines = 0;
    for (const char *at = written; (at = strchr(at, '\n')); at++)
        lines++;
    return lines;
}
