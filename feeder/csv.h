/* csv — lines of comma-separated prices: the header's columns, and what a row says.
 *
 * SPDX-License-Identifier: MIT
 *
 * Columns are known by name, in any order and any case; unknown ones are ignored.
 *     symbol                     needed
 *     date or time               needed; as calendar_parse() reads it
 *     price or close             needed
 *     open, high, low            all three make each row a bar, none a tick
 *     size or volume             0 if missing or empty
 *     type                       "stock" if missing or empty
 *     market                     none if missing or empty
 * Fields may stand in double quotes (RFC 4180), but hold no line breaks.
 */
#ifndef FEEDER_CSV_H
#define FEEDER_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feeder/tick.h"

#define CSV_COLUMNS_MAX 64

enum csv_column {
    CSV_SYMBOL,
    CSV_TIME,
    CSV_CLOSE,
    CSV_OPEN,
    CSV_HIGH,
    CSV_LOW,
    CSV_SIZE,
    CSV_TYPE,
    CSV_MARKET,
    CSV_COLUMNS
};

struct csv_header {
    size_t count;
    enum csv_column columns[CSV_COLUMNS_MAX]; /* CSV_COLUMNS where unknown */
    bool bars;                                /* rows have open, high and low */
};

struct csv_row {
    struct tick tick; /* its price is the row's close; texts point into the line */
    struct decimal open, high, low; /* when the header says bars */
};

/* Both take a line without its line break and return NULL, or what is wrong with it, a
 * constant; then *out is unspecified. The line's quoted fields are unescaped in place. */
const char *csv_parse_header(char *line, size_t len, struct csv_header *out);
const char *csv_parse_row(const struct csv_header *header, char *line, size_t len,
                          struct csv_row *out);

#endif
