/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of admission.h: one mover, two questions. The worker tells it the
 * delay once a turn; handle_batch.c and exchange_check.c ask. */
#include "http/admission.h"

/* More than any turn of the loop takes. */
enum { STANDSTILL_US = 20 * 1000 };

void admission_init(struct admission *admission, uint64_t target_us)
{
    *admission = (struct admission){.target_us = target_us};
}

void admission_note(struct admission *admission, uint64_t now_us,
                    struct schedule_delay delay)
{
    bool is_over = admission->target_us > 0 && delay.oldest_us >= admission->target_us;
    admission->round_us = delay.round_us;
    /* The mean is slow to follow when nothing starts any more. */
    if (delay.oldest_us >= STANDSTILL_US && delay.oldest_us > delay.round_us)
        admission->round_us = delay.oldest_us;
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
    if (admission->target_us == 0 || admission->round_us == 0)
        return true;
    return items <= deadline_us / 2 / admission->round_us;
}
