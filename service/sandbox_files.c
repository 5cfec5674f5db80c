/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock by its three system calls, for which glibc has no wrappers. The numbers are
 * those of the kernel's include/uapi/linux/landlock.h: Debian 12's copy stops at version
 * 2, and a newer kernel is asked for all it has (landlock(7), "Compatibility"). */
#include "sandbox_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the versions brought, beyond version 1's 13 rights on files. */
enum {
    ABI_REFER = 2,     /* link and rename between folders: refused below it anyway */
    ABI_TRUNCATE = 3,  /* truncate(2) */
    ABI_TCP = 4,       /* bind and connect */
    ABI_IOCTL_DEV = 5, /* ioctl on devices */
    ABI_SCOPE = 6,     /* abstract unix sockets and signals of others */
};

static const uint64_t access_v1 = (1ULL << 13) - 1;
static const uint64_t access_refer = 1ULL << 13;
static const uint64_t access_truncate = 1ULL << 14;
static const uint64_t access_ioctl_dev = 1ULL << 15;
static const uint64_t access_bind_tcp = 1ULL << 0;
static const uint64_t scope_all = 3; /* abstract unix sockets, signals */

static const uint64_t right_read_file = LANDLOCK_ACCESS_FS_READ_FILE;
static const uint64_t right_read_folder =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t right_remove = LANDLOCK_ACCESS_FS_REMOVE_FILE;

/* struct landlock_ruleset_attr of version 6; older kernels take it while what they do
 * not know is 0. */
struct ruleset_attributes {
    uint64_t handled_fs;
    uint64_t handled_net;
    uint64_t scoped;
};

/* 0: none. EPERM is a container engine's filter that does not know the call. */
static int landlock_abi(void)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : 0;
}

static int create_ruleset(int abi)
{
    struct ruleset_attributes attributes = {.handled_fs = access_v1};
    if (abi >= ABI_REFER)
        attributes.handled_fs |= access_refer;
    if (abi >= ABI_TRUNCATE)
        attributes.handled_fs |= access_truncate;
    if (abi >= ABI_TCP)
        attributes.handled_net = access_bind_tcp;
    if (abi >= ABI_IOCTL_DEV)
        attributes.handled_fs |= access_ioctl_dev;
    if (abi >= ABI_SCOPE)
        attributes.scoped = scope_all;
    return (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
}

/* What is not there, or not for us to see, needs no rule. The descriptor may go after
 * this: the ruleset holds the file, or the folder, itself. */
static bool add_rule(int ruleset, const char *path, bool is_removable, struct error *err)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        if (fd >= 0)
            close(fd);
        return true;
    }
    uint64_t readable = S_ISDIR(status.st_mode) ? right_read_folder : right_read_file;
    struct landlock_path_beneath_attr rule = {
        .allowed_access = is_removable ? right_remove : readable,
        .parent_fd = fd,
    };
    bool is_added = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
                            &rule, 0) == 0;
    if (!is_added)
        error_set_errno(err, errno, "%s: Landlock does not take it", path);
    close(fd);
    return is_added;
}

static bool add_rules(int ruleset, const struct sandbox_setup *setup, struct error *err)
{
    bool is_fine = true;
    for (size_t i = 0; i < setup->readable_count && is_fine; i++)
        is_fine = add_rule(ruleset, setup->readable[i], false, err);
    for (size_t i = 0; i < setup->removable_count && is_fine; i++)
        is_fine = add_rule(ruleset, setup->removable[i], true, err);
    return is_fine;
}

bool sandbox_files_restrict(const struct sandbox_setup *setup, int *ret_abi,
                            struct error *err)
{
    *ret_abi = landlock_abi();
    if (*ret_abi == 0)
        return true;
    int ruleset = create_ruleset(*ret_abi);
    if (ruleset < 0)
        return error_set_errno(err, errno, "cannot make a Landlock ruleset");
    bool is_fine = add_rules(ruleset, setup, err);
    if (is_fine && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        is_fine = error_set_errno(err, errno, "cannot enter the Landlock ruleset");
    close(ruleset);
    return is_fine;
}
