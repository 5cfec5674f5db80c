/* SPDX-License-Identifier: Apache-2.0 */
/* The ceilings of the process, by its configuration and what the system lets it have. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "config/config.h"
#include "descriptors.h"
#include "fetch/budget.h"

struct ceilings {
    uint64_t files;   /* descriptors in all */
    uint64_t reserve; /* of these, for the process itself */
    struct descriptors descriptors;
};

/* ceilings_find raises the limit of open files as far as it goes and divides it. Fails
 * when it is too little. */
bool ceilings_find(const struct config *config, unsigned workers,
                   struct ceilings *ret_ceilings, struct error *err) MUST_CHECK;
/* ceilings_use sets the ceilings of the budgets, and logs when they are below what the
 * configuration asks for; what is held stays held. While workers run too. */
void ceilings_use(const struct ceilings *ceilings, const struct config *config,
                  struct budgets *budgets);
