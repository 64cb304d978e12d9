/* trade_ids — which trades of one symbol have been seen, by their ids.
 *
 * SPDX-License-Identifier: MIT
 *
 * Ids grow, but may come out of order: the newest TRADE_IDS_WINDOW of them are remembered
 * one by one, and what is older counts as seen (the window of RFC 4303, section 3.4.3).
 * Zero-initialised, none has been seen.
 */
#ifndef FEEDER_TRADE_IDS_H
#define FEEDER_TRADE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#define TRADE_IDS_WINDOW 256

struct trade_ids {
    uint64_t newest;
    uint64_t reached; /* at least newest; beyond it a step of more than one is a loss */
    uint64_t seen[TRADE_IDS_WINDOW / 64]; /* bit n: newest - n */
};

/* All up to `all` have been seen, of those up to `some` only some. */
void trade_ids_begin(struct trade_ids *ids, uint64_t all, uint64_t some);

/* Notes that the id, which is not 0, was seen. Returns false if it was before. */
bool trade_ids_take(struct trade_ids *ids, uint64_t id);

/* Is it too old to be among those remembered one by one? */
bool trade_ids_is_behind(const struct trade_ids *ids, uint64_t id);

/* How many ids lie between the highest one seen so far and this one: 0 if nothing was
 * seen yet. To be asked before it is taken. */
uint64_t trade_ids_gap(const struct trade_ids *ids, uint64_t id);

#endif
