/* SPDX-License-Identifier: Apache-2.0 */
/* Rows are ranges of numbers and all of them are asked: nothing depends on their order,
 * unlike in the program. */
#include "support/address_table.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

wide_address address_to_wide(const struct ip_address *address)
{
    wide_address value = 0;
    size_t count = address->is_v4 ? 4 : 16;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | address->bytes[i];
    return value;
}

struct ip_address address_from_wide(bool is_v4, wide_address value)
{
    struct ip_address address = {.is_v4 = is_v4};
    size_t count = is_v4 ? 4 : 16;
    for (size_t i = count; i-- > 0; value >>= 8)
        address.bytes[i] = (uint8_t)value;
    return address;
}

static void give_up(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    exit(1);
}

static bool read_row(char *line, struct address_row *row)
{
    struct ip_address address = {0};
    unsigned length;
    char class[16];
    char *slash = strchr(line, '/');
    if (!slash || sscanf(slash, "/%u %15s", &length, class) != 2)
        return false;
    *slash = '\0';
    address.is_v4 = inet_pton(AF_INET, line, address.bytes) == 1;
    if (!address.is_v4 && inet_pton(AF_INET6, line, address.bytes) != 1)
        return false;
    unsigned bits = address.is_v4 ? 32 : 128;
    bool is_metadata = strcmp(class, "metadata") == 0;
    if (length == 0 || length > bits || (!is_metadata && strcmp(class, "special") != 0))
        return false;
    row->is_v4 = address.is_v4;
    row->first = address_to_wide(&address);
    row->last = row->first + (((wide_address)1 << (bits - length)) - 1);
    row->class = is_metadata ? ADDRESS_METADATA : ADDRESS_SPECIAL;
    return true;
}

void address_table_read(struct address_table *table, const char *path)
{
    char line[256];
    FILE *file = fopen(path, "r");
    if (!file)
        give_up(path, "cannot be read");
    table->count = 0;
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (table->count == ADDRESS_ROWS_MAX ||
            !read_row(line, &table->rows[table->count++]))
            give_up(path, line);
    }
    fclose(file);
}

enum address_class address_table_class(const struct address_table *table, bool is_v4,
                                       wide_address value)
{
    bool is_special = !is_v4 && value >> 125 != 1; /* 2000::/3 */
    for (size_t i = 0; i < table->count; i++) {
        const struct address_row *row = &table->rows[i];
        if (row->is_v4 != is_v4 || value < row->first || value > row->last)
            continue;
        if (row->class == ADDRESS_METADATA)
            return ADDRESS_METADATA;
        is_special = true;
    }
    return is_special ? ADDRESS_SPECIAL : ADDRESS_PUBLIC;
}
