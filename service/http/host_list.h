/* SPDX-License-Identifier: Apache-2.0 */
/* server.hosts: the names clients may call the service by. A web page whose name its
 * owner points to 127.0.0.1 ("DNS rebinding") makes its visitors' browsers speak to a
 * gatherd there, but their requests carry the page's name in Host. Pure. */
#pragma once

#include "base/slice.h"
#include "config/config.h"

#include <stdbool.h>

/* host_list_has: the list is empty, or holds the host of a Host header's value (a port
 * behind it is not compared: a proxy or a container may have changed it). Letter case and
 * one final dot do not matter. */
bool host_list_has(const struct config_strings *hosts, struct slice host);
