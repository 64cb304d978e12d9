/* publisher — messages to Redis: in sequence, pipelined at a bounded depth, kept while
 * Redis is away, and only while the lease is ours.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns the bus, the lease and the outbox. Each time the bus becomes CONNECTED the
 * function library is loaded and the lease claimed. The first time it is ours the
 * histories are read, and then what waits is sent by FCALL. If Redis refuses for now (out
 * of memory, a read-only replica, no permission, too old), the publisher says so once,
 * pauses, longer each time, and begins again with the library.
 *
 *     AWAY ─connected─▶ LOADING ─▶ CLAIMING ─▶ ASKING ─▶ READING ─▶ READY
 *       ▲                  ▲           │          │         │         │
 *       └─ lost, from any  │           ▼          ▼ refused ▼         ▼
 *                          └──────────────────── PAUSED ◀─────────────┘
 *
 * When another feeder has taken the lease since, all that waits is given up, and what
 * follows is a first time again.
 *
 * A message whose answer was lost with the connection may have been published or not.
 * Before anything is sent again the publisher asks Redis, by an inquiry: what was
 * published is not sent again, what was not is, in its place. Where Redis has lost its
 * data, all of it is sent again; where it does not tell, nothing, and that is counted as
 * unknown.
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

/* All run in the loop. */
struct publisher_ops {
    /* A message met its fate: there may be room for others. May publish. */
    void (*on_progress)(void *arg);

    /* What the histories have, as in past.h. */
    bool (*on_past)(void *arg, const struct topic *topic, const char *payload,
                    size_t len);

    /* The first time that all is ready. From now on may be published. */
    void (*on_begin)(void *arg);

    /* After on_begin: others have published since. Nothing may be published before the
     * next on_begin. */
    void (*on_end)(void *arg);

    /* The lease was let go of, after publisher_leave(). */
    void (*on_left)(void *arg);
};

/* Begins to connect. `name` is that of the lease, "" for none. When `max_waiting`
 * messages wait, one more makes the oldest be dropped. NULL when out of memory. `config`,
 * `name` and `ops` must outlive it. */
struct publisher *publisher_create(struct loop *loop, const struct feeder_config *config,
                                   const char *name, size_t max_waiting,
                                   const struct publisher_ops *ops, void *arg);

/* What waits is lost. Must not be called from a callback; calls none. */
void publisher_destroy(struct publisher *publisher);

/* Between on_begin and on_end only. Never refuses: what is too much goes by the outbox's
 * rules. No callback is called from within. */
void publisher_publish(struct publisher *publisher, const char *topic, size_t topic_len,
                       const char *payload, size_t len);

/* Lets go of the lease; nothing may be published any more. Returns false, and calls
 * nothing, if there is nothing to let go of. */
bool publisher_leave(struct publisher *publisher);

size_t publisher_waiting(const struct publisher *publisher);
bool publisher_idle(const struct publisher *publisher);
uint64_t publisher_count(const struct publisher *publisher, enum outbox_fate fate);

#endif
