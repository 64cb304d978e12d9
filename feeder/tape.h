/* tape — everything the feeder says: ticks of all sources in, messages out.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns the bars and the summaries. A tick becomes up to nine closed bars and nine updated
 * ones; ready messages pass through. Each comes out as a topic and a payload.
 */
#ifndef FEEDER_TAPE_H
#define FEEDER_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/topic.h"
#include "feeder/bars.h"
#include "feeder/tick.h"

struct tape;

/* The texts live during the call, which must not come back to the tape. */
typedef void (*tape_message_fn)(void *arg, const char *topic, size_t topic_len,
                                const char *payload, size_t len);

/* Returns NULL when out of memory. */
struct tape *tape_create(size_t max_symbols, tape_message_fn on_message, void *arg);
void tape_destroy(struct tape *tape);

/* What the newest entry of a topic's history says, so that its bar or index goes on where
 * it was. To be called before anything else. Returns true if the entry before it is
 * wanted as well, to be given next. */
bool tape_remember(struct tape *tape, const struct topic *topic, const char *payload,
                   size_t len);

/* The last price of the symbol of which type and name are given, of this run or the last.
 * False if there is none. */
bool tape_last_price(const struct tape *tape, const struct tick *symbol,
                     struct decimal *out);

/* The newest time that was remembered of the owner's symbols; INT64_MIN if there is none.
 */
int64_t tape_remembered_us(const struct tape *tape, unsigned owner);

/* `owner` as in bars.h. Refused ticks are counted by their reason. */
void tape_claim(struct tape *tape, unsigned owner, const struct tick *tick);
void tape_tick(struct tape *tape, unsigned owner, const struct tick *tick);
void tape_message(struct tape *tape, const struct topic *topic, const char *payload,
                  size_t len);

/* The owner's clock reached `now_us`. */
void tape_clock(struct tape *tape, unsigned owner, int64_t now_us);

/* Says the summaries that are due; `now_ms` is monotonic. */
void tape_summaries(struct tape *tape, uint64_t now_ms);

/* Ticks so far with the given fate. */
uint64_t tape_ticks(const struct tape *tape, enum bars_result fate);

#endif
