/* SPDX-License-Identifier: Apache-2.0 */
/* The process's own figures from /proc/self, getrusage and getrlimit. A figure that the
 * system withholds (a sandbox without /proc) stays 0: the metrics page works without it.
 * Called by exposition.c. */
#include "metrics/process_figures.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* Linux 6.2 and newer tell the number as the size; a walk over 20,000 takes ms. */
static uint64_t count_fds(void)
{
    struct stat folder;
    if (stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0)
        return (uint64_t)folder.st_size;
    DIR *fds = opendir("/proc/self/fd");
    if (!fds)
        return 0;
    uint64_t count = 0;
    while (readdir(fds))
        count++;
    closedir(fds);
    return count > 3 ? count - 3 : 0; /* ".", "..", and the one of the walk */
}

/* When the machine booted, in seconds since 1970. */
static double boot_time(void)
{
    FILE *file = fopen("/proc/stat", "re");
    if (!file)
        return 0;
    char *line = NULL;
    size_t size = 0;
    double boot_s = 0;
    while (boot_s == 0 && getline(&line, &size, file) > 0) {
        if (strncmp(line, "btime ", 6) == 0)
            boot_s = strtod(line + 6, NULL);
    }
    free(line);
    fclose(file);
    return boot_s;
}

/* Field `number` of proc(5)'s stat line; `state` points at field 3. 0: not there. */
static uint64_t stat_field(const char *state, unsigned number)
{
    for (unsigned at = 3; at < number; at++) {
        state = strchr(state, ' ');
        if (!state)
            return 0;
        state++;
    }
    return strtoull(state, NULL, 10);
}

static void read_stat(struct process_figures *figures)
{
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file)
        return;
    char text[1024];
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    /* Field 2, the command's name, may hold anything but ends at the last parenthesis. */
    const char *name_end = strrchr(text, ')');
    if (!name_end || name_end[1] != ' ')
        return;
    const char *state = name_end + 2;
    figures->threads = stat_field(state, 20);
    figures->virtual_bytes = stat_field(state, 23);
    figures->resident_bytes = stat_field(state, 24) * (uint64_t)sysconf(_SC_PAGESIZE);
    double boot_s = boot_time();
    if (boot_s > 0)
        figures->start_time_seconds =
            boot_s + (double)stat_field(state, 22) / (double)sysconf(_SC_CLK_TCK);
}

void process_figures_read(struct process_figures *ret_figures)
{
    struct process_figures figures = {.open_fds = count_fds()};
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        figures.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        figures.max_fds = limit.rlim_cur;
    read_stat(&figures);
    *ret_figures = figures;
}
