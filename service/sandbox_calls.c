/* SPDX-License-Identifier: Apache-2.0 */
/* The filter is a list of what is allowed, so that a call nobody thought of is refused.
 * Names are resolved by libseccomp: one that this architecture (aarch64 has no open) or
 * an older libseccomp does not have is passed over. The list is what glibc 2.36 and 2.41,
 * OpenSSL 3, GnuTLS, c-ares and libcurl use to serve, found by strace and by running the
 * end-to-end tests in it; it leaves room for what they choose among at run time (poll or
 * epoll, getrandom or /dev/urandom, recvfrom or recvmsg). Where the kernel can it keeps
 * the answer for a call in a bitmap, so the length of the list costs nothing. */
#include "sandbox_calls.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Whatever their arguments. */
static const char *const harmless[] = {
    /* open descriptors */
    "read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "close",
    "close_range", "fcntl", "dup", "dup2", "dup3", "lseek", "poll", "ppoll", "select",
    "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
    "eventfd2", "pipe2", "timerfd_create", "timerfd_settime", "signalfd4", "sendfile",
    /* files, to look at: opening them is below */
    "fstat", "stat", "lstat", "newfstatat", "statx", "getdents64", "readlink",
    "readlinkat", "access", "faccessat", "faccessat2", "getcwd", "fstatfs",
    /* connections: making sockets is below, binding them is not there */
    "connect", "accept", "accept4", "shutdown", "socketpair", "getsockname",
    "getpeername", "getsockopt", "setsockopt", "sendto", "sendmsg", "sendmmsg",
    "recvfrom", "recvmsg", "recvmmsg",
    /* threads and locks */
    "futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "membarrier",
    "sched_yield", "setpriority", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "getcpu", "set_tid_address", "exit", "exit_group",
    /* signals, to oneself */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigpending",
    "sigaltstack", "restart_syscall",
    /* time */
    "nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday",
    "time", "times",
    /* memory: mmap and mprotect are below */
    "brk", "munmap", "mremap", "madvise", "mincore",
    /* who and where am I */
    "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getrusage",
    "getrlimit", "uname", "sysinfo", "getrandom"};

/* No program that serves calls these; whoever does is an intruder. */
static const char *const hostile[] = {"execve",
                                      "execveat",
                                      "ptrace",
                                      "process_vm_readv",
                                      "process_vm_writev",
                                      "process_madvise",
                                      "pidfd_getfd",
                                      "kcmp",
                                      "bpf",
                                      "perf_event_open",
                                      "userfaultfd",
                                      "init_module",
                                      "finit_module",
                                      "delete_module",
                                      "kexec_load",
                                      "kexec_file_load",
                                      "mount",
                                      "umount2",
                                      "move_mount",
                                      "fsopen",
                                      "fsmount",
                                      "open_tree",
                                      "pivot_root",
                                      "chroot",
                                      "setns",
                                      "unshare",
                                      "setuid",
                                      "setgid",
                                      "setreuid",
                                      "setregid",
                                      "setresuid",
                                      "setresgid",
                                      "setgroups",
                                      "capset",
                                      "reboot",
                                      "swapon",
                                      "swapoff",
                                      "settimeofday",
                                      "clock_settime",
                                      "io_uring_setup",
                                      "add_key",
                                      "request_key",
                                      "keyctl",
                                      "quotactl",
                                      "acct",
                                      "iopl",
                                      "ioperm",
                                      "vfork",
                                      "fork"};

/* A call allowed where one argument, under a mask, has a value. */
struct condition {
    const char *name;
    unsigned argument;
    uint64_t mask;
    uint64_t value;
};

enum { EVERY_BIT = -1, SOCKET_KIND = 0xf };
/* O_TMPFILE has O_DIRECTORY in it, and is useless without write access. */
enum { WRITING = O_ACCMODE | O_CREAT | O_TRUNC };

static const struct condition conditions[] = {
    {"open", 1, WRITING, O_RDONLY},
    {"openat", 2, WRITING, O_RDONLY},
    {"mmap", 2, PROT_EXEC, 0},
    {"mprotect", 2, PROT_EXEC, 0},
    {"clone", 0, CLONE_THREAD, CLONE_THREAD},
    {"prlimit64", 2, (uint64_t)EVERY_BIT, 0}, /* to ask, not to set */
    {"prctl", 0, (uint64_t)EVERY_BIT, PR_SET_NAME},
    {"prctl", 0, (uint64_t)EVERY_BIT, PR_GET_NAME},
    {"ioctl", 1, UINT32_MAX, FIONREAD},
    {"ioctl", 1, UINT32_MAX, FIONBIO},
    {"ioctl", 1, UINT32_MAX, SIOCOUTQ}, /* has the client read its reply? */
    {"ioctl", 1, UINT32_MAX, TCGETS},   /* isatty */
};

enum {
    HARMLESS_COUNT = sizeof harmless / sizeof *harmless,
    HOSTILE_COUNT = sizeof hostile / sizeof *hostile,
    CONDITION_COUNT = sizeof conditions / sizeof *conditions,
};

/* 0 for a name that means nothing here: then there is nothing to allow or to forbid. */
static int add(scmp_filter_ctx filter, uint32_t action, const char *name,
               const struct scmp_arg_cmp *arguments, unsigned count)
{
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || number < 0)
        return 0;
    return seccomp_rule_add_array(filter, action, number, count, arguments);
}

static struct scmp_arg_cmp masked(unsigned argument, uint64_t mask, uint64_t value)
{
    return (struct scmp_arg_cmp){
        .arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

/* TCP and UDP. A unix socket would lead to the machine's other services, a packet or raw
 * one to the wire; AF_NETLINK is used at start only, and glibc does without. */
static int add_sockets(scmp_filter_ctx filter)
{
    static const int families[] = {AF_INET, AF_INET6};
    static const int kinds[] = {SOCK_STREAM, SOCK_DGRAM};
    int failure = 0;
    for (size_t i = 0; i < 4 && failure == 0; i++) {
        const struct scmp_arg_cmp arguments[] = {
            masked(0, UINT32_MAX, (uint64_t)families[i % 2]),
            masked(1, SOCKET_KIND, (uint64_t)kinds[i / 2]),
        };
        failure = add(filter, SCMP_ACT_ALLOW, "socket", arguments, 2);
    }
    return failure;
}

/* abort() signals its own thread; no other process is signalled. */
static int add_abort(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp self = masked(0, UINT32_MAX, (uint64_t)getpid());
    return add(filter, SCMP_ACT_ALLOW, "tgkill", &self, 1);
}

static int add_all(scmp_filter_ctx filter, bool may_remove)
{
    int failure = 0;
    for (size_t i = 0; i < HARMLESS_COUNT && failure == 0; i++)
        failure = add(filter, SCMP_ACT_ALLOW, harmless[i], NULL, 0);
    for (size_t i = 0; i < HOSTILE_COUNT && failure == 0; i++)
        failure = add(filter, SCMP_ACT_KILL_PROCESS, hostile[i], NULL, 0);
    for (size_t i = 0; i < CONDITION_COUNT && failure == 0; i++) {
        const struct condition *condition = &conditions[i];
        const struct scmp_arg_cmp argument =
            masked(condition->argument, condition->mask, condition->value);
        failure = add(filter, SCMP_ACT_ALLOW, condition->name, &argument, 1);
    }
    if (failure == 0)
        failure = add_sockets(filter);
    if (failure == 0)
        failure = add_abort(filter);
    /* glibc then takes the calls whose flags can be seen: clone, openat. */
    if (failure == 0)
        failure = add(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", NULL, 0);
    if (failure == 0)
        failure = add(filter, SCMP_ACT_ERRNO(ENOSYS), "openat2", NULL, 0);
    if (failure == 0 && may_remove)
        failure = add(filter, SCMP_ACT_ALLOW, "unlink", NULL, 0);
    if (failure == 0 && may_remove)
        failure = add(filter, SCMP_ACT_ALLOW, "unlinkat", NULL, 0);
    return failure;
}

bool sandbox_calls_restrict(bool may_remove, struct error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return error_set(err, ERROR_SYSTEM, "process.sandbox: libseccomp has no memory");
    /* A foreign ABI's calls (32-bit code in a 64-bit process) end it as well. */
    int failure =
        seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (failure == 0)
        failure = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (failure == 0)
        failure = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (failure == 0)
        failure = add_all(filter, may_remove);
    if (failure == 0)
        failure = seccomp_load(filter);
    seccomp_release(filter);
    if (failure != 0)
        return error_set_errno(err, -failure,
                               "process.sandbox: system calls cannot be filtered here "
                               "(seccomp); allow it, or write process.sandbox: off");
    return true;
}
