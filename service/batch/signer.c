/* SPDX-License-Identifier: Apache-2.0 */
/* Each call gets header lines of its own, as two attempts of an item may run at once. A
 * call that is sent back into the queue (a shortage of sockets) is signed anew, in the
 * same place. Called by item_run.c; the fetcher calls back. */
#include "batch/signer.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

enum { LINES = 3, ID_BYTES = 16 };

struct signed_call {
    struct signed_call *next;
    const struct call_header *unsigned_headers;
    size_t unsigned_count;
    struct signature signature;
    struct call_header headers[];
};

void signer_init(struct signer *signer, const struct signing *signing)
{
    *signer = (struct signer){.signing = signing, .id = "msg_"};
    random_hex(signer->id + strlen(signer->id), ID_BYTES);
}

static struct slice id_of(const struct signer *signer, const struct signed_call *made,
                          bool *ret_is_own)
{
    *ret_is_own = false;
    for (size_t i = 0; i < made->unsigned_count; i++) {
        if (slice_is_ignoring_case(made->unsigned_headers[i].name, "webhook-id")) {
            *ret_is_own = true;
            return made->unsigned_headers[i].value;
        }
    }
    return slice_from(signer->id);
}

static struct call_header line(const char *name, struct slice value)
{
    return (struct call_header){.name = slice_from(name), .value = value};
}

static struct signed_call *find(const struct signer *signer, const struct call *call)
{
    struct signed_call *made = signer->calls;
    while (made && made->headers != call->headers)
        made = made->next;
    return made;
}

static struct signed_call *add(struct signer *signer, const struct call *call)
{
    size_t count = call->header_count;
    struct signed_call *made =
        memory_new(sizeof *made + (count + LINES) * sizeof *made->headers);
    made->unsigned_headers = call->headers;
    made->unsigned_count = count;
    if (count)
        memcpy(made->headers, call->headers, count * sizeof *made->headers);
    made->next = signer->calls;
    signer->calls = made;
    return made;
}

static bool on_dispatch(struct call *call)
{
    struct signer *signer = call->dispatch_context;
    struct signed_call *made = find(signer, call);
    if (!made)
        made = add(signer, call);
    bool is_own;
    struct slice id = id_of(signer, made, &is_own);
    struct slice body = call->has_body ? call->body : slice_make(NULL, 0);
    if (!signing_sign(signer->signing, id, (uint64_t)clock_wall_s(), body,
                      &made->signature))
        return false;
    size_t count = made->unsigned_count;
    if (!is_own)
        made->headers[count++] = line("webhook-id", id);
    made->headers[count++] =
        line("webhook-timestamp", slice_from(made->signature.timestamp));
    made->headers[count++] = line("webhook-signature", slice_from(made->signature.text));
    call->headers = made->headers;
    call->header_count = count;
    return true;
}

void signer_arm(struct signer *signer, struct call *call)
{
    call->on_dispatch = on_dispatch;
    call->dispatch_context = signer;
}

void signer_done(struct signer *signer)
{
    while (signer->calls) {
        struct signed_call *made = signer->calls;
        signer->calls = made->next;
        free(made);
    }
}
