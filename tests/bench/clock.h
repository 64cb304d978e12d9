/* clock — the one clock that all programs of the benchmark share, and the CPU time of
 * others. SPDX-License-Identifier: MIT */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <sys/types.h>

#define CLOCK_NS_PER_S UINT64_C(1000000000)

/* CLOCK_MONOTONIC, which is the same in all processes of a machine. */
uint64_t clock_now_ns(void);

/* User and system time that a process has used, all threads. It is the counter behind
 * utime and stime in /proc/PID/stat, without their rounding to 10 ms. 0 if there is no
 * such process. */
uint64_t clock_cpu_ns(pid_t pid);

/* Sleeps until that time; returns at once when it is past. */
void clock_sleep_until(uint64_t at_ns);

#endif
