/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of guard_fuzzer.c and location_fuzzer.c: the parser's reading of a URL held
 * against libcurl's, and the verdict against the registries. */
#include "vetted.h"

#include "config/config.h"
#include "fetch/pin.h"
#include "fetch/url.h"
#include "fuzzer.h"
#include "opens.h"
#include "support/address_table.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define PIN_IP "203.0.113.9"

const struct guard *vetted_guard(void)
{
    static struct guard *guard;
    struct error err;
    if (guard)
        return guard;
    struct config *config = config_defaults();
    guard = guard_new(config, NULL, &err);
    config_free(config);
    MUST_HOLD(guard != NULL);
    return guard;
}

static bool is_public(const struct target *target)
{
    static struct address_table table;
    struct ip_address address;
    if (table.count == 0)
        address_table_read(&table, ADDRESS_TABLE);
    MUST_HOLD(ip_address_from_sockaddr((const void *)&target->address, &address));
    return address_table_class(&table, address.is_v4, address_to_wide(&address)) ==
           ADDRESS_PUBLIC;
}

/* A number is connected to as it was read; a name is a name to libcurl as well, and with
 * a pin leads there. */
static void check_opens(const char *text, const struct target *target)
{
    struct sockaddr_storage seen;
    char pin[PIN_SIZE];
    if (target->is_literal) {
        if (opens_at(text, NULL, &seen))
            MUST_HOLD(opens_is(&seen, target->host, target->port));
        return;
    }
    if (opens_at(text, NULL, &seen))
        MUST_HOLD(opens_is(&seen, OPENS_NAME, target->port));
    struct sockaddr_in in = {.sin_family = AF_INET};
    inet_pton(AF_INET, PIN_IP, &in.sin_addr);
    pin_write((const struct sockaddr *)&in, target->port, pin, sizeof pin);
    if (opens_at(text, pin, &seen))
        MUST_HOLD(opens_is(&seen, PIN_IP, target->port));
}

bool vetted_check(const char *text, struct target *ret_target)
{
    const char *reason = NULL;
    struct target target;
    if (!url_parse(slice_from(text), &target, &reason)) {
        MUST_HOLD(reason != NULL);
        return false;
    }
    bool is_allowed =
        guard_judge_target(vetted_guard(), &target, &reason) == VERDICT_ALLOW;
    bool is_http =
        strcmp(target.scheme, "http") == 0 || strcmp(target.scheme, "https") == 0;
    MUST_HOLD(is_allowed ? is_http : reason != NULL);
    if (is_http)
        check_opens(text, &target);
    if (is_allowed && target.is_literal)
        MUST_HOLD(is_public(&target));
    *ret_target = target;
    return is_allowed;
}
