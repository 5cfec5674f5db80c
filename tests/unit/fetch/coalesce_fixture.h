/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that would share, at a rig of their own for each test. */
#pragma once

#include "fetch_rig.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

static struct rig *rig;

static inline void setup(void)
{
    rig = rig_new(false, NULL);
}

static inline void teardown(void)
{
    rig_free(rig);
}

static inline void allow_one_at_once(void)
{
    static const char *const overrides[] = {"fetch.per_origin=1", NULL};
    rig_free(rig);
    rig = rig_new(false, overrides);
}

static inline struct rig_call *make(const char *path)
{
    struct rig_call *call = rig_call(rig, path);
    call->call.coalesces = true;
    return call;
}

static inline struct rig_call *start(const char *path)
{
    struct rig_call *call = make(path);
    fetcher_start(rig->fetcher, &call->call);
    return call;
}

static inline int requests(void)
{
    return atomic_load(&rig->server.requests);
}

/* Until the server is answering `count` requests. */
static inline void run_until_running(int count)
{
    for (int i = 0; i < 500 && atomic_load(&rig->server.running) != count; i++)
        rig_run_ms(rig, 5);
    cr_assert_eq(atomic_load(&rig->server.running), count);
}
