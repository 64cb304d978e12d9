/* line — one line of the stdin source: a ready message, or a tick.
 *
 * SPDX-License-Identifier: MIT
 *
 *     {"topic":"stock.AAPL.1m","data":{"price":150.25}}
 *     {"topic":"stock.AAPL","price":150.25,"size":100,"time":"2025-09-22T05:16:02Z",
 *      "market":"US","id":28457}
 *
 * A line with `data` is a message: its topic is a whole one, and data, a JSON object, is
 * published byte for byte. A line with `price` is a tick: its topic is type and symbol;
 * size (0), time (now), market (none) and id (none) may be missing. time is a string or a
 * number, as calendar_parse_stamp() reads it; id, the trade's, is a number from 1 to
 * 2^64 - 1. Other members are ignored. Of members with the same name the last one counts.
 */
#ifndef FEEDER_LINE_H
#define FEEDER_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/topic.h"
#include "feeder/tick.h"

struct line {
    bool is_tick;

    /* Of a message. The payload points into the line. */
    struct topic topic;
    const char *payload;
    size_t payload_len;

    /* Of a tick. */
    struct tick tick;
    bool has_time;

    /* The texts of topic and tick, which makes a line impossible to copy. */
    char topic_text[TOPIC_MAX];
    char market_text[TOPIC_SYMBOL_MAX];
};

/* Takes a line without its line break. Returns NULL and fills *out, or returns what is
 * wrong with the line, a constant; then *out is unspecified. */
const char *line_parse(const char *text, size_t len, struct line *out);

#endif
