/* lease — whose turn it is: of the feeders with one name, the one that may publish.
 *
 * SPDX-License-Identifier: MIT
 *
 *     IDLE ─claim─▶ MEETING ─▶ CLAIMING ─▶ FENCING ─▶ HELD ─▶ (renewed at a third)
 *                                  │  ▲                 │
 *                         elsewhere▼  │                 ▼
 *                                 WAITING           lost, to another
 *
 * Redis keeps the lease (chrono_lease, feed.h); it is taken and renewed over the
 * connection that messages are published over. Before it is ours, Redis has closed the
 * connection that the last holder published over, so that nothing comes out of it any
 * more. Whether it still is ours the holder tells by its own clock, from the moment of
 * asking: one that stood still for too long is silent before it knows that another took
 * over. A lost connection does not end it: whoever comes back in time still has it.
 *
 * One that stands by gives the holder time to come back where Redis was away, and two
 * looks where Redis stood still.
 *
 * Without a name there is no lease, and it is always held.
 */
#ifndef FEEDER_LEASE_H
#define FEEDER_LEASE_H

#include <stdbool.h>

#include "feeder/config.h"

struct bus;
struct loop;
struct lease;

/* All run in the loop. */
struct lease_ops {
    /* It is ours, and has been since it was held last if `kept`; otherwise another may
     * have published meanwhile. */
    void (*on_held)(void *arg, bool kept);

    /* Another feeder has it. It is asked for until it is free, unless it was HELD: then
     * it has to be claimed anew, over a new connection. */
    void (*on_elsewhere)(void *arg);

    /* It was renewed, perhaps after its time. */
    void (*on_renewed)(void *arg);

    /* Redis refuses, in these words. Unless it was HELD it is to be claimed anew, later.
     */
    void (*on_refused)(void *arg, const char *why);

    /* It was let go of, after lease_release(). */
    void (*on_released)(void *arg);
};

/* Commands it has under way at once, at most, and as many that nobody waits for. */
#define LEASE_PENDING_MAX 4

/* NULL when out of memory. `bus`, `config`, `name` and `ops` must outlive it, and it the
 * bus's callbacks. */
struct lease *lease_create(struct loop *loop, struct bus *bus,
                           const struct feeder_config *config, const char *name,
                           const struct lease_ops *ops, void *arg);
void lease_destroy(struct lease *lease);

/* Asks for it over a new connection, or once more over the same. May call on_held at
 * once. */
void lease_claim(struct lease *lease);

/* The connection is lost, or given up. */
void lease_lost(struct lease *lease);

/* May messages be sent now? */
bool lease_is_valid(const struct lease *lease);

/* Lets go of it, so that another may have it at once. `idle` says that nothing sent is
 * without an answer. Returns false, and calls nothing, if there is nothing to let go of.
 */
bool lease_release(struct lease *lease, bool idle);

#endif
