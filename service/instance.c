/* SPDX-License-Identifier: Apache-2.0 */
/* From an option of the command line to a URL. Called by commands.c and command_top.c. */
#include "instance.h"

#include <stdio.h>
#include <string.h>

static const char default_config[] = "/etc/gatherd/gatherd.yaml";

/* The URL that reaches a listener of this host: any-address becomes loopback. */
static void write_url(struct instance *instance, bool is_tls, const char *path)
{
    char *url = instance->url;
    size_t size = sizeof instance->url;
    const char *address = instance->address;
    const char *colon = strrchr(address, ':');
    const char *port = colon ? colon + 1 : "80";
    const char *scheme = is_tls ? "https" : "http";
    if (strncmp(address, "0.0.0.0:", 8) == 0)
        snprintf(url, size, "%s://127.0.0.1:%s%s", scheme, port, path);
    else if (strncmp(address, "[::]:", 5) == 0)
        snprintf(url, size, "%s://[::1]:%s%s", scheme, port, path);
    else if (strncmp(address, "unix:", 5) == 0)
        snprintf(url, size, "%s://localhost%s", scheme, path);
    else
        snprintf(url, size, "%s://%s%s", scheme, address, path);
}

static bool read_config(const struct arguments *arguments, struct instance *instance,
                        bool *ret_is_tls)
{
    const char *file = command_line_value(arguments, FLAG_CONFIG);
    struct config *config = command_load(file ? file : default_config, arguments);
    if (!config)
        return false;
    const struct config_strings *addresses =
        config->ops.listen.count ? &config->ops.listen : &config->server.listen;
    snprintf(instance->address, sizeof instance->address, "%s", addresses->items[0]);
    *ret_is_tls = *config->server.tls_certificate && config->ops.listen.count == 0;
    config_free(config);
    return true;
}

bool instance_find(const struct arguments *arguments, const char *command,
                   const char *path, struct instance *ret_instance)
{
    const char *listen = command_line_value(arguments, FLAG_LISTEN);
    bool is_tls = false;
    if (listen)
        snprintf(ret_instance->address, sizeof ret_instance->address, "%s", listen);
    else if (!read_config(arguments, ret_instance, &is_tls))
        return false;
    const char *address = ret_instance->address;
    if (strncmp(address, "fd:", 3) == 0) {
        fprintf(stderr,
                "gatherd %s: %s is a socket handed over, its address is not known here; "
                "say where to ask: --listen HOST:PORT\n",
                command, address);
        return false;
    }
    ret_instance->unix_path = strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
    write_url(ret_instance, is_tls, path);
    return true;
}
