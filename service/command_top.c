/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `gatherd top`, made into top/top.h's set-up. Called by commands.c. */
#include "command_top.h"

#include "config/values.h"
#include "instance.h"
#include "top/top.h"

#include <stdio.h>

enum { USAGE = 2, INTERVAL_MIN_MS = 100, INTERVAL_MAX_MS = 3600 * 1000 };

static bool take_interval(const struct arguments *arguments, uint64_t *ret_ms)
{
    const char *text = command_line_value(arguments, FLAG_INTERVAL);
    struct error err;
    *ret_ms = 1000;
    if (!text || (values_parse_duration(slice_from(text), ret_ms, &err) &&
                  *ret_ms >= INTERVAL_MIN_MS && *ret_ms <= INTERVAL_MAX_MS))
        return true;
    fprintf(stderr,
            "gatherd top: --interval is a time from 100ms to 60m, as 2s, not \"%s\"\n",
            text);
    return false;
}

int command_top(struct arguments *arguments)
{
    struct instance instance;
    struct top_setup setup = {
        .is_once = command_line_has(arguments, FLAG_ONCE),
        .is_json = command_line_has(arguments, FLAG_JSON),
    };
    if (!take_interval(arguments, &setup.interval_ms) ||
        !instance_find(arguments, "top", "/-/live", &instance))
        return USAGE;
    setup.url = instance.url;
    setup.unix_path = instance.unix_path;
    setup.address = instance.address;
    return top_run(&setup);
}
