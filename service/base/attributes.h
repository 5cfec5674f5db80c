/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The result says whether it worked: ignoring it is a bug. */
#define MUST_CHECK __attribute__((warn_unused_result))
/* Argument `fmt` is a printf format for the arguments from `first` on. */
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
/* Inlined whatever the compiler thinks: only for inner loops, where a measurement said
 * so. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))
