/* SPDX-License-Identifier: MIT */
#include "feeder/tempo.h"

int64_t tempo_position(const struct tempo *tempo, uint64_t now_ms, int64_t end_us)
{
    const double passed_us = (double)(now_ms - tempo->start_ms) * 1000 * tempo->speed;
    if (tempo->speed == 0 || passed_us >= (double)(end_us - tempo->start_us)) {
        return end_us;
    }
    return tempo->start_us + (int64_t)passed_us;
}

uint64_t tempo_due_ms(const struct tempo *tempo, int64_t at_us)
{
    if (tempo->speed == 0 || at_us <= tempo->start_us) {
        return tempo->start_ms;
    }
    const double wait_ms = (double)(at_us - tempo->start_us) / 1000 / tempo->speed;
    return tempo->start_ms + (wait_ms < 1e15 ? (uint64_t)wait_ms + 1 : UINT64_C(1) << 50);
}
