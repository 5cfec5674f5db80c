/* SPDX-License-Identifier: Apache-2.0 */
/* The request of a call without a body, copied so that it outlives the call's owner:
 * method, URL, headers and limits; whose it is and who is told is the copier's to set. */
#pragma once

#include "fetch/call.h"

#include <stddef.h>

/* call_copy_size: bytes for headers and all texts, a multiple of what a header needs to
 * be aligned. */
size_t call_copy_size(const struct call *call);
/* call_copy sets all of `ret_call`; `room` has call_copy_size bytes, is aligned for a
 * header, and stays the caller's for as long as the copy is used. */
void call_copy(struct call *ret_call, const struct call *call, void *room);
