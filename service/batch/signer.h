/* SPDX-License-Identifier: Apache-2.0 */
/* Signs the calls of one item, each when it is sent: so the time in it is the attempt's,
 * and the hashing of a large batch is spread over the turns of the loop like the sending.
 * One worker thread. */
#pragma once

#include "batch/signing.h"
#include "fetch/call.h"

struct signed_call;

struct signer {
    const struct signing *signing;
    char id[40];               /* unless the item brings a webhook-id of its own */
    struct signed_call *calls; /* what was signed; signer_done releases it */
};

/* signer_init gives the item its id. `signing` outlives the signer. */
void signer_init(struct signer *signer, const struct signing *signing);
/* signer_arm has `call`, and copies of it, signed at their dispatch: three headers behind
 * those it has, which outlive the signer as the body does. Signers are not moved then. */
void signer_arm(struct signer *signer, struct call *call);
void signer_done(struct signer *signer); /* after the last call of it has ended */
