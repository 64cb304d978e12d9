/* bar — open, high, low, close and volume of one symbol over one interval, as published.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef FEEDER_BAR_H
#define FEEDER_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/topic.h"
#include "feeder/decimal.h"

struct bar {
    struct topic topic; /* its symbol, like the market, belongs to whoever made the bar */
    const char *market; /* whose summary it counts in */
    size_t market_len;  /* 0 if in none */
    uint32_t series;    /* a number for the symbol, counted from 0 as symbols appear */
    unsigned owner;     /* as in bars.h */
    int64_t start_us;
    struct decimal open;
    struct decimal high;
    struct decimal low;
    struct decimal close;
    struct decimal volume;
    uint64_t trades;  /* ticks */
    uint64_t last_id; /* the highest trade id among them, 0 if they have none */

    /* Close of the trading day before, and the close against it. Without one, both
     * changes are 0. */
    bool has_previous;
    struct decimal previous_close;
    struct decimal change;
    struct decimal change_percent;

    bool closed;     /* the last message of this bar */
    bool correction; /* a tick came for it after its end */
    int64_t time_us; /* of its newest tick; its end when closed */
};

#define BAR_TEXT_MAX 720

/* Writes the payload that is published for the bar, a JSON object, with a terminating
 * zero, and returns its length. */
size_t bar_format(char out[BAR_TEXT_MAX + 1], const struct bar *bar);

/* Reads such a payload back, for going on with the bar. Of *out the topic is the one
 * given; market, series and owner are nobody's, the changes 0. Returns false if it is not
 * a bar of that topic's interval, or none that could be. */
bool bar_parse(const char *text, size_t len, const struct topic *topic, struct bar *out);

#endif
