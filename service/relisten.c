/* SPDX-License-Identifier: Apache-2.0 */
/* An address is compared as it is written: "localhost:80" is another one than
 * "127.0.0.1:80". Called by reload.c. */
#include "relisten.h"

#include <stddef.h>
#include <string.h>

static bool has(const struct config_strings *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0)
            return true;
    }
    return false;
}

static const struct config_strings *addresses_of(const struct config *config,
                                                 enum front_role role)
{
    return role == FRONT_OPS ? &config->ops.listen : &config->server.listen;
}

static enum front_role other(enum front_role role)
{
    return role == FRONT_OPS ? FRONT_MAIN : FRONT_OPS;
}

/* It is in the list of `role` before and only in the other one after. */
static bool moves_from(const struct relisten *relisten, const char *address,
                       enum front_role role)
{
    return has(addresses_of(relisten->before, role), address) &&
           !has(addresses_of(relisten->before, other(role)), address) &&
           !has(addresses_of(relisten->after, role), address) &&
           has(addresses_of(relisten->after, other(role)), address);
}

static bool stays_or_moves(const struct relisten *relisten, const char *address,
                           enum front_role role)
{
    return has(addresses_of(relisten->after, role), address) ||
           moves_from(relisten, address, role);
}

/* Whether it was there, or is about to come from the other list. */
static bool is_there(const struct relisten *relisten, const char *address,
                     enum front_role role)
{
    return has(addresses_of(relisten->before, role), address) ||
           moves_from(relisten, address, other(role));
}

/* ----------------------------------------------------------------------------- ready */

static bool open_one(const struct relisten *relisten, const char *address,
                     enum front_role role, struct error *err)
{
    if (strncmp(address, "fd:", 3) == 0)
        return error_set(err, ERROR_INVALID,
                         "%s: sockets of a service manager are taken at the start; "
                         "restart",
                         address);
    if (relisten->is_sandboxed)
        return error_set(err, ERROR_INVALID,
                         "%s: in its sandbox (process.sandbox: on) a running process "
                         "opens no listener; restart",
                         address);
    return listener_open(relisten->listener, address, role, err);
}

/* *ret_count: how many were opened. */
static bool open_all(const struct relisten *relisten, size_t *ret_count,
                     struct error *err)
{
    *ret_count = 0;
    for (enum front_role role = FRONT_MAIN; role <= FRONT_OPS; role++) {
        const struct config_strings *list = addresses_of(relisten->after, role);
        for (size_t i = 0; i < list->count; i++) {
            if (is_there(relisten, list->items[i], role))
                continue;
            if (!open_one(relisten, list->items[i], role, err))
                return false;
            ++*ret_count;
        }
    }
    return true;
}

static void disown_those_that_go(const struct relisten *relisten, bool is_disowned)
{
    for (enum front_role role = FRONT_MAIN; role <= FRONT_OPS; role++) {
        const struct config_strings *list = addresses_of(relisten->before, role);
        for (size_t i = 0; i < list->count; i++) {
            if (!stays_or_moves(relisten, list->items[i], role))
                listener_disown(relisten->listener, list->items[i], role, is_disowned);
        }
    }
}

static void close_those_that_came(const struct relisten *relisten)
{
    for (enum front_role role = FRONT_MAIN; role <= FRONT_OPS; role++) {
        const struct config_strings *list = addresses_of(relisten->after, role);
        for (size_t i = 0; i < list->count; i++) {
            if (!is_there(relisten, list->items[i], role))
                listener_close_address(relisten->listener, list->items[i], role);
        }
    }
}

bool relisten_ready(const struct relisten *relisten, struct snapshot *next,
                    const struct snapshot *current, struct error *err)
{
    size_t opened;
    disown_those_that_go(relisten, true);
    /* While none came what was known of wildcards is taken over: in the sandbox the
     * machine's addresses cannot be asked for. */
    if (open_all(relisten, &opened, err) &&
        listener_refuse_own(relisten->listener, next, opened > 0 ? NULL : current, err))
        return true;
    close_those_that_came(relisten);
    disown_those_that_go(relisten, false);
    return false;
}

/* ---------------------------------------------------------------------- close, start */

void relisten_close(const struct relisten *relisten)
{
    for (enum front_role role = FRONT_MAIN; role <= FRONT_OPS; role++) {
        const struct config_strings *list = addresses_of(relisten->before, role);
        for (size_t i = 0; i < list->count; i++) {
            if (!stays_or_moves(relisten, list->items[i], role))
                listener_close_address(relisten->listener, list->items[i], role);
        }
    }
}

bool relisten_start(const struct relisten *relisten, struct error *err)
{
    for (enum front_role role = FRONT_MAIN; role <= FRONT_OPS; role++) {
        const struct config_strings *list = addresses_of(relisten->before, role);
        for (size_t i = 0; i < list->count; i++) {
            if (moves_from(relisten, list->items[i], role))
                listener_move(relisten->listener, list->items[i], role, other(role));
        }
    }
    return listener_start(relisten->listener, err);
}
