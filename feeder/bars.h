/* bars — ticks into the bars of all nine intervals, published at a bearable pace.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns a series for each symbol. Every accepted tick updates its nine bars; a changed bar
 * is said at once, unless something was said about that lane within min_update_us: then
 * it is said when that time is over, as it is by then. When a clock has passed a bar's
 * end by the lateness, the bar is closed and said, once and at once; what comes for it
 * later is refused. After an older bar of a lane the newest is said again, so that the
 * last message of a topic is about its newest bar.
 *
 * Each symbol belongs to one owner (a source, by its place in the list, 0 first): the
 * first to claim it or, where nobody did, the first with a tick. Each owner has a clock,
 * the only one that counts here: the newest time of its ticks, or what it was told. So
 * what is said, and in which order within a topic, follows from the ticks alone.
 *
 * At most max_symbols are known at a time, and none is forgotten.
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

struct bars_rules {
    size_t max_symbols;
    int64_t min_update_us; /* 0: every tick is said */
    int64_t lateness_us;
    int64_t band_percent; /* 0: every price will do */
};

/* A bar changed or closed. It lives during the call, which must not change the bars. */
typedef void (*bars_update_fn)(void *arg, const struct bar *bar);

/* on_update for what is to be published. on_past for the newest daily bar of before this
 * start, when its symbol gets its owner. Returns NULL when out of memory. */
struct bars *bars_create(const struct bars_rules *rules, bars_update_fn on_update,
                         bars_update_fn on_past, void *arg);
void bars_destroy(struct bars *bars);

/* The owner's ticks are disordered by their nature: for them, bars stay open at least so
 * long after their end. Before its first tick. */
void bars_expect_disorder(struct bars *bars, unsigned owner, int64_t lateness_us);

/* Goes on with a bar that was published before this start: of each topic the newest,
 * then, while it returns true, the one published before that. Before any tick; where
 * symbols were claimed before, bars_begin() has to follow. */
bool bars_remember(struct bars *bars, const struct bar *bar);
void bars_begin(struct bars *bars);

enum bars_result {
    BARS_OK,
    BARS_FOREIGN,   /* the symbol belongs to another owner */
    BARS_LATE,      /* the tick is for a bar that is closed, or would be */
    BARS_DUPLICATE, /* its id was seen, or is far behind those seen; after 32 in a row, in
                     * order and newer than all before, ids are taken to begin anew */
    BARS_NEGATIVE,  /* a size below zero */
    BARS_ABSURD,    /* a price out of the band; the third in a row that agree is taken */
    BARS_TOO_BIG,   /* a sum or a change would not fit a decimal */
    BARS_FULL,      /* max_symbols are known, or no memory */
    BARS_RESULTS
};

/* Makes the symbol the owner's. Of *tick only the type, the symbol and the market count.
 */
enum bars_result bars_claim(struct bars *bars, unsigned owner, const struct tick *tick);

/* Moves the owner's clock to the tick's time, then updates all nine bars. A refused tick
 * changes nothing; only its id is noted. */
enum bars_result bars_tick(struct bars *bars, unsigned owner, const struct tick *tick);

/* The owner's clock reached `now_us`, unless it was there already: says and closes what
 * is due until then. */
void bars_clock(struct bars *bars, unsigned owner, int64_t now_us);

/* When the owner's clock will have something said or closed; INT64_MAX if nothing. */
int64_t bars_due_us(const struct bars *bars, unsigned owner);

/* The owner has no more ticks: closes its bars that have ended, whatever the lateness. */
void bars_end(struct bars *bars, unsigned owner);

/* Says what is still to be said, before its time. */
void bars_flush(struct bars *bars);

/* The last price of the symbol of which type and name are given. False if there is none.
 */
bool bars_last_price(const struct bars *bars, const struct tick *symbol,
                     struct decimal *out);

/* The newest time that was remembered of the owner's symbols; INT64_MIN if there is none.
 */
int64_t bars_remembered_us(const struct bars *bars, unsigned owner);

/* Ids left out so far by symbols whose ids count up by one. */
uint64_t bars_missed(const struct bars *bars);

#endif
