/* progress — one line for whoever watches: how much is done, how fast, how long yet.
 *
 * SPDX-License-Identifier: MIT
 *
 *      42.1%  18234 ticks/s  0:01:12 left
 *
 * A line is shorter than any line of the log and leaves the cursor at its own beginning:
 * whatever is logged, by whomever, writes over it.
 */
#ifndef FEEDER_PROGRESS_H
#define FEEDER_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRESS_LINE_MAX 64
#define PROGRESS_CLEAR    "\r\x1b[K"

/* Zero-initialised it has seen nothing yet. */
struct progress {
    bool started;
    bool measured;
    uint64_t seen_ms; /* when the numbers below were those of then */
    double seen_share;
    uint64_t seen_ticks;
    uint64_t shown_ms;
    double share_per_s; /* smoothed over some seconds */
    double ticks_per_s;
};

struct progress_now {
    uint64_t now_ms; /* monotonic */
    uint64_t done;   /* of `total`, whatever that counts */
    uint64_t total;
    uint64_t ticks; /* so far */
};

/* Writes the line with a terminating zero and returns its length, or returns 0 if the
 * last one is not yet a quarter of a second old. */
size_t progress_line(struct progress *progress, const struct progress_now *now,
                     char out[PROGRESS_LINE_MAX]);

#endif
