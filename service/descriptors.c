/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of descriptors.h, and the one system call it needs. Called by main at
 * start. */
#include "descriptors.h"

#include <inttypes.h>
#include <sys/resource.h>

enum { LEAST = 16 };

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

bool descriptors_divide(uint64_t limit, uint64_t reserve, uint64_t max_in_flight,
                        uint64_t max_connections, struct descriptors *ret_descriptors,
                        struct error *err)
{
    if (limit < reserve + 2 * LEAST)
        return error_set(err, ERROR_LIMIT,
                         "the limit of %" PRIu64
                         " open files is too low: gatherd needs at "
                         "least %" PRIu64 " (ulimit -n, LimitNOFILE=, --ulimit nofile=)",
                         limit, reserve + 2 * LEAST);
    uint64_t rest = limit - reserve;
    uint64_t in_flight = smaller(max_in_flight, rest - rest / 4);
    uint64_t connections = smaller(max_connections, rest - in_flight);
    *ret_descriptors = (struct descriptors){
        .max_in_flight = in_flight,
        .max_connections = connections,
        .is_cut = in_flight < max_in_flight || connections < max_connections,
    };
    return true;
}

uint64_t descriptors_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    return limit.rlim_cur;
}
