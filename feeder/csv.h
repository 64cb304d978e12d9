/* csv — lines of comma-separated prices: the header's columns, and what a row says.
 *
 * SPDX-License-Identifier: MIT
 *
 * Columns are known by their names, in any order (columns.h), and a row says what it does
 * everywhere (row.h); a header with open, high and low makes all rows bars. Fields may
 * stand in double quotes (RFC 4180), but hold no line breaks.
 */
#ifndef FEEDER_CSV_H
#define FEEDER_CSV_H

#include <stddef.h>

#include "feeder/columns.h"
#include "feeder/row.h"

#define CSV_COLUMNS_MAX 64

struct csv_header {
    size_t count;
    enum column columns[CSV_COLUMNS_MAX]; /* COLUMNS where unknown */
};

/* Both take a line without its line break and return NULL, or what is wrong with it, a
 * constant; then *out is unspecified. The line's quoted fields are unescaped in place. */
const char *csv_parse_header(const struct columns *columns, char *line, size_t len,
                             struct csv_header *out);
const char *csv_parse_row(const struct csv_header *header, char *line, size_t len,
                          struct row *out);

#endif
