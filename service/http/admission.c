/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of admission.h: one mover, two questions. The worker tells it the
 * delay once a turn; handle_batch.c and exchange_check.c ask. */
#include "http/admission.h"

void admission_init(struct admission *admission, uint64_t target_us)
{
    *admission = (struct admission){.target_us = target_us};
}

void admission_note(struct admission *admission, uint64_t now_us, uint64_t delay_us)
{
    bool is_over = admission->target_us > 0 && delay_us >= admission->target_us;
    admission->delay_us = delay_us;
    if (is_over != admission->is_over) {
        admission->is_over = is_over;
        admission->since_us = now_us;
    }
    if (is_over != admission->is_shedding &&
        now_us - admission->since_us >= ADMISSION_INTERVAL_US)
        admission->is_shedding = is_over;
}

bool admission_is_open(const struct admission *admission)
{
    return !admission->is_shedding || !admission->is_over;
}

bool admission_is_in_time(const struct admission *admission, size_t items,
                          uint64_t deadline_us)
{
    if (!admission->is_shedding || admission->delay_us == 0)
        return true;
    return items <= deadline_us / admission->delay_us;
}
