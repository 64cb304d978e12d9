/* herald — what the exchange source tells whoever runs it, at a bearable rate.
 *
 * SPDX-License-Identifier: MIT
 *
 * A venue may send anything, and a gap may be in every symbol at once: notices about what
 * it sends are bounded in number, the rest is counted; missed trades are collected and
 * reported together.
 */
#ifndef FEEDER_HERALD_H
#define FEEDER_HERALD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feeder/roster.h"
#include "feeder/source.h"

#define HERALD_SHOWN 200 /* bytes of the venue's text in a notice */

/* Zero-initialised but for the first three. */
struct herald {
    const struct source_sink *sink;
    void *arg; /* the sink's */
    const char *venue;

    size_t losses;      /* steps between ids that were too wide, not yet reported */
    uint64_t losses_ms; /* report them then */
    uint64_t span_ms;   /* when this span of bounded notices began */
    unsigned said;
    unsigned unsaid;
};

__attribute__((format(printf, 4, 5))) void herald_say(const struct herald *herald,
                                                      bool bad, const char *what,
                                                      const char *format, ...);

/* Whether one more notice may be made of what the venue sends. */
bool herald_may_say(struct herald *herald, uint64_t now_ms);

/* A symbol's roster entry has missed trades: they are reported within a second, unless
 * there was a report in the last ten. */
void herald_note_loss(struct herald *herald, uint64_t now_ms);

/* Reports what was missed, if it is time, and sets it to 0 in the roster. */
void herald_report_losses(struct herald *herald, struct roster *roster, uint64_t now_ms);

/* Names those of the part that have had no trade yet and were not named before. */
void herald_report_quiet(const struct herald *herald, struct roster *roster,
                         struct roster_part part);

#endif
