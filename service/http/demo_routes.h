/* SPDX-License-Identifier: Apache-2.0 */
/* What the demo upstream answers. Between demo.c, which runs the server, and the table of
 * routes. All on the one thread of the demo. */
#pragma once

#include "base/buffer.h"
#include "base/list.h"
#include "base/loop.h"

#include <microhttpd.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    DEMO_BODY_MAX = 1 << 20, /* of a request; more is answered with 413 */
    DEMO_DELAY_MAX_MS = 60000,
};

/* One request. demo.c makes and frees it. */
struct demo_visit {
    struct loop *loop;
    struct MHD_Connection *connection;
    char *target; /* as sent, with the query */
    const char *method;
    struct buffer body;
    bool has_begun;
    struct timer timer;  /* set while the connection is suspended */
    struct list waiting; /* in the list of suspended ones */
    struct list *all_waiting;
    bool has_waited; /* the delay asked for is over */
};

/* demo_answer is called when the whole request is there, and once more after a wait it
 * began. Its result goes back to MHD: MHD_NO closes the connection without a reply. */
enum MHD_Result demo_answer(struct demo_visit *visit, const char *path);
