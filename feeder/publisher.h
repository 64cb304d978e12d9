/* publisher — messages to Redis: in sequence, pipelined at a bounded depth, kept while
 * Redis is away.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns the bus and the outbox. Each time the bus becomes CONNECTED the function library
 * is loaded, then what waits is sent by FCALL. If Redis refuses for now (out of memory, a
 * read-only replica, no permission, too old), the publisher says so once, pauses, longer
 * each time, and begins again with the library.
 *
 *     AWAY ──connected──▶ LOADING ──loaded──▶ READY
 *       ▲                  ▲   │ │              │ ▲
 *       └─ lost, from any  │   │ └─▶ ASKING ────┼─┘
 *                          │   │        │       │
 *                          │   ▼ refused▼       ▼
 *                          └─ PAUSED ◀──────────┘
 *
 * A message whose answer was lost with the connection may have been published or not.
 * Before anything is sent again the publisher asks Redis, by an inquiry: what was
 * published is not sent again, what was not is, in its place. Where Redis has lost its
 * data, all of it is sent again; where it does not tell, nothing, and that is counted as
 * unknown.
 *
 * Pacing, one day, belongs between publisher_publish() and the outbox.
 */
#ifndef FEEDER_PUBLISHER_H
#define FEEDER_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feeder/config.h"
#include "feeder/outbox.h"

struct loop;
struct publisher;

/* A message met its fate: there may be room for others. Runs in the loop, may publish. */
typedef void (*publisher_progress_fn)(void *arg);

/* Begins to connect. NULL when out of memory. `config` must outlive it. */
struct publisher *publisher_create(struct loop *loop, const struct feeder_config *config,
                                   publisher_progress_fn on_progress, void *arg);

/* What waits is lost. Must not be called from on_progress. */
void publisher_destroy(struct publisher *publisher);

/* Never refuses: what is too much goes by the outbox's rules. on_progress is not called
 * from within. */
void publisher_publish(struct publisher *publisher, const char *topic, size_t topic_len,
                       const char *payload, size_t len);

size_t publisher_waiting(const struct publisher *publisher);
bool publisher_idle(const struct publisher *publisher);
uint64_t publisher_count(const struct publisher *publisher, enum outbox_fate fate);

#endif
