/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a running service how it is: one blocking GET, for `gatherd health`; or again
 * and again without keeping anything else waiting, for `gatherd top`. The service's own
 * certificate is not verified: it is reached by address. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* probe_get asks `url` (over the unix socket `unix_path` when that is not NULL) and waits
 * at most `timeout_ms`. */
bool probe_get(const char *url, const char *unix_path, long timeout_ms, int *ret_status,
               struct buffer *ret_body, struct error *err) MUST_CHECK;

struct probe;

/* probe_new: as probe_get, a reply of at most `body_max` bytes; NULL: no memory.
 * probe_free ends what is under way. NULL is fine. */
struct probe *probe_new(const char *url, const char *unix_path, long timeout_ms,
                        size_t body_max) MUST_CHECK;
void probe_free(struct probe *probe);

/* probe_send asks; nothing may be under way. */
void probe_send(struct probe *probe);

enum probe_event {
    PROBE_NOTHING,  /* `wait_ms` passed, or one of `fds` can be read */
    PROBE_ANSWERED, /* see probe_status and probe_body */
    PROBE_FAILED,   /* see probe_fault */
};
/* probe_wait waits for what is under way, if anything is, and for `fds`, at most
 * `wait_ms`. */
enum probe_event probe_wait(struct probe *probe, const int *fds, size_t count,
                            int wait_ms);
bool probe_is_asking(const struct probe *probe);

/* Of the last answer, until probe_send. */
int probe_status(const struct probe *probe);
struct slice probe_body(const struct probe *probe);
const char *probe_fault(const struct probe *probe);
