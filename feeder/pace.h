/* pace — how data's own time passes in real time: at its speed, a multiple, or at once.
 *
 * SPDX-License-Identifier: MIT
 *
 * A plain value; real time is monotonic, data's time UTC as in calendar.h.
 */
#ifndef FEEDER_PACE_H
#define FEEDER_PACE_H

#include <stdint.h>

struct pace {
    double speed; /* of data's time, 1 is real time; 0 is as fast as it is taken */
    uint64_t start_ms;
    int64_t start_us; /* where the data's time stood then */
};

/* Where the data's time has come to: at most `end_us`, and there at once at speed 0. */
int64_t pace_position(const struct pace *pace, uint64_t now_ms, int64_t end_us);

/* When it will have come to `at_us`. */
uint64_t pace_due_ms(const struct pace *pace, int64_t at_us);

#endif
