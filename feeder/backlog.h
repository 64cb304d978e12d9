/* backlog — the newest ticks of live sources, kept while nobody may publish them.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns copies of the ticks, in the order they came. When `max` wait, one more makes the
 * oldest be dropped.
 */
#ifndef FEEDER_BACKLOG_H
#define FEEDER_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

#include "feeder/tick.h"

struct backlog;

struct backlog_entry {
    struct backlog_entry *next;
    unsigned owner;
    uint64_t at_ms; /* when it came */
    struct tick tick;
    char texts[]; /* its symbol and its market */
};

/* Returns NULL when out of memory. */
struct backlog *backlog_create(size_t max);
void backlog_destroy(struct backlog *backlog);

/* `now_ms` never goes back. When out of memory the tick is dropped. */
void backlog_push(struct backlog *backlog, unsigned owner, const struct tick *tick,
                  uint64_t now_ms);

/* Lets go of what came before then. */
void backlog_forget(struct backlog *backlog, uint64_t before_ms);

/* NULL if there is none; lives until backlog_pop() or another change. */
const struct backlog_entry *backlog_oldest(const struct backlog *backlog);
void backlog_pop(struct backlog *backlog);

size_t backlog_count(const struct backlog *backlog);

/* So far, for lack of room and as too old. */
uint64_t backlog_dropped(const struct backlog *backlog);

#endif
