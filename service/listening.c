/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which the sockets' sources are asked. Called by serve.c. */
#include "listening.h"

#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void listening_init(struct listening *listening, struct listener *listener)
{
    *listening = (struct listening){
        .listener = listener, .successor = {.fd = -1}, .handover_fd = -1};
}

static bool open_addresses(struct listener *listener, const struct config_strings *list,
                           enum front_role role, struct error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!listener_open(listener, list->items[i], role, err))
            return false;
    }
    return true;
}

/* The one for the next process is handed on like the others, so that its file is always
 * there: in the sandbox none can be bound. */
static bool open_handover(struct listening *listening, const char *address,
                          struct socket_offers *offers, struct error *err)
{
    if (!*address)
        return true;
    listening->handover_fd = socket_offers_take_handover(offers);
    return listening->handover_fd >= 0 ||
           handover_listen(address + strlen("unix:"), &listening->handover_fd, err);
}

static bool open_all(struct listening *listening, const struct config *config,
                     struct socket_offers *offers, struct error *err)
{
    bool is_open =
        successor_ask(&listening->successor, config->server.handover, offers, err) &&
        socket_offers_from_manager(offers, err);
    listener_use(listening->listener, offers);
    is_open =
        is_open &&
        open_addresses(listening->listener, &config->server.listen, FRONT_MAIN, err) &&
        open_addresses(listening->listener, &config->ops.listen, FRONT_OPS, err);
    listener_use(listening->listener, NULL);
    return is_open && open_handover(listening, config->server.handover, offers, err);
}

bool listening_open(struct listening *listening, const struct config *config,
                    struct error *err)
{
    struct socket_offers *offers = memory_new(sizeof *offers);
    bool is_open = open_all(listening, config, offers, err);
    successor_note(&listening->successor, offers);
    if (socket_offers_close(offers) > 0)
        log_message(LOG_WARNING, "sockets_unused",
                    "the service manager handed over sockets that neither server.listen "
                    "nor ops.listen names (fd:NAME): whoever connects there waits for "
                    "nobody; closed");
    free(offers);
    return is_open;
}

bool listening_start(struct listening *listening, const struct listening_setup *setup,
                     struct error *err)
{
    if (!successor_finish(&listening->successor, err))
        return false;
    successor_done(&listening->successor);
    listener_keep(listening->listener);
    if (listening->handover_fd >= 0) {
        const struct predecessor_setup predecessor = {
            .loop = setup->loop,
            .listener = listening->listener,
            .address = setup->config->server.handover,
            .fd = listening->handover_fd,
            .on_taken = setup->on_taken,
            .context = setup->context,
        };
        listening->handover_fd = -1;
        struct error handover_err;
        listening->predecessor = predecessor_start(&predecessor, &handover_err);
        if (!listening->predecessor) /* it can serve, only not be followed */
            log_message(LOG_ERROR, "handover_failed", handover_err.text);
    }
    return listener_start(listening->listener, err);
}

void listening_end(struct listening *listening)
{
    successor_done(&listening->successor);
    predecessor_end(listening->predecessor);
    listening->predecessor = NULL;
    if (listening->handover_fd >= 0)
        close(listening->handover_fd);
    listening->handover_fd = -1;
}
