/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/call_copy.h: nothing of a copy points into what it was made from. */
#include "fetch/call_copy.h"

#include "base/memory.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static struct call copy_and_scribble(struct call *call, char *texts, size_t size,
                                     void **ret_room)
{
    struct call copied;
    *ret_room = memory_new(call_copy_size(call));
    call_copy(&copied, call, *ret_room);
    memset(texts, '#', size);
    return copied;
}

Test(call_copy, has_the_request_and_the_limits_of_its_model)
{
    char texts[] = "http://a.test/x\0accept\0text/plain\0x-empty";
    struct call_header headers[] = {
        {.name = {texts + 16, 6}, .value = {texts + 23, 10}},
        {.name = {texts + 34, 7}, .value = {NULL, 0}},
    };
    struct call call = {
        .url = {texts, 15},
        .method = METHOD_DELETE,
        .headers = headers,
        .header_count = 2,
        .timeout_ms = 1,
        .connect_timeout_ms = 2,
        .redirects = 3,
        .body_max_bytes = 4,
        .deadline_ms = 5,
        .is_extra = true,
        .resends = 3,
        .item_index = 7,
    };
    void *room;
    struct call copied = copy_and_scribble(&call, texts, sizeof texts, &room);
    cr_assert(slice_is(copied.url, "http://a.test/x"));
    cr_assert_eq(copied.url.data[15], '\0');
    cr_assert_eq(copied.method, METHOD_DELETE);
    cr_assert_eq(copied.header_count, 2);
    cr_assert(slice_is(copied.headers[0].name, "accept"));
    cr_assert_eq(copied.headers[0].name.data[6], '\0');
    cr_assert(slice_is(copied.headers[0].value, "text/plain"));
    cr_assert_eq(copied.headers[0].value.data[10], '\0');
    cr_assert(slice_is(copied.headers[1].name, "x-empty"));
    cr_assert(slice_is(copied.headers[1].value, ""));
    cr_assert_str_eq(copied.headers[1].value.data, "");
    cr_assert_eq(copied.timeout_ms, 1);
    cr_assert_eq(copied.connect_timeout_ms, 2);
    cr_assert_eq(copied.redirects, 3);
    cr_assert_eq(copied.body_max_bytes, 4);
    cr_assert_eq(copied.deadline_ms, 5);
    cr_assert(copied.is_extra);
    cr_assert(copied.resends == 3 && copied.item_index == 7);
    free(room);
}

Test(call_copy, leaves_out_what_is_of_its_models_owner_and_worker)
{
    struct call call = {.url = slice_from("x"), .started_us = 7, .queued_us = 8};
    call.on_dispatch = (call_dispatch_fn *)abort;
    call.dispatch_context = &call;
    call.timer.position = 9;
    void *room = memory_new(call_copy_size(&call));
    struct call copied;
    call_copy(&copied, &call, room);
    cr_assert_null(copied.on_dispatch);
    cr_assert_null(copied.dispatch_context);
    cr_assert_eq(copied.started_us, 0);
    cr_assert_eq(copied.queued_us, 0);
    cr_assert_not(timer_is_set(&copied.timer));
    free(room);
}

Test(call_copy, sizes_are_such_that_several_can_follow_one_another)
{
    struct call call = {0};
    for (size_t len = 0; len < 20; len++) {
        call.url = slice_make("http://a.test/0123456789", len);
        size_t size = call_copy_size(&call);
        cr_assert_eq(size % _Alignof(struct call_header), 0);
        cr_assert(size > len && size <= len + 1 + _Alignof(struct call_header));
    }
}
