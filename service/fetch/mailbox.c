/* SPDX-License-Identifier: Apache-2.0 */
/* A list node is used by one thread, or under the lock of the box it lies in. Called by
 * handover*.c. */
#include "fetch/mailbox.h"

#include "base/bell.h"

#include <errno.h>
#include <unistd.h>

static void on_bell(struct watch *watch, uint32_t ready)
{
    (void)watch; /* edge-triggered: nothing to be read; the mail is, in the turn */
    (void)ready;
}

static void make_empty(struct mail *mail)
{
    for (unsigned i = 0; i < MAIL_KINDS; i++)
        list_init(&mail->letters[i]);
}

bool mailbox_open(struct mailbox *box, struct loop *loop, struct error *err)
{
    pthread_mutex_init(&box->lock, NULL);
    make_empty(&box->mail);
    box->bell.on_ready = on_bell;
    box->bell_fd = bell_new();
    if (box->bell_fd < 0)
        return error_set_errno(err, errno, "cannot make a fetcher's mailbox");
    return loop_watch(loop, &box->bell, box->bell_fd, EPOLLIN | EPOLLET) ||
           error_set_errno(err, errno, "cannot watch a fetcher's mailbox");
}

void mailbox_done(struct mailbox *box)
{
    if (box->bell_fd >= 0)
        close(box->bell_fd);
    pthread_mutex_destroy(&box->lock);
}

bool mailbox_post(struct mailbox *box, enum mail_kind kind, struct list *letter)
{
    pthread_mutex_lock(&box->lock);
    bool is_taken = !box->is_closed;
    bool must_ring = is_taken && !box->has_mail;
    if (is_taken) {
        list_push_back(&box->mail.letters[kind], letter);
        box->has_mail = true;
    }
    pthread_mutex_unlock(&box->lock);
    if (must_ring)
        bell_ring(box->bell_fd);
    return is_taken;
}

bool mailbox_take(struct mailbox *box, struct mail *ret_mail)
{
    if (!box->has_mail)
        return false;
    make_empty(ret_mail);
    pthread_mutex_lock(&box->lock);
    for (unsigned i = 0; i < MAIL_KINDS; i++)
        list_move_all(&box->mail.letters[i], &ret_mail->letters[i]);
    box->has_mail = false;
    pthread_mutex_unlock(&box->lock);
    return true;
}

void mailbox_close(struct mailbox *box, struct loop *loop, struct mail *ret_mail)
{
    loop_unwatch(loop, &box->bell);
    make_empty(ret_mail);
    pthread_mutex_lock(&box->lock);
    box->is_closed = true;
    for (unsigned i = 0; i < MAIL_KINDS; i++)
        list_move_all(&box->mail.letters[i], &ret_mail->letters[i]);
    pthread_mutex_unlock(&box->lock);
}
