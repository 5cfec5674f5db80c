/* SPDX-License-Identifier: Apache-2.0 */
/* base/cpus.h, on trees that look like /proc and /sys. */
#include "base/cpus.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char root[64];

/* Writes root/path and makes its folders. */
static void put(const char *path, const char *text)
{
    char whole[PATH_MAX];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(whole, 0755);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    cr_assert(ne(ptr, file, NULL), "%s", whole);
    fputs(text, file);
    fclose(file);
}

static void make_root(void)
{
    snprintf(root, sizeof root, "/tmp/gatherd-cpus-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(root), NULL));
}

static int remove_one(const char *path, const struct stat *status, int kind,
                      struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_root(void)
{
    cr_assert(eq(int, nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0));
}

static unsigned affinity(void)
{
    cpu_set_t set;
    cr_assert(eq(int, sched_getaffinity(0, sizeof set, &set), 0));
    return (unsigned)CPU_COUNT(&set);
}

static unsigned at_most(unsigned cpus)
{
    return cpus < affinity() ? cpus : affinity();
}

TestSuite(cpus, .init = make_root, .fini = remove_root);

Test(cpus, without_a_control_group_the_mask_counts)
{
    cr_assert(eq(uint, cpus_usable(root), affinity()));
}

Test(cpus, on_this_machine_it_is_at_least_one)
{
    unsigned cpus = cpus_usable("");
    cr_assert(cpus >= 1 && cpus <= affinity());
}

Test(cpus, the_mask_of_one_cpu_gives_one)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    cr_assert(sched_getcpu() >= 0);
    CPU_SET((size_t)sched_getcpu(), &set);
    cr_assert(eq(int, sched_setaffinity(0, sizeof set, &set), 0));
    cr_assert(eq(uint, cpus_usable(root), 1));
}

Test(cpus, half_a_cpu_is_rounded_up_to_one)
{
    put("/proc/self/cgroup", "0::/box\n");
    put("/sys/fs/cgroup/box/cpu.max", "50000 100000\n");
    cr_assert(eq(uint, cpus_usable(root), 1));
}

Test(cpus, one_and_a_half_are_rounded_up_to_two)
{
    put("/proc/self/cgroup", "0::/box\n");
    put("/sys/fs/cgroup/box/cpu.max", "150000 100000\n");
    cr_assert(eq(uint, cpus_usable(root), at_most(2)));
}

Test(cpus, max_means_no_limit)
{
    put("/proc/self/cgroup", "0::/box\n");
    put("/sys/fs/cgroup/box/cpu.max", "max 100000\n");
    cr_assert(eq(uint, cpus_usable(root), affinity()));
}

Test(cpus, a_group_further_up_limits_too)
{
    put("/proc/self/cgroup", "0::/pod/box\n");
    put("/sys/fs/cgroup/pod/cpu.max", "100000 100000\n");
    put("/sys/fs/cgroup/pod/box/cpu.max", "800000 100000\n");
    cr_assert(eq(uint, cpus_usable(root), 1));
}

Test(cpus, in_a_container_the_mount_itself_is_the_group)
{
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/cpu.max", "100000 100000\n");
    cr_assert(eq(uint, cpus_usable(root), 1));
}

Test(cpus, a_group_outside_the_container_is_read_at_the_mount)
{
    put("/proc/self/cgroup", "0::/../../elsewhere\n");
    put("/sys/fs/cgroup/cpu.max", "100000 100000\n");
    cr_assert(eq(uint, cpus_usable(root), 1));
}

Test(cpus, version_1_quotas_count)
{
    put("/proc/self/cgroup", "11:cpuset:/x\n4:cpu,cpuacct:/box\n1:name=systemd:/y\n");
    put("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "100000\n");
    put("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
    cr_assert(eq(uint, cpus_usable(root), 1));
}

Test(cpus, a_version_1_quota_of_minus_one_is_none)
{
    put("/proc/self/cgroup", "4:cpu,cpuacct:/box\n");
    put("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
    cr_assert(eq(uint, cpus_usable(root), affinity()));
}

Test(cpus, cpuset_is_not_taken_for_cpu)
{
    put("/proc/self/cgroup", "11:cpuset:/box\n");
    put("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "100000\n");
    put("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
    cr_assert(eq(uint, cpus_usable(root), affinity()));
}

Test(cpus, rubbish_limits_nothing)
{
    put("/proc/self/cgroup", "rubbish\n0:\n::\n0::/box\n");
    put("/sys/fs/cgroup/box/cpu.max", "lots\n");
    cr_assert(eq(uint, cpus_usable(root), affinity()));
    put("/sys/fs/cgroup/box/cpu.max", "100000 0\n");
    cr_assert(eq(uint, cpus_usable(root), affinity()));
    put("/sys/fs/cgroup/box/cpu.max", "-5 100000\n");
    cr_assert(eq(uint, cpus_usable(root), affinity()));
}
