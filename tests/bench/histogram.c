/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#define SUB_COUNT (UINT64_C(1) << HISTOGRAM_SUB_BITS)

/* Below 64 each value has a bucket; above, each power of two is cut into 64 equal ones.
 */
static uint64_t bucket_of(uint64_t value)
{
    if (value < SUB_COUNT) {
        return value;
    }
    const uint64_t shift = 63 - (uint64_t)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    return ((shift + 1) << HISTOGRAM_SUB_BITS) + (value >> shift) - SUB_COUNT;
}

static uint64_t top_of(uint64_t bucket)
{
    if (bucket < SUB_COUNT) {
        return bucket;
    }
    const uint64_t shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
    return (((bucket & (SUB_COUNT - 1)) + SUB_COUNT + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    const uint64_t most = (UINT64_C(1) << HISTOGRAM_MAX_BITS) - 1;
    if (value > most) {
        value = most;
    }
    histogram->buckets[bucket_of(value)]++;
    histogram->count++;
    histogram->sum += value;
    if (value > histogram->max) {
        histogram->max = value;
    }
}

uint64_t histogram_at(const struct histogram *histogram, double share)
{
    const double wanted = share * (double)histogram->count;
    uint64_t seen = 0;
    for (uint64_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > 0 && (double)seen >= wanted) {
            return top_of(i) < histogram->max ? top_of(i) : histogram->max;
        }
    }
    return histogram->max;
}
