/* SPDX-License-Identifier: Apache-2.0 */
/* What stands for something else in a scalar: the environment and files. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"

#include <stdbool.h>

enum {
    EXPAND_MAX = 64 * 1024,    /* bytes of a scalar after expansion */
    EXPAND_FILE_MAX = 1 << 20, /* bytes of a file taken in */
};

/* How the environment is asked: getenv outside tests. */
typedef const char *expand_getenv_fn(const char *name);

/* expand_environment replaces ${NAME} and ${NAME:-default} (default also when NAME is
 * empty; it may not contain a reference itself) and "$${" by "${". A NAME that is not set
 * and has no default is a fault: a configuration that silently loses a value is worse
 * than none. Returns the text, freed by the caller, or NULL. What was put in is never
 * scanned again. */
char *expand_environment(const char *text, expand_getenv_fn *getenv_fn,
                         struct error *err) MUST_CHECK;

/* expand_has_reference: does it contain "${"? */
bool expand_has_reference(const char *text);

/* expand_read_file returns the content of a regular file of at most EXPAND_FILE_MAX
 * bytes, freed by the caller, or NULL. `ret_is_open` tells that others than owner and
 * group may read it. A NUL byte is refused. */
char *expand_read_file(const char *path, bool *ret_is_open, struct error *err) MUST_CHECK;

/* expand_secret: "file:/path" gives the file's content without white space at its end,
 * any other text itself. Freed by the caller. `ret_is_open` as above, false without a
 * file. */
char *expand_secret(const char *text, bool *ret_is_open, struct error *err) MUST_CHECK;

/* expand_wipe overwrites a secret and frees it; NULL is fine. */
void expand_wipe(char *text);
