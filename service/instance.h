/* SPDX-License-Identifier: Apache-2.0 */
/* The running service that a command talks to. */
#pragma once

#include "base/attributes.h"
#include "command_line.h"

#include <stdbool.h>

struct instance {
    char address[300];     /* as a configuration writes it */
    char url[700];         /* of what is asked for there */
    const char *unix_path; /* in `address`; NULL: by TCP */
};

/* instance_find: the one at --listen, else at the first address of the configuration
 * (--config, or that of the package) where operations listen. Prints what is wrong in the
 * name of `command`; false: then its exit status is that of a wrong command line. */
bool instance_find(const struct arguments *arguments, const char *command,
                   const char *path, struct instance *ret_instance) MUST_CHECK;
