/* SPDX-License-Identifier: Apache-2.0 */
/* handover_socket.h: what one process sends the other one gets, and nonsense is refused
 * without a descriptor left open. */
#include "handover_socket.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int pair[2];
static struct socket_offers sent, received;
static struct error err;

static void connect_both(void)
{
    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0));
}

static size_t open_count(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void offer(enum socket_offer_kind kind, const char *label, bool is_borrowed)
{
    cr_assert(
        socket_offers_add(&sent, kind, label, open("/dev/null", O_RDONLY), is_borrowed));
}

Test(handover_socket, the_list_arrives_with_its_descriptors)
{
    connect_both();
    offer(OFFER_MAIN, "127.0.0.1:80", false);
    offer(OFFER_OPS, "unix:/with a space\nand a line", true);
    offer(OFFER_HANDOVER, "", false);
    cr_assert(handover_send_offers(pair[0], &sent, &err), "%s", err.text);
    cr_assert(handover_receive_offers(pair[1], &received, &err), "%s", err.text);
    cr_assert(eq(sz, received.count, 3));
    for (size_t i = 0; i < 3; i++) {
        cr_assert(eq(int, received.items[i].kind, sent.items[i].kind));
        cr_assert(eq(str, received.items[i].label, sent.items[i].label));
        cr_assert(eq(int, received.items[i].is_borrowed, sent.items[i].is_borrowed));
        cr_assert(ne(int, received.items[i].fd, sent.items[i].fd));
        cr_assert(eq(int, fcntl(received.items[i].fd, F_GETFD), FD_CLOEXEC));
    }
}

Test(handover_socket, as_many_as_there_can_be_arrive)
{
    connect_both();
    char label[SOCKET_LABEL_MAX];
    memset(label, 'a', sizeof label - 1);
    label[sizeof label - 1] = '\0';
    for (int i = 0; i < SOCKET_OFFERS_MAX; i++)
        offer(OFFER_MAIN, label, false);
    cr_assert(handover_send_offers(pair[0], &sent, &err), "%s", err.text);
    cr_assert(handover_receive_offers(pair[1], &received, &err), "%s", err.text);
    cr_assert(eq(sz, received.count, SOCKET_OFFERS_MAX));
}

static void send_raw(const char *text, size_t len, size_t count)
{
    int fds[4] = {STDERR_FILENO, STDERR_FILENO, STDERR_FILENO, STDERR_FILENO};
    char room[CMSG_SPACE(sizeof fds)] __attribute__((aligned(8))) = {0};
    struct iovec piece = {.iov_base = (char *)(uintptr_t)text, .iov_len = len};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = count ? room : NULL,
                             .msg_controllen =
                                 count ? CMSG_SPACE(count * sizeof(int)) : 0};
    if (count) {
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    }
    cr_assert(gt(int, (int)sendmsg(pair[0], &message, 0), 0));
}

Test(handover_socket, what_is_no_list_is_refused_and_nothing_stays_open)
{
    static const struct {
        const char *text;
        size_t len;
        size_t fds;
    } wrong[] = {
        {"gatherd 2\0m0a", 14, 1},         /* another version */
        {"gatherd 1", 9, 0},               /* no zero */
        {"GET / HTTP/1.1\r\n\r\n", 18, 0}, /* another protocol */
        {"gatherd 1\0m0a", 14, 0},         /* more entries than descriptors */
        {"gatherd 1\0m0a", 14, 2},         /* fewer */
        {"gatherd 1\0m0a", 13, 1},         /* an entry without an end */
        {"gatherd 1\0x0a", 14, 1},         /* a kind there is not */
        {"gatherd 1\0n0a", 14, 1},         /* and one that is never sent */
        {"gatherd 1\0m", 12, 1},           /* an entry without a label */
        {"gatherd 1\0", 10, 3},
    };
    connect_both();
    size_t before = open_count();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        send_raw(wrong[i].text, wrong[i].len, wrong[i].fds);
        cr_assert(not(handover_receive_offers(pair[1], &received, &err)), "%zu", i);
        (void)socket_offers_close(&received);
        cr_assert(eq(sz, open_count(), before), "%zu", i);
    }
}

Test(handover_socket, somebody_who_hangs_up_gives_nothing)
{
    connect_both();
    close(pair[0]);
    cr_assert(not(handover_receive_offers(pair[1], &received, &err)));
    cr_assert(ne(ptr, strstr(err.text, "gives nothing"), NULL), "%s", err.text);
    cr_assert(not(handover_send_offers(pair[1], &sent, &err)));
}

Test(handover_socket, the_answer_says_which_were_taken)
{
    for (int i = 0; i < 3; i++)
        cr_assert(socket_offers_add(&sent, OFFER_MAIN, "a", 10 + i, false));
    received = sent;
    received.items[0].fd = received.items[2].fd = -1; /* taken */
    char text[HANDOVER_READY_MAX];
    handover_write_ready(&received, 3, text);
    cr_assert(eq(str, text, "ready 101"));
    cr_assert(not(handover_read_ready(text, 8, &sent)));
    cr_assert(not(handover_read_ready("steady101", 9, &sent)));
    cr_assert(handover_read_ready(text, 9, &sent));
    cr_assert(eq(int, sent.items[0].fd, 10));
    cr_assert(eq(int, sent.items[1].fd, -1));
    cr_assert(eq(int, sent.items[2].fd, 12));
}

static char folder[32];
static char path[64];

static void make_folder(void)
{
    strcpy(folder, "/tmp/handover-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
}

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

Test(handover_socket, only_its_owner_can_connect, .init = make_folder,
     .fini = remove_folder)
{
    int door, fd;
    cr_assert(handover_listen(path, &door, &err), "%s", err.text);
    struct stat status;
    cr_assert(eq(int, stat(path, &status), 0));
    cr_assert(eq(int, (int)(status.st_mode & 0777), 0600));
    cr_assert(handover_connect(path, &fd, &err), "%s", err.text);
    cr_assert(ge(int, fd, 0));
    pid_t pid;
    cr_assert(handover_peer(fd, &pid, &err), "%s", err.text);
    cr_assert(eq(int, (int)pid, (int)getpid()));
    close(fd);
    close(door);
}

Test(handover_socket, nobody_there_is_no_fault_and_a_stale_file_is_replaced,
     .init = make_folder, .fini = remove_folder)
{
    int fd, door;
    cr_assert(handover_connect(path, &fd, &err));
    cr_assert(eq(int, fd, -1));
    cr_assert(handover_listen(path, &door, &err), "%s", err.text);
    int second;
    cr_assert(not(handover_listen(path, &second, &err)), "a live one is not replaced");
    close(door);
    cr_assert(handover_connect(path, &fd, &err));
    cr_assert(eq(int, fd, -1));
    cr_assert(handover_listen(path, &door, &err), "%s", err.text);
    close(door);
}

Test(handover_socket, other_files_stay_where_they_are, .init = make_folder,
     .fini = remove_folder)
{
    close(open(path, O_CREAT | O_WRONLY, 0600));
    int fd;
    cr_assert(not(handover_listen(path, &fd, &err)));
    cr_assert(eq(int, access(path, F_OK), 0));
    char lengthy[200];
    memset(lengthy, 'a', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = '\0';
    cr_assert(not(handover_listen(lengthy, &fd, &err)));
    cr_assert(not(handover_connect(lengthy, &fd, &err)));
}
