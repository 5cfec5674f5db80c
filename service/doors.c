/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon of libmicrohttpd keeps for its life the TLS credentials and the memory per
 * connection it was started with, so a change of these is another front. Called by
 * worker_parts.c and worker_mail.c. */
#include "doors.h"

#include "base/memory.h"

#include <stdlib.h>

struct old_front {
    struct list node;
    struct front *front;
    enum front_role role;
};

static struct old_front *old_of(struct list *node)
{
    return container_of(node, struct old_front, node);
}

static struct front *make(const struct doors *doors, enum front_role role,
                          struct error *err)
{
    struct front_setup setup = doors->setup;
    setup.role = role;
    return front_new(&setup, err);
}

bool doors_open(struct doors *doors, const struct front_setup *setup, struct error *err)
{
    *doors = (struct doors){.setup = *setup};
    list_init(&doors->old);
    for (int role = 0; role < FRONT_ROLES; role++) {
        doors->fronts[role] = make(doors, (enum front_role)role, err);
        if (!doors->fronts[role])
            return false;
    }
    return true;
}

static void drop_old(struct old_front *old)
{
    list_remove(&old->node);
    front_free(old->front);
    free(old);
}

void doors_close(struct doors *doors)
{
    while (doors->old.next && !list_is_empty(&doors->old))
        drop_old(old_of(list_first(&doors->old)));
    for (int role = 0; role < FRONT_ROLES; role++)
        front_free(doors->fronts[role]);
}

static void retire(struct doors *doors, enum front_role role)
{
    struct old_front *old = memory_new(sizeof *old);
    old->front = doors->fronts[role];
    old->role = role;
    list_push_back(&doors->old, &old->node);
    front_leave(old->front);
}

static void put(struct doors *doors, enum front_role role, struct front *front)
{
    retire(doors, role);
    doors->fronts[role] = front;
    if (doors->is_leaving)
        front_leave(front);
    if (doors->is_draining && role == FRONT_MAIN)
        front_drain(front);
}

/* All or none: a worker whose one door follows and the other does not would answer by
 * two configurations. */
static bool renew(struct doors *doors, struct error *err)
{
    struct front *fresh[FRONT_ROLES];
    for (int role = 0; role < FRONT_ROLES; role++) {
        fresh[role] = make(doors, (enum front_role)role, err);
        if (fresh[role])
            continue;
        while (role > 0)
            front_free(fresh[--role]);
        return false;
    }
    for (int role = 0; role < FRONT_ROLES; role++)
        put(doors, (enum front_role)role, fresh[role]);
    return true;
}

bool doors_change(struct doors *doors, struct snapshot *snapshot, bool is_new,
                  struct error *err)
{
    doors->setup.snapshot = snapshot;
    doors->is_outdated = (is_new || doors->is_outdated) && !renew(doors, err);
    for (int role = 0; role < FRONT_ROLES; role++)
        front_adopt_snapshot(doors->fronts[role], snapshot);
    for (struct list *node = doors->old.next; node != &doors->old; node = node->next)
        front_adopt_snapshot(old_of(node)->front, snapshot);
    return !doors->is_outdated;
}

void doors_adopt(struct doors *doors, const struct front_arrival *arrival)
{
    front_adopt(doors->fronts[arrival->role], arrival);
}

void doors_turn(struct doors *doors)
{
    struct list *next;
    for (int role = 0; role < FRONT_ROLES; role++)
        front_turn(doors->fronts[role]);
    for (struct list *node = doors->old.next; node != &doors->old; node = next) {
        struct old_front *old = old_of(node);
        next = node->next;
        front_turn(old->front);
        if (!front_has_clients(old->front))
            drop_old(old);
    }
}

static int sooner(int wait, struct front *front)
{
    int own = front_wait_ms(front);
    return own >= 0 && (wait < 0 || own < wait) ? own : wait;
}

int doors_wait_ms(struct doors *doors)
{
    int wait = -1;
    for (int role = 0; role < FRONT_ROLES; role++)
        wait = sooner(wait, doors->fronts[role]);
    for (struct list *node = doors->old.next; node != &doors->old; node = node->next)
        wait = sooner(wait, old_of(node)->front);
    return wait;
}

void doors_leave(struct doors *doors)
{
    doors->is_leaving = true;
    for (int role = 0; role < FRONT_ROLES; role++)
        front_leave(doors->fronts[role]);
}

void doors_drain(struct doors *doors)
{
    doors->is_draining = true;
    front_drain(doors->fronts[FRONT_MAIN]);
    for (struct list *node = doors->old.next; node != &doors->old; node = node->next) {
        if (old_of(node)->role == FRONT_MAIN)
            front_drain(old_of(node)->front);
    }
}

void doors_end_batches(struct doors *doors)
{
    for (int role = 0; role < FRONT_ROLES; role++)
        front_end_batches(doors->fronts[role]);
    for (struct list *node = doors->old.next; node != &doors->old; node = node->next)
        front_end_batches(old_of(node)->front);
}

bool doors_have_clients(const struct doors *doors)
{
    bool have = !list_is_empty(&doors->old); /* they go when they have none */
    for (int role = 0; role < FRONT_ROLES; role++)
        have = have || front_has_clients(doors->fronts[role]);
    return have;
}

bool doors_is_idle(const struct doors *doors)
{
    bool is_idle = true;
    for (int role = 0; role < FRONT_ROLES; role++)
        is_idle = is_idle && front_is_idle(doors->fronts[role]);
    for (struct list *node = doors->old.next; node != &doors->old; node = node->next)
        is_idle = is_idle && front_is_idle(old_of(node)->front);
    return is_idle;
}
