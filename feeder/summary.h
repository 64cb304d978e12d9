/* summary — the state of each market, from the daily bars of its members.
 *
 * SPDX-License-Identifier: MIT
 *
 * A market's index begins at 1000. During a trading day it is what it was at the end of
 * the day before, times the mean of its members' prices over their previous closes; the
 * members weigh the same, or as they are told to. A member without a previous close is
 * measured from the open of its day instead. Who has not traded yet on the market's day,
 * the newest of its members' days, stands still and has no volume.
 *
 * A market is reported when a member changed, at most once in SUMMARY_PAUSE_US of its
 * owner's clock (bars.h), and once more when its next day begins and the last report is
 * not what the index begins that day from. It belongs to the owner of its first member.
 */
#ifndef FEEDER_SUMMARY_H
#define FEEDER_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feeder/bar.h"

#define SUMMARY_PAUSE_US INT64_C(1000000)
#define SUMMARY_TEXT_MAX 360

struct summary;

/* A market has news: its topic and the payload, which live during the call. Must not
 * change the summary. */
typedef void (*summary_report_fn)(void *arg, const struct topic *topic,
                                  const char *payload, size_t len);

/* `weights` as in weights.h; it must outlive the summary. Returns NULL when out of
 * memory.
 */
struct summary *summary_create(const char *weights, summary_report_fn on_report,
                               void *arg);
void summary_destroy(struct summary *summary);

/* Goes on with a market that was reported before this start. What is no such report is
 * ignored. */
void summary_remember(struct summary *summary, const struct topic *topic,
                      const char *payload, size_t len);

/* Takes in a symbol's bar; bars other than daily ones and those without a market do not
 * count. Returns false when out of memory. */
bool summary_bar(struct summary *summary, const struct bar *bar);

/* The same for a bar that was published before this start: it is no news, unless the
 * market was not reported since. */
bool summary_join(struct summary *summary, const struct bar *bar);

/* When the owner's next report is due; INT64_MAX if none is. */
int64_t summary_due_us(const struct summary *summary, unsigned owner);

/* Reports the owner's markets that are due at `now_us`, by the owner's clock. */
void summary_report(struct summary *summary, unsigned owner, int64_t now_us);

/* Reports everything that has news, due or not. */
void summary_flush(struct summary *summary);

#endif
