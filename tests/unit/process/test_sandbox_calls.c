/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox_calls.h: programs, processes, sockets, memory, limits. */
#include "sandbox_fixture.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

TestSuite(sandbox_calls, .init = make_folders, .fini = remove_folders);

/* ---------------------------------------------------------- programs and processes */

static int start_program(void)
{
    char *const arguments[] = {(char *)"/bin/true", NULL};
    return outcome(execv("/bin/true", arguments) == 0);
}

Test(sandbox_calls, starting_a_program_ends_the_process)
{
    cr_assert(eq(int, try_inside(start_program), KILLED + SIGSYS));
}

/* Calls with arguments that would fail anyway, were they let through. */
static int hostile_number;

static int call_hostile(void)
{
    return outcome(syscall(hostile_number, -1, NULL, 0, NULL, 0) == 0);
}

Test(sandbox_calls, what_only_an_intruder_asks_for_ends_the_process)
{
    static const int numbers[] = {
        SYS_execveat,   SYS_ptrace,          SYS_process_vm_readv, SYS_process_vm_writev,
        SYS_bpf,        SYS_perf_event_open, SYS_init_module,      SYS_finit_module,
        SYS_kexec_load, SYS_mount,           SYS_umount2,          SYS_pivot_root,
        SYS_chroot,     SYS_setns,           SYS_unshare,          SYS_setuid,
        SYS_setresuid,  SYS_capset,          SYS_io_uring_setup,   SYS_add_key,
        SYS_keyctl,     SYS_userfaultfd,     SYS_clock_settime,    SYS_reboot};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        hostile_number = numbers[i];
        int end = try_inside(call_hostile);
        cr_assert(end == KILLED + SIGSYS, "call %d ended with %d", numbers[i], end);
    }
}

Test(sandbox_calls, no_process_is_made)
{
    cr_assert(eq(int, try_inside(make_process), EPERM));
}

static void *note(void *noted)
{
    *(bool *)noted = true;
    return NULL;
}

static int make_thread(void)
{
    pthread_t thread;
    bool noted = false;
    int failure = pthread_create(&thread, NULL, note, &noted);
    if (failure == 0)
        pthread_join(thread, NULL);
    return noted ? 0 : failure;
}

Test(sandbox_calls, threads_are_made_as_before)
{
    cr_assert(eq(int, try_inside(make_thread), 0));
}

static int signal_parent(void)
{
    return outcome(kill(getppid(), 0) == 0);
}

Test(sandbox_calls, other_processes_are_not_signalled)
{
    cr_assert(eq(int, try_inside(signal_parent), EPERM));
}

static int abort_self(void)
{
    abort();
}

Test(sandbox_calls, a_failed_assertion_still_aborts)
{
    cr_assert(eq(int, try_inside(abort_self), KILLED + SIGABRT));
}

/* A thread that is there before the sandbox is in it too. */
static pthread_barrier_t barrier;

static void *wait_and_fork(void *ret_outcome)
{
    pthread_barrier_wait(&barrier);
    *(int *)ret_outcome = make_process();
    return NULL;
}

static void try_in_older_thread(void)
{
    pthread_t thread;
    int ended = 0;
    struct sandbox_report report;
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&thread, NULL, wait_and_fork, &ended) != 0 ||
        !enter(&report, false) || report.free_threads != 1)
        _exit(NOT_ENTERED);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    _exit(ended);
}

Test(sandbox_calls, threads_that_were_there_before_are_bound_too)
{
    pid_t child = fork();
    if (child == 0)
        try_in_older_thread();
    cr_assert(eq(int, end_of(child), EPERM));
}

/* ------------------------------------------------------------------------- network */

static int socket_family, socket_kind;

static int make_socket(void)
{
    return outcome(socket(socket_family, socket_kind, 0) >= 0);
}

static int try_socket(int family, int kind)
{
    socket_family = family;
    socket_kind = kind;
    return try_inside(make_socket);
}

Test(sandbox_calls, sockets_are_tcp_or_udp)
{
    static const int refused[] = {AF_UNIX,  AF_NETLINK, AF_PACKET,
                                  AF_VSOCK, AF_ALG,     AF_BLUETOOTH};
    cr_assert(
        eq(int, try_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK), 0));
    cr_assert(eq(int, try_socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC), 0));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_assert(eq(int, try_socket(refused[i], SOCK_DGRAM), EPERM));
    cr_assert(eq(int, try_socket(AF_INET, SOCK_RAW), EPERM));
    cr_assert(eq(int, try_socket(AF_INET6, SOCK_RAW), EPERM));
}

static int bind_socket(void)
{
    const struct sockaddr_in name = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return outcome(fd >= 0 && bind(fd, (const struct sockaddr *)&name, sizeof name) == 0);
}

static int listen_unbound(void)
{
    return outcome(listen(socket(AF_INET, SOCK_STREAM, 0), 1) == 0);
}

/* How far a client on a unix socket has read its reply: without it a slow reader would be
 * taken for one that stalls (http/client.c). */
static int ask_what_is_unread(void)
{
    int ends[2];
    int unread = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || write(ends[0], "x", 1) != 1)
        return errno;
    bool is_told = ioctl(ends[0], SIOCOUTQ, &unread) == 0;
    return outcome(is_told && unread > 0);
}

Test(sandbox_calls, what_a_client_has_not_read_can_be_asked)
{
    cr_assert(eq(int, try_inside(ask_what_is_unread), 0));
}

Test(sandbox_calls, no_listener_is_added)
{
    cr_assert(eq(int, try_inside(bind_socket), EPERM));
    cr_assert(eq(int, try_inside(listen_unbound), EPERM));
}

/* ------------------------------------------------------------------ memory, limits */

static int make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return outcome(page != MAP_FAILED);
}

static int make_executable(void)
{
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? NOT_ENTERED
                              : outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
}

Test(sandbox_calls, no_memory_becomes_code)
{
    cr_assert(eq(int, try_inside(make_code), EPERM));
    cr_assert(eq(int, try_inside(make_executable), EPERM));
}

static int lower_limit(void)
{
    const struct rlimit none = {0};
    return outcome(setrlimit(RLIMIT_CORE, &none) == 0);
}

static int ask_limit(void)
{
    struct rlimit limit;
    return outcome(getrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static int be_dumpable(void)
{
    return outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
}

Test(sandbox_calls, limits_and_the_ban_on_core_dumps_are_there_to_stay)
{
    cr_assert(eq(int, try_inside(ask_limit), 0));
    cr_assert(eq(int, try_inside(lower_limit), EPERM));
    cr_assert(eq(int, try_inside(be_dumpable), EPERM));
}
