/* columns — which of a file's names mean what: our own, and those of `--columns`.
 *
 * SPDX-License-Identifier: MIT
 *
 * A column of CSV and a member of NDJSON are the same here. By itself a file's name means
 * what ours in columns.c say, in any case. `--columns time=Date,price=Last` gives a
 * meaning another name, which is known by the letter and is then its only one; the name
 * may hold anything but a comma. Names without a meaning are ignored.
 */
#ifndef FEEDER_COLUMNS_H
#define FEEDER_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

enum column {
    COLUMN_SYMBOL, /* symbol */
    COLUMN_TIME,   /* time, date */
    COLUMN_PRICE,  /* price, close */
    COLUMN_OPEN,
    COLUMN_HIGH,
    COLUMN_LOW,
    COLUMN_SIZE, /* size, volume */
    COLUMN_TYPE,
    COLUMN_MARKET,
    COLUMN_ID, /* id, trade_id */
    COLUMNS    /* none of them */
};

struct columns {
    struct {
        const char *text; /* within the setting; NULL for our own names */
        size_t len;
    } given[COLUMNS];
};

#define COLUMNS_ERROR_MAX 160

/* Takes the setting apart, which must outlive *out; "" gives nothing another name.
 * Returns false and one line in `error` if it makes no sense. */
bool columns_parse(const char *text, struct columns *out, char error[COLUMNS_ERROR_MAX]);

/* What a file's name means. */
enum column columns_find(const struct columns *columns, const char *name, size_t len);

#endif
