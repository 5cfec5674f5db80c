/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in the table of options. Used by everything that reads or writes
 * configurations. */
#include "config/options.h"

#include <string.h>

const struct option *options_find(const char *path)
{
    for (size_t i = 0; i < options_count; i++) {
        if (strcmp(options_table[i].path, path) == 0)
            return &options_table[i];
    }
    return NULL;
}

const char *options_name(const struct option *option)
{
    return strrchr(option->path, '.') + 1;
}

bool options_is_section(const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < options_count; i++) {
        const char *other = options_table[i].path;
        if (strncmp(other, path, len) == 0 && other[len] == '.')
            return true;
    }
    return false;
}

const struct option_section *options_find_section(const char *path)
{
    for (size_t i = 0; i < option_sections_count; i++) {
        if (strcmp(option_sections[i].path, path) == 0)
            return &option_sections[i];
    }
    return NULL;
}
