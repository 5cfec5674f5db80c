/* SPDX-License-Identifier: Apache-2.0 */
/* How many CPUs this process may really use: the affinity mask, made smaller by the CPU
 * quota of its control group or of any group above it. A container limited to half a CPU
 * of a 64-core machine gets 1, not 64. Reads /proc and /sys under a prefix that tests
 * set; whatever is missing or unreadable limits nothing. Called once at the start. */
#include "base/cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any machine has: the mask grows until the kernel accepts its size. */
enum { CPUS_MAX = 1 << 16 };

static unsigned count_affinity(void)
{
    for (int cpus = 1024; cpus <= CPUS_MAX; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        size_t size = CPU_ALLOC_SIZE((size_t)cpus);
        if (!set)
            return 1;
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return (unsigned)count;
    }
    return 1;
}

/* The first line of a file, or false. */
static bool read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool is_read = fgets(line, (int)size, file) != NULL;
    fclose(file);
    return is_read;
}

/* quota/period rounded up; UINT_MAX for "no limit" (v2 "max", v1 -1). */
static unsigned cpus_of_quota(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return UINT_MAX;
    long long cpus = quota / period + (quota % period != 0);
    return cpus > CPUS_MAX ? UINT_MAX : (unsigned)cpus;
}

static unsigned read_quota_v2(const char *folder)
{
    char path[PATH_MAX];
    char line[128];
    long long quota = 0;
    long long period = 0;
    if (snprintf(path, sizeof path, "%s/cpu.max", folder) >= (int)sizeof path)
        return UINT_MAX;
    if (!read_line(path, line, sizeof line) ||
        sscanf(line, "%lld %lld", &quota, &period) != 2)
        return UINT_MAX;
    return cpus_of_quota(quota, period);
}

static unsigned read_quota_v1(const char *folder)
{
    char path[PATH_MAX];
    char quota[64];
    char period[64];
    if (snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder) >= (int)sizeof path ||
        !read_line(path, quota, sizeof quota))
        return UINT_MAX;
    if (snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder) >= (int)sizeof path ||
        !read_line(path, period, sizeof period))
        return UINT_MAX;
    return cpus_of_quota(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

/* The smallest quota of `group` and every group above it. In a container the path may
 * name folders outside its view of /sys: they are missing, and the mount itself is the
 * group. */
static unsigned smallest_quota(const char *mount, const char *group,
                               unsigned (*read_quota)(const char *folder))
{
    char folder[PATH_MAX];
    if (strstr(group, "/..") ||
        snprintf(folder, sizeof folder, "%s%s", mount, group) >= (int)sizeof folder)
        return read_quota(mount);
    unsigned smallest = UINT_MAX;
    size_t mount_len = strlen(mount);
    for (;;) {
        unsigned cpus = read_quota(folder);
        smallest = cpus < smallest ? cpus : smallest;
        char *slash = strrchr(folder + mount_len, '/');
        if (!slash)
            return smallest;
        *slash = '\0';
    }
}

/* Is "cpu" one of the comma-separated controllers? ("cpuset" is not.) */
static bool has_cpu_controller(const char *controllers)
{
    for (const char *at = controllers; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, "cpu", 3) == 0 && (at[3] == ',' || at[3] == '\0'))
            return true;
    }
    return false;
}

/* One line of /proc/self/cgroup: "0::/path" (v2) or "4:cpu,cpuacct:/path" (v1). */
static unsigned quota_of_line(const char *root, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return UINT_MAX;
    *controllers++ = '\0';
    *group++ = '\0';
    char mount[PATH_MAX];
    bool is_v2 = controllers[0] == '\0';
    if (!is_v2 && !has_cpu_controller(controllers))
        return UINT_MAX;
    if (snprintf(mount, sizeof mount, "%s/sys/fs/cgroup%s", root, is_v2 ? "" : "/cpu") >=
        (int)sizeof mount)
        return UINT_MAX;
    return smallest_quota(mount, group, is_v2 ? read_quota_v2 : read_quota_v1);
}

static unsigned count_quota(const char *root)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/proc/self/cgroup", root) >= (int)sizeof path)
        return UINT_MAX;
    FILE *file = fopen(path, "re");
    if (!file)
        return UINT_MAX;
    unsigned smallest = UINT_MAX;
    char line[PATH_MAX];
    while (fgets(line, sizeof line, file)) {
        unsigned cpus = quota_of_line(root, line);
        smallest = cpus < smallest ? cpus : smallest;
    }
    fclose(file);
    return smallest;
}

unsigned cpus_usable(const char *root)
{
    unsigned mask = count_affinity();
    unsigned quota = count_quota(root);
    unsigned usable = quota < mask ? quota : mask;
    return usable ? usable : 1;
}
