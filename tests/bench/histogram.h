/* histogram — counts of durations in log-linear buckets, as HdrHistogram keeps them.
 * SPDX-License-Identifier: MIT
 *
 * Values up to 2^40 ns (18 minutes), longer ones count as that; each within 1/64 (1.6 %).
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_MAX_BITS 40
#define HISTOGRAM_BUCKETS \
    ((HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* The smallest value that `share` (0 to 1) of all values do not exceed; 0 when empty. */
uint64_t histogram_at(const struct histogram *histogram, double share);

#endif
