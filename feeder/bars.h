/* bars — ticks into the bars of all nine intervals.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns a series for each symbol: its nine open bars and the previous close of its trading
 * day, which is the UTC day. Every accepted tick updates all nine. A bar is closed, once,
 * when a tick of its symbol or its owner's clock reaches its end; what comes for it later
 * is refused.
 *
 *     time  ──────────────────────────────▶
 *     1m    [  closed  ][ open       ]           each series has one open bar at most
 *     5m    [ open                        …      in each interval
 *
 * A symbol belongs to one owner (a source, by its place in the list, 0 first): the first
 * to claim it or, where nobody did, the first with a tick. At most max_symbols are known
 * at a time, and none is forgotten.
 */
#ifndef FEEDER_BARS_H
#define FEEDER_BARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feeder/bar.h"
#include "feeder/tick.h"

struct bars;

#define BARS_OWNERS_MAX 8

/* A bar changed or closed. It lives during the call, which must not change the bars. */
typedef void (*bars_update_fn)(void *arg, const struct bar *bar);

/* Returns NULL when out of memory. */
struct bars *bars_create(size_t max_symbols, bars_update_fn on_update, void *arg);
void bars_destroy(struct bars *bars);

enum bars_result {
    BARS_OK,
    BARS_FOREIGN,  /* the symbol belongs to another owner */
    BARS_LATE,     /* the tick is from before what is already closed, or out of order
                    * by a minute or more */
    BARS_NEGATIVE, /* a size below zero */
    BARS_TOO_BIG,  /* a sum or a change would not fit a decimal */
    BARS_FULL,     /* max_symbols are known, or no memory */
    BARS_RESULTS
};

/* Makes the symbol the owner's. Of *tick only the type, the symbol and the market count.
 */
enum bars_result bars_claim(struct bars *bars, unsigned owner, const struct tick *tick);

/* Closes what the tick's time ends in its series, then updates all nine bars. Refused
 * ticks change nothing. */
enum bars_result bars_tick(struct bars *bars, unsigned owner, const struct tick *tick);

/* The owner's clock reached `now_us`: closes all its bars that have ended by then. */
void bars_clock(struct bars *bars, unsigned owner, int64_t now_us);

#endif
