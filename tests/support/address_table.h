/* SPDX-License-Identifier: Apache-2.0 */
/* special_addresses.txt: the registries of special addresses, written out apart from
 * fetch/address_class.c, for tests to hold the two against each other. */
#pragma once

#include "fetch/address_class.h"

#include <stdbool.h>
#include <stddef.h>

__extension__ typedef unsigned __int128 wide_address;

struct address_row {
    bool is_v4;
    wide_address first;
    wide_address last;
    enum address_class class;
};

enum { ADDRESS_ROWS_MAX = 128 };

struct address_table {
    struct address_row rows[ADDRESS_ROWS_MAX];
    size_t count;
};

/* address_table_read ends the program when the file is missing or malformed. */
void address_table_read(struct address_table *table, const char *path);
/* address_table_class: what kind of address `value` is; 32 or 128 bits of it count. */
enum address_class address_table_class(const struct address_table *table, bool is_v4,
                                       wide_address value);

wide_address address_to_wide(const struct ip_address *address);
struct ip_address address_from_wide(bool is_v4, wide_address value);
