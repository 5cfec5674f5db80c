/* SPDX-License-Identifier: Apache-2.0 */
/* Every file of tests/unit/config/bad is refused with exactly the lines of the .expected
 * beside it. To look at what one gives now: gatherd check tests/unit/config/bad/x.yaml */
#include "config/config.h"
#include "support/expect.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#define FOLDER "tests/unit/config/bad/"

static void read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    cr_assert(file != NULL, "%s is missing", path);
    size_t len = fread(text, 1, size - 1, file);
    text[len] = '\0';
    fclose(file);
}

static void expect_faults(const char *path)
{
    static char expected[1 << 16];
    char expected_path[256];
    snprintf(expected_path, sizeof expected_path, "%.*sexpected",
             (int)(strlen(path) - strlen("yaml")), path);
    read_text(expected_path, expected, sizeof expected);
    struct buffer faults;
    buffer_init(&faults, 1 << 16);
    struct config *config = config_load(path, NULL, 0, &faults);
    cr_expect(config == NULL, "%s is taken", path);
    config_free(config);
    const char *given = buffer_text(&faults);
    cr_expect(given && strcmp(given, expected) == 0, "%s gives\n%s\nexpected\n%s", path,
              given ? given : "nothing", expected);
    buffer_done(&faults);
}

Test(bad_files, each_is_refused_with_the_expected_lines)
{
    glob_t files;
    cr_assert(glob(FOLDER "*.yaml", 0, NULL, &files) == 0);
    cr_assert(files.gl_pathc >= 30);
    for (size_t i = 0; i < files.gl_pathc; i++)
        expect_faults(files.gl_pathv[i]);
    globfree(&files);
}
