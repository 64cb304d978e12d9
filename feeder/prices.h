/* prices — all prices of a file, in memory and in the order of time.
 *
 * SPDX-License-Identifier: MIT
 *
 * The file (file.h) holds NDJSON if its first byte that is no white space is a brace, and
 * CSV otherwise; empty lines are skipped. A row that is a bar becomes four prices within
 * its time: open, then low and high (high and low if the bar fell), then close, its
 * volume shared among them, so that the bar comes out again as it went in; one of a day
 * or more that is told by its date begins when the session's day does. Left out are
 * rows outside of --from and --to and those whose id their symbol had before.
 */
#ifndef FEEDER_PRICES_H
#define FEEDER_PRICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feeder/source.h"

struct prices_symbol;

/* As small as can be: there may be a hundred million. */
struct price {
    int64_t time_us;
    int64_t price; /* mantissas */
    int64_t size;
    uint32_t order; /* in the file, for equal times */
    uint32_t symbol : 22;
    uint32_t price_scale : 5;
    uint32_t size_scale : 5;
};

struct prices {
    struct prices_symbol *table;
    struct prices_symbol **symbols; /* in the order of the file */
    size_t symbol_count;
    size_t symbol_room;

    struct price *list;
    size_t count; /* at least 1 */
    size_t room;
    int64_t end_us; /* when the last row is over */

    uint64_t rows;    /* that were usable */
    uint64_t doubles; /* that had come before */
};

/* Loads what `config` says. Lines that are skipped go to the sink. Returns false and one
 * line in `error` if it can't be; *out is to be freed all the same. */
bool prices_load(struct prices *out, const struct feeder_config *config,
                 const struct source_sink *sink, void *arg, char error[SOURCE_ERROR_MAX]);
void prices_finish(struct prices *prices);

/* The tick a price is; its texts belong to the prices. */
struct tick prices_tick(const struct prices *prices, const struct price *price);

/* How many prices the symbol at this place has, and what it is called. */
uint64_t prices_of_symbol(const struct prices *prices, size_t place, struct tick *out);

#endif
