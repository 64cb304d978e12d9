/* weights — how much symbols count in their market's index: AAPL=2.5,MSFT=2.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef FEEDER_WEIGHTS_H
#define FEEDER_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "feeder/decimal.h"

#define WEIGHTS_DECIMALS_MAX 4

/* Whether the text is a list of weights, which may be empty: above 0, at most 1000000,
 * with at most WEIGHTS_DECIMALS_MAX decimals. */
bool weights_are(const char *text);

/* The symbol's weight in such a list; 1 if it is not named. */
struct decimal weights_get(const char *text, const char *symbol, size_t symbol_len);

#endif
