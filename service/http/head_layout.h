/* SPDX-License-Identifier: Apache-2.0 */
/* Was the head of a request written the plain way? libmicrohttpd before 1.0 takes heads
 * whose lines end in a bare LF, folded values, NUL bytes and two blanks in the request
 * line, and its user sees nothing of it. But it cuts the head up where it lies: from the
 * places of the parts one sees what stood between them. A head that is not plain is
 * answered, but the connection is closed behind it, so that what somebody in front of us
 * took for a part of it is never read as a request. Pure. */
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct head_layout {
    uintptr_t at;  /* where the next part must begin */
    uintptr_t end; /* behind the empty line */
    bool is_plain;
};

/* The request line: its parts as the library gives them, `size` the bytes of the head
 * from the method on. The texts may lie anywhere; they are not read. */
void head_layout_start(struct head_layout *layout, struct slice method,
                       struct slice target, struct slice version, size_t size);
/* A header line, in the order of the head. */
void head_layout_add(struct head_layout *layout, struct slice name, struct slice value);
/* head_layout_is_plain: nothing but single blanks, colons, blanks and tabs in front of
 * values, and CR LF stood between the parts, and nothing behind them but the empty line.
 */
bool head_layout_is_plain(const struct head_layout *layout);
