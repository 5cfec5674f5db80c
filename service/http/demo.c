/* SPDX-License-Identifier: Apache-2.0 */
/* The demo upstream as a server: one thread, one loop, MHD's epoll set nested in it.
 * A delayed reply is a suspended connection and a timer, so thousands of them cost
 * neither threads nor sleeping. What is answered is in demo_routes.c. It is for trying
 * gatherd out: no TLS, no keys, loopback unless told otherwise. Called by the command
 * line. */
#include "http/demo.h"

#include "base/list.h"
#include "base/memory.h"
#include "http/demo_routes.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096, CONNECTIONS_MAX = 60000, IDLE_SECONDS = 75, HOST_SIZE = 256 };

struct demo {
    struct loop loop;
    struct MHD_Daemon *daemon;
    struct watch daemon_watch;
    struct watch signal_watch;
    struct list waiting; /* visits whose connection is suspended */
    int signal_fd;       /* -1: not open */
    bool is_stopping;
};

static void *begin_visit(void *context, const char *target,
                         struct MHD_Connection *connection)
{
    struct demo *demo = context;
    struct demo_visit *visit = memory_new(sizeof *visit);
    visit->loop = &demo->loop;
    visit->connection = connection;
    visit->all_waiting = &demo->waiting;
    visit->target = memory_copy_text(target);
    buffer_init(&visit->body, DEMO_BODY_MAX);
    return visit;
}

static void end_visit(void *context, struct MHD_Connection *connection, void **con_cls,
                      enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    struct demo_visit *visit = *con_cls;
    *con_cls = NULL;
    if (!visit)
        return;
    loop_timer_clear(visit->loop, &visit->timer);
    list_remove(&visit->waiting);
    buffer_done(&visit->body);
    free(visit->target);
    free(visit);
}

/* MHD calls this for the head, for each piece of the body, at its end, and after a
 * connection was resumed. */
static enum MHD_Result take_request(void *context, struct MHD_Connection *connection,
                                    const char *path, const char *method,
                                    const char *version, const char *upload,
                                    size_t *upload_size, void **con_cls)
{
    (void)context;
    (void)connection;
    (void)version;
    struct demo_visit *visit = *con_cls;
    if (!visit->has_begun) {
        visit->has_begun = true;
        visit->method = method;
        return MHD_YES;
    }
    if (*upload_size) {
        buffer_append(&visit->body, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    return demo_answer(visit, path);
}

static void on_daemon_ready(struct watch *watch, uint32_t ready)
{
    (void)watch;
    (void)ready; /* MHD runs in every turn */
}

static void on_signal(struct watch *watch, uint32_t ready)
{
    (void)ready;
    struct demo *demo = container_of(watch, struct demo, signal_watch);
    demo->is_stopping = true;
}

/* "host:port" and "[v6]:port" to a listening socket, or -1. */
static int open_listener(const char *listen_text, struct error *err)
{
    char host[HOST_SIZE];
    const char *colon = strrchr(listen_text, ':');
    if (!colon || colon == listen_text || colon - listen_text >= HOST_SIZE) {
        error_set(err, ERROR_INVALID, "%s: write host:port", listen_text);
        return -1;
    }
    bool is_bracketed = listen_text[0] == '[' && colon[-1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(colon - listen_text) - 2 * is_bracketed,
             listen_text + is_bracketed);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *info;
    int failure = getaddrinfo(host, colon + 1, &hints, &info);
    if (failure) {
        error_set(err, ERROR_INVALID, "%s: %s", listen_text, gai_strerror(failure));
        return -1;
    }
    int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, info->ai_addr, info->ai_addrlen) != 0 ||
        listen(fd, BACKLOG) != 0) {
        error_set_errno(err, errno, "%s: cannot listen", listen_text);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(info);
    return fd;
}

/* Says where it listens; scripts wait for this line. */
static void announce(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char host[NI_MAXHOST] = "?";
    char port[NI_MAXSERV] = "?";
    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        getnameinfo((struct sockaddr *)&address, len, host, sizeof host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    bool is_v6 = strchr(host, ':') != NULL;
    printf("demo upstream on http://%s%s%s:%s\n", is_v6 ? "[" : "", host,
           is_v6 ? "]" : "", port);
    fflush(stdout);
}

/* Thousands of delayed replies need as many descriptors. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static unsigned connection_limit(void)
{
    enum { OWN = 32 }; /* standard streams, epoll sets, listener */
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > CONNECTIONS_MAX + OWN)
        return CONNECTIONS_MAX;
    return limit.rlim_cur > 2 * OWN ? (unsigned)limit.rlim_cur - OWN : OWN;
}

static bool start_daemon(struct demo *demo, int listen_fd, struct error *err)
{
    demo->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, take_request, demo,
        MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_URI_LOG_CALLBACK, begin_visit,
        demo, MHD_OPTION_NOTIFY_COMPLETED, end_visit, demo, MHD_OPTION_CONNECTION_LIMIT,
        connection_limit(), MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_END);
    if (!demo->daemon) {
        close(listen_fd);
        return error_set(err, ERROR_SYSTEM, "libmicrohttpd refused to start");
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(demo->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    demo->daemon_watch.on_ready = on_daemon_ready;
    if (!info || !loop_watch(&demo->loop, &demo->daemon_watch, info->epoll_fd, EPOLLIN))
        return error_set_errno(err, errno, "cannot watch the daemon");
    return true;
}

static bool watch_signals(struct demo *demo, struct error *err)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    demo->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    demo->signal_watch.on_ready = on_signal;
    if (demo->signal_fd < 0 ||
        !loop_watch(&demo->loop, &demo->signal_watch, demo->signal_fd, EPOLLIN))
        return error_set_errno(err, errno, "cannot wait for signals");
    return true;
}

/* One turn: wait, let due replies go, let MHD work. */
static void turn(struct demo *demo)
{
    MHD_UNSIGNED_LONG_LONG timeout;
    int wait_ms = -1;
    if (MHD_get_timeout(demo->daemon, &timeout) == MHD_YES)
        wait_ms = timeout < INT_MAX ? (int)timeout : INT_MAX;
    loop_wait(&demo->loop, wait_ms);
    loop_run_due(&demo->loop);
    MHD_run(demo->daemon);
}

/* MHD must have no suspended connection when it stops. */
static void stop_daemon(struct demo *demo)
{
    struct list *node;
    while ((node = list_pop_front(&demo->waiting))) {
        struct demo_visit *visit = container_of(node, struct demo_visit, waiting);
        loop_timer_clear(&demo->loop, &visit->timer);
        MHD_resume_connection(visit->connection);
    }
    if (!demo->daemon)
        return;
    loop_unwatch(&demo->loop, &demo->daemon_watch);
    MHD_stop_daemon(demo->daemon);
}

bool demo_run(const char *listen, struct error *err)
{
    struct demo demo = {.signal_fd = -1};
    list_init(&demo.waiting);
    raise_descriptor_limit();
    int listen_fd = open_listener(listen, err);
    if (listen_fd < 0)
        return false;
    if (!loop_init(&demo.loop, err)) {
        close(listen_fd);
        return false;
    }
    bool is_up = start_daemon(&demo, listen_fd, err) && watch_signals(&demo, err);
    if (is_up)
        announce(listen_fd);
    while (is_up && !demo.is_stopping)
        turn(&demo);
    stop_daemon(&demo);
    loop_unwatch(&demo.loop, &demo.signal_watch);
    if (demo.signal_fd >= 0)
        close(demo.signal_fd);
    loop_done(&demo.loop);
    return is_up;
}
