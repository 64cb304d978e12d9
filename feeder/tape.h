/* tape — everything the feeder says: ticks of all sources in, messages out.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns the bars and the summaries. Ticks become messages about bars and markets at the
 * pace of bars.h and summary.h; ready messages pass through. Each comes out as a topic
 * and a payload, and follows from the ticks and their clocks alone, never from the time
 * of day.
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

struct tape_rules {
    struct bars_rules bars;
    const char *weights; /* as in weights.h; must outlive the tape */
};

/* The texts live during the call, which must not come back to the tape. */
typedef void (*tape_message_fn)(void *arg, const char *topic, size_t topic_len,
                                const char *payload, size_t len);

/* Returns NULL when out of memory. */
struct tape *tape_create(const struct tape_rules *rules, tape_message_fn on_message,
                         void *arg);
void tape_destroy(struct tape *tape);

/* `owner` as in bars.h, everywhere. */

/* As bars_expect_disorder(). */
void tape_expect_disorder(struct tape *tape, unsigned owner, int64_t lateness_us);

/* What the newest entry of a topic's history says, so that its bar or index goes on where
 * it was. Before any tick. Returns true if the entry before it is wanted as well, to be
 * given next. After all, tape_begin(). */
bool tape_remember(struct tape *tape, const struct topic *topic, const char *payload,
                   size_t len);
void tape_begin(struct tape *tape);

/* The last price of the symbol of which type and name are given, of this run or the last.
 * False if there is none. */
bool tape_last_price(const struct tape *tape, const struct tick *symbol,
                     struct decimal *out);

/* The newest time that was remembered of the owner's symbols; INT64_MIN if there is none.
 */
int64_t tape_remembered_us(const struct tape *tape, unsigned owner);

/* A tick moves its owner's clock to its time, whether it is taken or refused; refused
 * ones are counted by their reason. */
void tape_claim(struct tape *tape, unsigned owner, const struct tick *tick);
void tape_tick(struct tape *tape, unsigned owner, const struct tick *tick);
void tape_message(struct tape *tape, const struct topic *topic, const char *payload,
                  size_t len);

/* The owner's clock reached `now_us`: what is due by then is said. */
void tape_clock(struct tape *tape, unsigned owner, int64_t now_us);

/* The owner has no more ticks. */
void tape_end(struct tape *tape, unsigned owner);

/* Says what is still to be said, before its time. */
void tape_flush(struct tape *tape);

/* Ticks so far with the given fate. */
uint64_t tape_ticks(const struct tape *tape, enum bars_result fate);

/* Of those taken, the ones without a size; and trades that never came (bars_missed()). */
uint64_t tape_sizeless(const struct tape *tape);
uint64_t tape_missed(const struct tape *tape);

#endif
