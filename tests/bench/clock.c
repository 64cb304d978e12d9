/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include <time.h>

static uint64_t to_ns(struct timespec at)
{
    return (uint64_t)at.tv_sec * CLOCK_NS_PER_S + (uint64_t)at.tv_nsec;
}

uint64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return to_ns(now);
}

uint64_t clock_cpu_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0;
    }
    return to_ns(used);
}

void clock_sleep_until(uint64_t at_ns)
{
    const struct timespec at = {.tv_sec = (time_t)(at_ns / CLOCK_NS_PER_S),
                                .tv_nsec = (long)(at_ns % CLOCK_NS_PER_S)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}
