/* SPDX-License-Identifier: Apache-2.0 */
/* A batch, or a list of URLs of any length, without a server: the engine of the service
 * (gather and fetcher) between an input and an output. One loop, in the calling thread;
 * nothing here knows libmicrohttpd. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"
#include "batch/wait_policy.h"
#include "config/config.h"

#include <stdbool.h>
#include <stdint.h>

enum run_format { RUN_NDJSON, RUN_JSON, RUN_TABLE };

/* The exit statuses of a run; ended by a signal it is 128 and its number. */
enum run_status {
    RUN_COMPLETE = 0, /* what was waited for has come */
    RUN_FAILED = 1,   /* nothing came, or the input or output failed */
    RUN_USAGE = 2,    /* the document is wrong */
    RUN_PARTIAL = 3,  /* some has come, but not what was waited for */
};

struct run_setup {
    const struct config *config;
    const char *input; /* a file; "-": standard input */
    enum run_format format;
    uint64_t open_files; /* descriptors there may be */
    unsigned lanes;      /* threads of a list */

    /* What the command line wishes; over what a document says. */
    struct slice item_defaults;     /* JSON; data NULL: none */
    uint32_t concurrency;           /* 0: not given */
    uint64_t deadline_ms;           /* 0: not given */
    int include;                    /* INCLUDE_… bits; -1: not given */
    const struct wait_policy *wait; /* NULL: not given */

    /* What a person sees, on standard error. */
    bool shows_progress;
    bool shows_summary;
    bool shows_waterfall;
    bool is_quiet; /* no hints either */
};

/* run_batch runs it and returns the exit status. Blocks SIGINT and SIGTERM for the
 * process: the first one ends the run with what is there, a second one the process. */
int run_batch(const struct run_setup *setup);

/* run_check_wishes: is setup->item_defaults right? False: *err says what is wrong,
 * beginning with the JSON pointer of the member: "/defaults/retries: must be ...". */
bool run_check_wishes(const struct run_setup *setup, struct error *err) MUST_CHECK;
