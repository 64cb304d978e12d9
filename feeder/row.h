/* row — one row of a file of prices, put together from the texts of its columns: a tick,
 * or a bar.
 *
 * SPDX-License-Identifier: MIT
 *
 *     symbol            needed
 *     time              needed; as calendar_parse_stamp() reads it
 *     price             needed; of a bar, its close
 *     open, high, low   all three make it a bar, none a tick
 *     size              0 if missing or empty
 *     type              "stock" if missing or empty
 *     market            none if missing or empty
 *     id                none if missing or empty; the trade's, from 1 to 2^64 - 1
 */
#ifndef FEEDER_ROW_H
#define FEEDER_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "common/topic.h"
#include "feeder/columns.h"
#include "feeder/tick.h"

struct row {
    struct tick tick; /* its price is a bar's close */
    bool is_bar;
    struct decimal open, high, low; /* of a bar */

    bool has[COLUMNS]; /* what was taken */

    /* The texts of the tick, which makes a row impossible to copy. */
    char symbol_text[TOPIC_SYMBOL_MAX];
    char market_text[TOPIC_SYMBOL_MAX];
};

/* A row is begun, takes what there is in any order, and is ended. The last two return
 * NULL or what is wrong with the row, a constant; then it is of no more use. What belongs
 * to no column (COLUMNS) is ignored. */
void row_begin(struct row *row);
const char *row_take(struct row *row, enum column column, const char *text, size_t len);
const char *row_end(struct row *row);

#endif
