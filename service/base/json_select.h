/* SPDX-License-Identifier: Apache-2.0 */
/* The values at the ends of several paths into JSON text, found in one walk: a large
 * document with many paths costs what one path costs. Pure; any thread. */
#pragma once

#include "base/json_find.h"
#include "base/slice.h"

#include <stddef.h>

enum {
    JSON_SELECT_MAX = 32,        /* paths at once */
    JSON_SELECT_NAME_MAX = 1024, /* bytes of a name in a step */
};

struct json_path {
    const struct json_step *steps;
    size_t count; /* JSON_POINTER_STEPS_MAX at most */
};

/* json_select puts what json_find would find by each path into ret_values[…]; where there
 * is nothing, its data is NULL. `text` must be valid (json_text_is_valid); the values
 * point into it. Never recursive. */
void json_select(struct slice text, const struct json_path *paths, size_t count,
                 struct slice *ret_values);
