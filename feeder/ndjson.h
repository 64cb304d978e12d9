/* ndjson — one line of a file of JSON objects, each a row.
 *
 * SPDX-License-Identifier: MIT
 *
 *     {"symbol":"AAPL","time":"2025-09-22T05:16:02.8Z","price":150.25,"size":100}
 *
 * Members are what columns are in CSV (columns.h, row.h). A number may also stand in a
 * string, as venues write prices; null and "" are what an empty field is, and members
 * that no row knows may be anything.
 */
#ifndef FEEDER_NDJSON_H
#define FEEDER_NDJSON_H

#include <stddef.h>

#include "feeder/columns.h"
#include "feeder/row.h"

/* Takes a line without its line break. Returns NULL and fills *out, or returns what is
 * wrong with it, a constant; then *out is unspecified. */
const char *ndjson_parse_row(const struct columns *columns, const char *line, size_t len,
                             struct row *out);

#endif
