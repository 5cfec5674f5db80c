/* SPDX-License-Identifier: Apache-2.0 */
/* The contract, openapi.yaml, as it was when this program was built; openapi_text.c is
 * made by CMake. */
#pragma once

#include <stddef.h>

extern const char openapi_text[];
extern const size_t openapi_text_len;
