/* tempo — how data's own time passes in real time: at its speed, a multiple, or at once.
 *
 * SPDX-License-Identifier: MIT
 *
 * A plain value; real time is monotonic, data's time UTC as in calendar.h.
 */
#ifndef FEEDER_TEMPO_H
#define FEEDER_TEMPO_H

#include <stdint.h>

struct tempo {
    double speed; /* of data's time, 1 is real time; 0 is as fast as it is taken */
    uint64_t start_ms;
    int64_t start_us; /* where the data's time stood then */
};

/* Where the data's time has come to: at most `end_us`, and there at once at speed 0. */
int64_t tempo_position(const struct tempo *tempo, uint64_t now_ms, int64_t end_us);

/* When it will have come to `at_us`. */
uint64_t tempo_due_ms(const struct tempo *tempo, int64_t at_us);

#endif
