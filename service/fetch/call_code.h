/* SPDX-License-Identifier: Apache-2.0 */
/* How a call can end: the item error codes of openapi.yaml as one table. */
#pragma once

#include <stdbool.h>

enum call_code {
    CALL_OK,
    CALL_BAD_URL,
    CALL_BLOCKED_URL,
    CALL_BLOCKED_ADDRESS,
    CALL_DNS,
    CALL_CONNECT,
    CALL_TLS,
    CALL_RESET,
    CALL_EMPTY_REPLY,
    CALL_TRUNCATED,
    CALL_BAD_REPLY,
    CALL_DECODE,
    CALL_HEADERS_TOO_LARGE,
    CALL_TOO_LARGE,
    CALL_MAYBE_SENT,
    CALL_REDIRECT_LIMIT,
    CALL_TIMEOUT_CONNECT,
    CALL_TIMEOUT_FIRST_BYTE,
    CALL_TIMEOUT_IDLE,
    CALL_TIMEOUT_TOTAL,
    CALL_TIMEOUT_QUEUE,
    CALL_OVERLOADED,
    CALL_CIRCUIT_OPEN,
    CALL_DEADLINE,
    CALL_CANCELLED,
    CALL_EXPECT_FAILED,
    CALL_DEPENDENCY_FAILED,
    CALL_CODE_COUNT,
};

struct call_code_row {
    const char *name;  /* "timeout_connect"; "ok" for CALL_OK */
    int status;        /* the nearest HTTP status, put where the upstream's is missing */
    bool is_retryable; /* trying again may help; see call_is_retryable */
    bool is_unsent;    /* no byte of the request has left */
};

/* call_code_row never returns NULL for a code of the enum. */
const struct call_code_row *call_code_row(enum call_code code);
