/* SPDX-License-Identifier: Apache-2.0 */
/* From the configuration to the sandbox: which files a serving gatherd still reads. */
#include "confine.h"

#include "base/log.h"
#include "base/memory.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Read while serving, or by a library that may ask again. Single files of /etc and not
 * the folder: there is more in it than callers of an HTTP gateway should get at. */
static const char *const system_files[] = {
    /* c-ares looks into hosts for every name, and may read the rest again */
    "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf",
    "/etc/services", "/etc/gai.conf",
    /* the TLS libraries: settings, authorities and what their links point to */
    "/etc/ssl", "/usr/lib/ssl", "/etc/gnutls", "/etc/ca-certificates",
    "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
    /* the figures of /metrics */
    "/proc/self", "/proc/stat",
    /* glibc: malloc, and random bytes on an old kernel */
    "/proc/sys/vm/overcommit_memory", "/dev/urandom", "/dev/null"};
enum { SYSTEM_FILES = sizeof system_files / sizeof *system_files };

/* ---------------------------------------------------------------------- memory */

void confine_memory(const struct config *config)
{
    if (geteuid() == 0)
        log_message(LOG_WARNING, "running_as_root",
                    "gatherd needs no privilege: run it as a user of its own "
                    "(the unit and the image do)");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        log_message(LOG_WARNING, "new_privileges", strerror(errno));
    if (config->process.core_dumps)
        return;
    const struct rlimit none = {0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        log_message(LOG_WARNING, "core_dumps", strerror(errno));
}

/* --------------------------------------------------------------------- sandbox */

enum {
    READABLE_MAX = SANDBOX_PATHS_MAX - 1,
    /* Two and a half for each readable one, and the listeners'. */
    FOLDERS_MAX = 3 * SANDBOX_PATHS_MAX,
};

/* The folders of the configuration's own files; freed by forget. */
struct folders {
    char *paths[FOLDERS_MAX + SANDBOX_PATHS_MAX];
    size_t count;
};

/* "/a/b" lies in "/a", "/b" in "/", "b" in ".". */
static const char *folder_of(struct folders *folders, const char *file)
{
    char *path = memory_copy_text(file);
    char *slash = strrchr(path, '/');
    if (!slash)
        memcpy(path, ".", *path ? 2 : 1);
    else
        slash[slash == path] = '\0';
    folders->paths[folders->count++] = path;
    return path;
}

static void forget(struct folders *folders)
{
    for (size_t i = 0; i < folders->count; i++)
        free(folders->paths[i]);
}

static bool has_path(const struct sandbox_setup *setup, const char *path)
{
    for (size_t i = 0; i < setup->readable_count; i++) {
        if (strcmp(setup->readable[i], path) == 0)
            return true;
    }
    return false;
}

/* The folder, because a file that is replaced is another one to Landlock; but not all
 * there is for a file in "/". */
static void add_folder(struct sandbox_setup *setup, struct folders *folders,
                       const char *file)
{
    if (setup->readable_count == READABLE_MAX || folders->count >= FOLDERS_MAX)
        return; /* a reload says that it cannot read it */
    const char *folder = folder_of(folders, file);
    if (strcmp(folder, "/") == 0)
        folder = file;
    if (!has_path(setup, folder))
        setup->readable[setup->readable_count++] = folder;
}

/* What a reload reads again: where it is named, and where links lead from there (certbot
 * keeps the files that "live" links to in "archive"). */
static void add_reread(struct sandbox_setup *setup, struct folders *folders,
                       const char *file)
{
    char *target = realpath(file, NULL);
    add_folder(setup, folders, file);
    if (target && folders->count < FOLDERS_MAX) {
        folders->paths[folders->count++] = target; /* freed with them */
        add_folder(setup, folders, target);
    } else {
        free(target);
    }
}

static void add_listener(struct sandbox_setup *setup, struct folders *folders,
                         const char *address)
{
    static const char prefix[] = "unix:";
    if (strncmp(address, prefix, sizeof prefix - 1) == 0)
        setup->removable[setup->removable_count++] =
            folder_of(folders, address + sizeof prefix - 1);
}

static void add_listeners(struct sandbox_setup *setup, struct folders *folders,
                          const struct config_strings *addresses)
{
    for (size_t i = 0; i < addresses->count; i++)
        add_listener(setup, folders, addresses->items[i]);
}

/* The kernel forgets a /proc/PID folder that nobody has open when memory is short, and
 * makes another one when asked: to Landlock that would be a stranger. Held open, until
 * the process ends, it stays the one that the rule names. */
static void hold_proc_self(void)
{
    int fd = open("/proc/self", O_PATH | O_CLOEXEC);
    (void)fd;
}

static void log_sandbox(const struct sandbox_report *report)
{
    struct log_line line;
    log_begin(&line, LOG_INFO, "sandbox");
    log_text(&line, "systemCalls", report ? "filtered" : "open");
    log_text(&line, "files", report && report->landlock_abi ? "restricted" : "open");
    if (report)
        log_int(&line, "landlock", report->landlock_abi);
    log_end(&line);
    if (report && report->landlock_abi == 0)
        log_message(LOG_WARNING, "sandbox_incomplete",
                    "this kernel offers no Landlock (or a container's filter hides it): "
                    "files can be read as far as their permissions go");
    else if (report && report->free_threads > 0)
        log_message(LOG_WARNING, "sandbox_incomplete",
                    "a library started threads before the sandbox: they can read files "
                    "as far as their permissions go");
}

bool confine_process(const struct config *config, const char *config_file,
                     struct error *err)
{
    if (!config->process.sandbox) {
        log_sandbox(NULL);
        return true;
    }
    hold_proc_self();
    struct sandbox_setup setup = {.readable_count = 0};
    struct folders folders = {.count = 0};
    for (size_t i = 0; i < SYSTEM_FILES; i++)
        setup.readable[setup.readable_count++] = system_files[i];
    add_reread(&setup, &folders, config_file);
    if (config->fetch.ca_file[0])
        add_reread(&setup, &folders, config->fetch.ca_file);
    for (size_t i = 0; i < config->files.count; i++)
        add_reread(&setup, &folders, config->files.items[i]);
    add_listeners(&setup, &folders, &config->server.listen);
    add_listeners(&setup, &folders, &config->ops.listen);
    add_listener(&setup, &folders, config->server.handover);
    struct sandbox_report report = {0};
    bool is_in = sandbox_enter(&setup, &report, err);
    forget(&folders);
    if (is_in)
        log_sandbox(&report);
    return is_in;
}
