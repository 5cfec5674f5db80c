/* SPDX-License-Identifier: Apache-2.0 */
/* A list that is searched a few times while starting. Opens nothing; only what nobody
 * wants is closed. Called by serve.c and listener.c. */
#include "socket_offers.h"

#include "listen_address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_FD = 3 /* SD_LISTEN_FDS_START */ };

bool socket_offers_add(struct socket_offers *offers, enum socket_offer_kind kind,
                       const char *label, int fd, bool is_borrowed)
{
    if (offers->count == SOCKET_OFFERS_MAX || strlen(label) >= SOCKET_LABEL_MAX)
        return false;
    struct socket_offer *offer = &offers->items[offers->count++];
    offer->fd = fd;
    offer->kind = kind;
    offer->is_borrowed = is_borrowed;
    snprintf(offer->label, sizeof offer->label, "%s", label);
    return true;
}

/* ---------------------------------------------------------------- a manager's sockets */

/* The variable as a number; -1: it is none. */
static long number_in(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    if (!text || !*text)
        return -1;
    errno = 0;
    long number = strtol(text, &end, 10);
    return *end || errno || number < 0 ? -1 : number;
}

/* The next of the names, which are separated by colons; "" when there are no more. */
static void next_name(const char **names, char *name, size_t size)
{
    size_t len = strcspn(*names, ":");
    snprintf(name, size, "%.*s", (int)len, *names);
    *names += len + ((*names)[len] == ':');
}

bool socket_offers_from_manager(struct socket_offers *offers, struct error *err)
{
    if (number_in("LISTEN_PID") != getpid())
        return true;
    long count = number_in("LISTEN_FDS");
    if (count <= 0)
        return true;
    if (count > SOCKET_OFFERS_MAX)
        return error_set(err, ERROR_INVALID, "LISTEN_FDS: %ld sockets, %d are the most",
                         count, SOCKET_OFFERS_MAX);
    const char *names = getenv("LISTEN_FDNAMES");
    if (!names)
        names = "";
    for (int fd = FIRST_FD; fd < FIRST_FD + count; fd++) {
        char name[SOCKET_LABEL_MAX];
        next_name(&names, name, sizeof name);
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
            !socket_offers_add(offers, OFFER_NAMED, name, fd, true))
            return error_set(err, ERROR_INVALID,
                             "LISTEN_FDS says %ld, but descriptor %d is not open", count,
                             fd);
    }
    return true;
}

/* --------------------------------------------------------------------------- taking */

static bool is_named_for(const struct socket_offer *offer, const char *address)
{
    if (strncmp(address, "fd:", 3) == 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", offer->fd);
        return strcmp(address + 3, offer->label) == 0 || strcmp(address + 3, number) == 0;
    }
    char bound[LISTEN_ADDRESS_TEXT];
    listen_address_text(offer->fd, bound, sizeof bound);
    return strcmp(address, bound) == 0;
}

static bool is_for(const struct socket_offer *offer, enum front_role role,
                   const char *address)
{
    switch (offer->kind) {
    case OFFER_NAMED:
        return is_named_for(offer, address);
    case OFFER_MAIN:
        return role == FRONT_MAIN && strcmp(address, offer->label) == 0;
    case OFFER_OPS:
        return role == FRONT_OPS && strcmp(address, offer->label) == 0;
    case OFFER_HANDOVER:
        break;
    }
    return false;
}

bool socket_offers_take(struct socket_offers *offers, enum front_role role,
                        const char *address, struct socket_offer *ret_offer)
{
    for (size_t i = 0; i < offers->count; i++) {
        struct socket_offer *offer = &offers->items[i];
        if (offer->fd >= 0 && is_for(offer, role, address)) {
            *ret_offer = *offer;
            offer->fd = -1;
            return true;
        }
    }
    return false;
}

int socket_offers_take_handover(struct socket_offers *offers)
{
    for (size_t i = 0; i < offers->count; i++) {
        struct socket_offer *offer = &offers->items[i];
        if (offer->fd >= 0 && offer->kind == OFFER_HANDOVER) {
            int fd = offer->fd;
            offer->fd = -1;
            return fd;
        }
    }
    return -1;
}

size_t socket_offers_close(struct socket_offers *offers)
{
    size_t unused = 0;
    for (size_t i = 0; i < offers->count; i++) {
        struct socket_offer *offer = &offers->items[i];
        if (offer->fd < 0)
            continue;
        close(offer->fd);
        unused += offer->kind == OFFER_NAMED;
    }
    offers->count = 0;
    return unused;
}
