/* series — the bars of one symbol: in each of the nine intervals those that may still
 * change.
 *
 * SPDX-License-Identifier: MIT
 *
 * Usually that is one bar for each interval, a lane. Where late ticks are waited for, a
 * lane also keeps bars that have ended and are not closed yet:
 *
 *     time  ─────────────────────────────────────▶
 *     1m     [ closed ][ ended  ][ newest  ]          lane->newest ──older──▶ …
 *     5m     [ newest                          …
 *
 * A trade that a bar counted before a restart is known by its id, and passed over in that
 * bar only: the lanes' last messages need not be equally new.
 *
 * Bars know when they are over, but not what time it is: bars.h closes and publishes
 * them.
 */
#ifndef FEEDER_SERIES_H
#define FEEDER_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/table.h"
#include "feeder/bar.h"
#include "feeder/tick.h"
#include "feeder/trade_ids.h"

struct series_bar {
    struct series_bar *older;
    struct bar bar;
    int64_t end_us;
    bool news; /* changed since it was last published */

    /* The ticks that opened and closed it, by time and id. */
    int64_t open_us;
    uint64_t open_id;
    int64_t close_us;
    uint64_t close_id;

    /* Of a bar that was begun before a restart: trades up to this one were counted then.
     * Which of them opened it is found out when they are heard again. */
    uint64_t known_id;
    bool open_unknown;
};

struct series_lane {
    struct series *series;
    struct series_bar *newest;
    int64_t closed_until_us; /* bars that begin before this are closed */

    /* Of before a restart: the newest time in its messages, CALENDAR_MIN_US if it has
     * none; the newest trade in them, and the one up to which none is missing; and of the
     * message given last, when its bar began, and whether all messages before it are in
     * whole groups. */
    int64_t said_until_us;
    uint64_t known_id;
    uint64_t whole_id;
    int64_t given_us;
    bool whole;

    /* bars.c's, for its pace. */
    struct series_lane *next;
    bool cooling;
    int64_t said_us;
};

struct series {
    UT_hash_handle hh;
    char key[1 + TOPIC_SYMBOL_MAX]; /* the type, then the symbol */
    size_t symbol_len;
    char market[TOPIC_SYMBOL_MAX];
    size_t market_len;

    unsigned owner; /* bars.c's, like the next three */
    bool begun;     /* nothing more will be remembered */
    uint32_t number;
    int64_t next_end_us;

    struct series_lane lanes[TOPIC_INTERVALS];
    struct trade_ids ids;
    int64_t remembered_us; /* the newest time of the bars it was given to go on with, or
                            * INT64_MIN */

    bool traded; /* so `last` is its price, at `last_us` */
    struct decimal last;
    int64_t last_us;
    struct decimal odd; /* a price out of the band, and how many in a row were near it */
    unsigned odd_count;
    uint64_t low_id; /* of a trade that is new by its time, not by its id; and how many */
    unsigned low_count; /* of them came in a row */

    bool has_day; /* a trading day was closed: the newest one's bar and end */
    int64_t day_end_us;
    struct bar day;
};

/* For the tick's type and symbol. NULL when out of memory. */
struct series *series_create(const struct tick *tick);
void series_destroy(struct series *series);

/* What a tick will do, worked out before anything is changed. */
struct series_plan {
    const struct tick *tick;
    struct series_bar *bars[TOPIC_INTERVALS]; /* NULL where the trade is known */
    bool fresh[TOPIC_INTERVALS];              /* the bar is not in its lane yet */
    struct decimal volumes[TOPIC_INTERVALS];
    bool has_previous;
    struct decimal previous;
};

enum series_fit {
    SERIES_FITS,
    SERIES_KNOWN,   /* in every lane */
    SERIES_LATE,    /* one of its bars ended by `over_us`, or is closed for good */
    SERIES_TOO_BIG, /* a sum or a change would not fit a decimal */
    SERIES_NO_MEMORY,
};

/* Plans for the tick. What ended by `over_us` takes no more. Only if it fits is there a
 * plan; then it must be carried out, with `late_from_us` as the time from which on a
 * bar's end makes the tick a correction. */
enum series_fit series_plan(struct series *series, const struct tick *tick,
                            int64_t over_us, struct series_plan *out);
void series_carry_out(struct series *series, const struct series_plan *plan,
                      int64_t late_from_us);

/* The symbol's ids begin anew: none has been seen. */
void series_forget_ids(struct series *series);

/* A trade came again that had been counted. */
void series_hear_again(struct series *series, const struct tick *tick);

/* The lane's oldest bar, NULL if it has none, and the same taken out, closed: the caller
 * frees it. */
struct series_bar *series_oldest(const struct series_lane *lane);
struct series_bar *series_close(struct series_lane *lane);

/* The earliest end of a bar; INT64_MAX if there is none. */
int64_t series_next_end(const struct series *series);

/* Sets the bar's change from its close and previous close. */
void series_set_change(struct bar *bar);

/* Goes on with a bar that was published: of each lane the newest, then, while it returns
 * true, the one published before that. `lateness_us`: how long bars stayed open after
 * their end, at most. */
bool series_remember(struct series *series, const struct bar *bar, int64_t lateness_us);

/* After all was remembered, with how long this series' bars stayed open. */
void series_begin(struct series *series, int64_t lateness_us);

#endif
