/* SPDX-License-Identifier: Apache-2.0 */
/* What top.c and top_screen.c share. */
#pragma once

#include "base/error.h"
#include "top/live_change.h"
#include "top/live_view.h"
#include "top/top.h"

struct probe;

enum { TOP_TIMEOUT_MS = 3000, TOP_DOCUMENT_MAX = 4 << 20 };

/* The last two documents, and what became of the last question. */
struct top_news {
    struct live_view views[2]; /* `now` is one, the one before is the other */
    unsigned now;
    unsigned count; /* documents that came, 2 at most */
    struct live_change change;
    struct error trouble; /* of kind ERROR_NONE: the last answer was fine */
};

/* top_take takes an answer of the service; false: it is none, see `trouble`. */
bool top_take(struct top_news *news, const struct top_setup *setup,
              const struct probe *probe);
/* top_miss: none came. */
void top_miss(struct top_news *news, const struct top_setup *setup,
              const struct probe *probe);
/* top_view: the last document; NULL: there was none. */
const struct live_view *top_view(const struct top_news *news);

/* top_screen_run (top_screen.c): as top_run, on a terminal. */
int top_screen_run(const struct top_setup *setup, struct probe *probe,
                   struct top_news *news);
