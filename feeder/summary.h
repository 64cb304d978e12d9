/* summary — the state of each market, from the daily bars of its members.
 *
 * SPDX-License-Identifier: MIT
 *
 * A market's index weighs its members equally: 1000 times the mean of price over first
 * price seen. Its change is against the same index at the members' previous closes; a
 * member without one stands still in it. Volume is that of the members' trading days.
 * A member advances or declines when it is above or below its previous close.
 *
 * A market is reported when a member changed, at most once in SUMMARY_PAUSE_MS.
 */
#ifndef FEEDER_SUMMARY_H
#define FEEDER_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feeder/bar.h"

#define SUMMARY_PAUSE_MS 1000
#define SUMMARY_TEXT_MAX 320

struct summary;

/* A market has news: its topic and the payload, which live during the call. Must not
 * change the summary. */
typedef void (*summary_report_fn)(void *arg, const struct topic *topic,
                                  const char *payload, size_t len);

/* Returns NULL when out of memory. */
struct summary *summary_create(summary_report_fn on_report, void *arg);
void summary_destroy(struct summary *summary);

/* Takes in a symbol's bar; bars other than daily ones and those without a market do not
 * count. Returns false when out of memory. */
bool summary_bar(struct summary *summary, const struct bar *bar);

/* Reports the markets that are due. `now_ms` is monotonic. */
void summary_report(struct summary *summary, uint64_t now_ms);

#endif
