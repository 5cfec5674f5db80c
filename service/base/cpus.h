/* SPDX-License-Identifier: Apache-2.0 */
/* How many CPUs this process may really use. */
#pragma once

/* cpus_usable is the smaller of the affinity mask (sched_getaffinity) and the cgroup CPU
 * quota rounded up (v2 cpu.max along the path to the root, v1 cpu.cfs_quota_us /
 * cpu.cfs_period_us); at least 1. `root` is "" outside tests: a prefix for /proc and
 * /sys. */
unsigned cpus_usable(const char *root);
