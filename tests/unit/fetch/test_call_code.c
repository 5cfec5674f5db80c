/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/call_code.h and fetch/call.h against the API's tables. */
#include "fetch/call.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

/* The API's item error codes with their statuses, in the contract's order. */
static const struct {
    const char *name;
    int status;
} contract[] = {
    {"ok", 200},
    {"bad_url", 400},
    {"blocked_url", 403},
    {"blocked_address", 403},
    {"dns", 502},
    {"connect", 502},
    {"tls", 502},
    {"reset", 502},
    {"empty_reply", 502},
    {"truncated", 502},
    {"bad_reply", 502},
    {"decode", 502},
    {"headers_too_large", 502},
    {"too_large", 502},
    {"maybe_sent", 502},
    {"redirect_limit", 502},
    {"timeout_connect", 504},
    {"timeout_first_byte", 504},
    {"timeout_idle", 504},
    {"timeout_total", 504},
    {"timeout_queue", 503},
    {"overloaded", 503},
    {"circuit_open", 503},
    {"deadline", 504},
    {"cancelled", 499},
    {"expect_failed", 502},
    {"dependency_failed", 424},
};

Test(call_code, every_code_has_the_name_and_status_of_the_contract)
{
    cr_assert(eq(sz, sizeof contract / sizeof *contract, CALL_CODE_COUNT));
    for (unsigned code = 0; code < CALL_CODE_COUNT; code++) {
        const struct call_code_row *row = call_code_row((enum call_code)code);
        cr_expect_str_eq(row->name, contract[code].name);
        cr_expect(eq(int, row->status, contract[code].status), "%s", row->name);
    }
}

Test(call_code, what_stays_as_it_is_is_not_retryable)
{
    static const enum call_code final[] = {
        CALL_OK,
        CALL_BAD_URL,
        CALL_BLOCKED_URL,
        CALL_BLOCKED_ADDRESS,
        CALL_TOO_LARGE,
        CALL_MAYBE_SENT,
        CALL_HEADERS_TOO_LARGE,
        CALL_REDIRECT_LIMIT,
        CALL_BAD_REPLY,
        CALL_DECODE,
        CALL_TLS,
    };
    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        cr_expect(not(call_code_row(final[i])->is_retryable), "%s",
                  call_code_row(final[i])->name);
    cr_expect(call_code_row(CALL_TIMEOUT_FIRST_BYTE)->is_retryable);
    cr_expect(call_code_row(CALL_OVERLOADED)->is_retryable);
}

Test(call, every_method_is_read_as_it_is_written)
{
    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        const char *name = call_method_name((enum call_method)i);
        enum call_method method = METHOD_COUNT;
        cr_assert(call_method_parse(slice_from(name), &method), "%s", name);
        cr_expect(eq(u32, method, i));
    }
}

Test(call, methods_are_case_sensitive_and_whole_words)
{
    static const char *const wrong[] = {"get", "Get",  "GE",      "GETS",
                                        "",    " GET", "CONNECT", "TRACE"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        enum call_method method;
        cr_expect(not(call_method_parse(slice_from(wrong[i]), &method)), "%s", wrong[i]);
    }
}

Test(call, only_post_and_patch_are_not_idempotent)
{
    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        bool is_unsafe = i == METHOD_POST || i == METHOD_PATCH;
        cr_expect(eq(int, call_method_is_idempotent((enum call_method)i), !is_unsafe),
                  "%s", call_method_name((enum call_method)i));
    }
}

Test(call, every_phase_has_a_phrase_of_its_own)
{
    for (unsigned i = PHASE_IDLE; i <= PHASE_RECEIVING; i++) {
        for (unsigned other = PHASE_IDLE; other < i; other++)
            cr_expect_str_neq(call_phase_name((enum call_phase)i),
                              call_phase_name((enum call_phase)other));
    }
}

Test(call_code, an_unsafe_method_is_retryable_only_when_it_was_not_sent)
{
    cr_expect(call_is_retryable(CALL_RESET, METHOD_GET));
    cr_expect(call_is_retryable(CALL_RESET, METHOD_DELETE));
    cr_expect(not(call_is_retryable(CALL_RESET, METHOD_POST)));
    cr_expect(not(call_is_retryable(CALL_TIMEOUT_FIRST_BYTE, METHOD_PATCH)));
    cr_expect(not(call_is_retryable(CALL_DEADLINE, METHOD_POST)));
    cr_expect(call_is_retryable(CALL_CONNECT, METHOD_POST));
    cr_expect(call_is_retryable(CALL_OVERLOADED, METHOD_POST));
    cr_expect(not(call_is_retryable(CALL_BAD_URL, METHOD_GET)));
    for (int code = 0; code < CALL_CODE_COUNT; code++) {
        const struct call_code_row *row = call_code_row((enum call_code)code);
        cr_expect(row->is_retryable || !row->is_unsent, "%s", row->name);
    }
}
