/* tick — one trade, or one price, of one symbol, as a source reports it.
 *
 * SPDX-License-Identifier: MIT
 *
 * A plain value. Its texts belong to whoever made it and live during the call it is
 * handed to.
 */
#ifndef FEEDER_TICK_H
#define FEEDER_TICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/topic.h"
#include "feeder/decimal.h"

struct tick {
    enum topic_type type; /* not TOPIC_MARKET */
    const char *symbol;   /* fit for a topic */
    size_t symbol_len;
    const char *market; /* whose summary it counts in; fit for a topic's symbol */
    size_t market_len;  /* 0 if it counts in none */
    struct decimal price;
    struct decimal size; /* 0 for a price without a trade */
    int64_t time_us;     /* UTC, as in calendar.h */

    /* Of the trade, growing within its symbol; 0 if it has none. The same trade is never
     * counted twice, not even after a restart. */
    uint64_t id;
    bool sequential; /* the symbol's ids count up by one: a wider step is a loss */

    /* The close of the day before, where the source knows it; only a symbol's first tick
     * is asked. */
    bool has_previous_close;
    struct decimal previous_close;
};

#endif
