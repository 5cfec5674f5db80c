/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to a descriptor that may be slow, without the loop waiting for it and without
 * O_NONBLOCK, which would be everybody's who has the same file, terminal or pipe open: a
 * thread writes, the loop gives and hears when it has caught up. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct writer;

/* on_change is called from the loop when what is held fell below WRITER_BEHIND / 2, when
 * writing failed, and when all was written after writer_is_empty said that it was not. */
enum { WRITER_BEHIND = 1 << 20 };
typedef void writer_change_fn(void *context);

/* writer_new starts the thread, which inherits the signal mask. */
struct writer *writer_new(int fd, struct loop *loop, writer_change_fn *on_change,
                          void *context, struct error *err) MUST_CHECK;
/* writer_free ends the thread, which must not be writing: all is written, or writing
 * failed. NULL is fine. */
void writer_free(struct writer *writer);

/* writer_give takes the bytes of `text`, which is empty thereafter and may have got other
 * memory. After a failure they are dropped. Any thread. */
void writer_give(struct writer *writer, struct buffer *text);

/* writer_held: bytes given and not written. writer_is_behind: more than WRITER_BEHIND of
 * them. writer_is_empty: none; if there are, on_change is called when there are none.
 * writer_failure: errno of what ended it, 0 while it is well. None of them waits for a
 * write. Any thread. */
size_t writer_held(const struct writer *writer);
bool writer_is_behind(const struct writer *writer);
bool writer_is_empty(struct writer *writer);
int writer_failure(const struct writer *writer);
