/* topic — the grammar of topics: {type}.{symbol}.{interval}.
 *
 * SPDX-License-Identifier: MIT
 *
 * The type is the text before the first dot, the interval the text after the last, the
 * symbol all between. Case matters, nothing is trimmed, there are no wildcards.
 *   type      stock crypto futures options commodity market
 *   interval  1m 5m 15m 30m 1h 4h 1d 1w 1M; `summary` for market, and for market only
 *   symbol    1..32 bytes of letters, digits and . _ - ^ = / : + @ & , no dot at its ends
 */
#ifndef COMMON_TOPIC_H
#define COMMON_TOPIC_H

#include <stdbool.h>
#include <stddef.h>

#define TOPIC_SYMBOL_MAX 32
#define TOPIC_MAX        47 /* bytes of market.{symbol}.summary, the longest; without a zero */

enum topic_type {
    TOPIC_STOCK,
    TOPIC_CRYPTO,
    TOPIC_FUTURES,
    TOPIC_OPTIONS,
    TOPIC_COMMODITY,
    TOPIC_MARKET,
    TOPIC_TYPES
};

enum topic_interval {
    TOPIC_1M, /* one minute */
    TOPIC_5M,
    TOPIC_15M,
    TOPIC_30M,
    TOPIC_1H,
    TOPIC_4H,
    TOPIC_1D,
    TOPIC_1W,
    TOPIC_1MO, /* one month, written 1M */
    TOPIC_INTERVALS,
    TOPIC_SUMMARY = TOPIC_INTERVALS
};

struct topic {
    enum topic_type type;
    enum topic_interval interval;
    const char *symbol; /* points into the parsed text */
    size_t symbol_len;
};

/* Returns true and fills *out if the text is a topic; otherwise *out stays untouched. */
bool topic_parse(const char *text, size_t len, struct topic *out);

/* Returns true if the text may be the symbol of a topic. */
bool topic_is_symbol(const char *text, size_t len);

/* Writes the topic's text with a terminating zero and returns its length. `topic` must
 * hold a valid symbol and an interval that goes with its type. */
size_t topic_format(char out[TOPIC_MAX + 1], const struct topic *topic);

const char *topic_type_name(enum topic_type type);
const char *topic_interval_name(enum topic_interval interval);

/* Returns true and sets *out if the text names a type, as in "stock". */
bool topic_type_parse(const char *text, size_t len, enum topic_type *out);

#endif
