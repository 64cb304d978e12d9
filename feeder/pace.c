/* SPDX-License-Identifier: MIT */
#include "feeder/pace.h"

int64_t pace_position(const struct pace *pace, uint64_t now_ms, int64_t end_us)
{
    const double passed_us = (double)(now_ms - pace->start_ms) * 1000 * pace->speed;
    if (pace->speed == 0 || passed_us >= (double)(end_us - pace->start_us)) {
        return end_us;
    }
    return pace->start_us + (int64_t)passed_us;
}

uint64_t pace_due_ms(const struct pace *pace, int64_t at_us)
{
    if (pace->speed == 0 || at_us <= pace->start_us) {
        return pace->start_ms;
    }
    const double wait_ms = (double)(at_us - pace->start_us) / 1000 / pace->speed;
    return pace->start_ms + (wait_ms < 1e15 ? (uint64_t)wait_ms + 1 : UINT64_C(1) << 50);
}
