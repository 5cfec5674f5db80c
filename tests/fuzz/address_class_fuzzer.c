/* SPDX-License-Identifier: Apache-2.0 */
/* 4 or 16 bytes are an address: classified as in the table of the registries, and refused
 * by the policy of the defaults unless public, as itself and within IPv6. */
#include "fuzzer.h"
#include "support/address_table.h"
#include "vetted.h"

#include <string.h>

static enum verdict judge(const struct ip_address *address)
{
    static const struct target target = {
        .scheme = "http", .host = "n.example", .port = 80};
    struct sockaddr_storage sockaddr;
    const char *reason = NULL;
    ip_address_to_sockaddr(address, &sockaddr);
    enum verdict verdict =
        guard_judge_address(vetted_guard(), &target, (const void *)&sockaddr, &reason);
    MUST_HOLD((verdict == VERDICT_ALLOW) == (reason == NULL));
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct address_table table;
    if (size != 4 && size != 16)
        return 0;
    if (table.count == 0)
        address_table_read(&table, ADDRESS_TABLE);
    struct ip_address address = {.is_v4 = size == 4};
    memcpy(address.bytes, data, size);
    enum address_class class =
        address_table_class(&table, address.is_v4, address_to_wide(&address));
    MUST_HOLD(address_class_of(&address, NULL) == class);
    MUST_HOLD((judge(&address) == VERDICT_ALLOW) == (class == ADDRESS_PUBLIC));

    struct ip_address inner[ADDRESS_EMBEDDED_MAX];
    size_t count = address_embedded(&address, inner);
    MUST_HOLD(count <= ADDRESS_EMBEDDED_MAX);
    MUST_HOLD(count == 0 || (!address.is_v4 && class != ADDRESS_PUBLIC));
    return 0;
}
