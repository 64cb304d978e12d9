/* SPDX-License-Identifier: MIT */
#include "gateway/bucket.h"

#define MILLI 1000

void bucket_init(struct bucket *bucket, const struct bucket_limits *limits,
                 uint64_t now_ms)
{
    bucket->millitokens = limits->burst * MILLI;
    bucket->refilled_ms = now_ms;
}

/* One token per second is one thousandth per millisecond. */
static void refill(struct bucket *bucket, const struct bucket_limits *limits,
                   uint64_t now_ms)
{
    const uint64_t elapsed_ms = now_ms - bucket->refilled_ms;
    const int64_t missing = limits->burst * MILLI - bucket->millitokens;
    const int64_t rate = limits->rate_per_s;
    bucket->refilled_ms = now_ms;
    if (elapsed_ms >= (uint64_t)((missing + rate - 1) / rate)) {
        bucket->millitokens += missing;
    } else {
        bucket->millitokens += (int64_t)elapsed_ms * rate;
    }
}

bool bucket_take(struct bucket *bucket, const struct bucket_limits *limits, size_t tokens,
                 uint64_t now_ms)
{
    refill(bucket, limits, now_ms);
    if (bucket->millitokens < (int64_t)tokens * MILLI) {
        return false;
    }
    bucket->millitokens -= (int64_t)tokens * MILLI;
    return true;
}

void bucket_charge(struct bucket *bucket, const struct bucket_limits *limits,
                   size_t tokens)
{
    const int64_t least = -limits->burst * MILLI;
    bucket->millitokens -= (int64_t)tokens * MILLI;
    if (bucket->millitokens < least) {
        bucket->millitokens = least;
    }
}
