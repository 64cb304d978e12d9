/* tape — everything the feeder says: ticks of all sources in, messages out.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns the bars and the summaries. A tick becomes up to nine closed bars and nine updated
 * ones; ready messages pass through. Each comes out as a topic and a payload.
 */
#ifndef FEEDER_TAPE_H
#define FEEDER_TAPE_H

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
