/* bucket — a token bucket: so many in the long run, so many at once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef GATEWAY_BUCKET_H
#define GATEWAY_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bucket {
    int64_t millitokens; /* thousandths, so that no fraction is lost */
    uint64_t refilled_ms;
};

/* Both are above 0. */
struct bucket_limits {
    int64_t rate_per_s;
    int64_t burst;
};

/* A full bucket. */
void bucket_init(struct bucket *bucket, const struct bucket_limits *limits,
                 uint64_t now_ms);

/* Refills for the time gone by, then takes the tokens. Returns false, and takes none, if
 * there are fewer. `now_ms` never goes back. */
bool bucket_take(struct bucket *bucket, const struct bucket_limits *limits, size_t tokens,
                 uint64_t now_ms);

/* Takes the tokens although there may be fewer: what is owed, `burst` at most, has to
 * come in before there are any again. */
void bucket_charge(struct bucket *bucket, const struct bucket_limits *limits,
                   size_t tokens);

#endif
