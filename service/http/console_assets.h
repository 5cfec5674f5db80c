/* SPDX-License-Identifier: Apache-2.0 */
/* The files of console/, as they were when this program was built; console_assets.c is
 * made by CMake (embed_assets.cmake). */
#pragma once

#include <stddef.h>

struct console_asset {
    const char *name; /* of the file */
    const char *type; /* its Content-Type */
    const char *etag; /* of its bytes: their SHA-256, in quotes */
    const char *gzip_etag;
    const unsigned char *data;
    size_t len;
    const unsigned char *gzip; /* the same, compressed */
    size_t gzip_len;
};

extern const struct console_asset console_assets[];
extern const size_t console_asset_count;
