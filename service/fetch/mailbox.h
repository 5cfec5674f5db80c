/* SPDX-License-Identifier: Apache-2.0 */
/* What other threads send to a worker: nodes of what they give away, put into its box
 * under a lock, and a bell that wakes its loop, rung once for all that it finds at its
 * next turn. Nothing is copied or allocated. For handover*.c. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/list.h"
#include "base/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum mail_kind {
    MAIL_PARCELS,  /* from homes: struct parcel.node, to be started */
    MAIL_REVOKED,  /* from homes: struct guest.revoke_node */
    MAIL_RETURNED, /* from hosts: struct guest.return_node */
    MAIL_KINDS,
};

struct mail {
    struct list letters[MAIL_KINDS];
};

struct mailbox {
    pthread_mutex_t lock;
    struct mail mail; /* under the lock, as the next */
    bool is_closed;   /* nobody will read it again */
    atomic_bool has_mail;
    int bell_fd;
    struct watch bell;
};

/* mailbox_open watches the bell in the loop of the worker whose box it is; fails when the
 * kernel has no descriptor left. mailbox_done, when no other thread knows it. */
bool mailbox_open(struct mailbox *box, struct loop *loop, struct error *err) MUST_CHECK;
void mailbox_done(struct mailbox *box);

/* mailbox_post gives `letter` away; false: the box is closed, it stays the poster's. Any
 * thread. */
bool mailbox_post(struct mailbox *box, enum mail_kind kind, struct list *letter);

/* The worker's own. mailbox_take moves all there is into `ret_mail`; false: nothing.
 * mailbox_close does so for the last time. */
bool mailbox_take(struct mailbox *box, struct mail *ret_mail);
void mailbox_close(struct mailbox *box, struct loop *loop, struct mail *ret_mail);
