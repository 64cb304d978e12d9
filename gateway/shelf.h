/* shelf — what topics' sequences keep besides their newest message, bounded as a whole:
 * the tails for replays, and what is held back while a loss is repaired.
 *
 * SPDX-License-Identifier: MIT
 *
 * Each kind has max_bytes over all topics. Of the tails those that were used longest ago
 * go first, and each goes keep_ms after its last use; what is held back goes from the
 * topic that holds more, and its repair will read it from the history.
 */
#ifndef GATEWAY_SHELF_H
#define GATEWAY_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/sequence.h"

/* A topic's place on the shelf; zero-initialised but for its sequence. */
struct shelf_place {
    struct sequence *sequence;
    bool busy; /* its history is being read: the tail stays */

    /* The shelf's own. */
    struct shelf_place *prev;
    struct shelf_place *next;
    uint64_t used_ms;  /* 0: it keeps no tail */
    size_t tail_bytes; /* as they are counted in the sums */
    size_t held_bytes;
};

/* Zero-initialised but for the limits it is empty. */
struct shelf {
    size_t max_bytes;
    uint64_t keep_ms;
    uint64_t now_ms;           /* at the last tick */
    struct shelf_place *tails; /* the longest unused comes first */
    size_t tail_bytes;
    size_t held_bytes;
};

/* Time has passed: tails nobody used since keep_ms are dropped. */
void shelf_tick(struct shelf *shelf, uint64_t now_ms);

/* The topic's tail is needed now, and kept from now on. */
void shelf_use(struct shelf *shelf, struct shelf_place *place);

/* The topic's tail, if it keeps one, may have grown. Of all tails stay the one that was
 * used last and the busy ones. */
void shelf_bound_tails(struct shelf *shelf, struct shelf_place *place);

/* What the topic holds back has grown, or is gone. */
void shelf_bound_held(struct shelf *shelf, struct shelf_place *place);
void shelf_count_held(struct shelf *shelf, struct shelf_place *place);

/* Takes the place off the shelf, its tail with it. */
void shelf_clear(struct shelf *shelf, struct shelf_place *place);

#endif
