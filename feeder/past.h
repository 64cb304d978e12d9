/* past — what was published before this start: the histories, read newest first.
 *
 * SPDX-License-Identifier: MIT
 *
 * Looks for the histories of our topics and hands over the newest entry of each, topic by
 * topic, and further ones as long as they are wanted, PAST_ENTRIES_MAX of a topic at
 * most. Some topics are asked for at a time. Of more topics than max-symbols can have,
 * the others are left out, with one warning. A topic's entries come without a gap and
 * without another topic's between them, also if the connection was lost meanwhile.
 */
#ifndef FEEDER_PAST_H
#define FEEDER_PAST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/topic.h"
#include "feeder/config.h"

struct bus;
struct past;

#define PAST_ENTRIES_MAX 512

/* Commands it has under way at once, at most. */
#define PAST_PENDING_MAX 64

struct past_ops {
    /* Returns true if the entry before this one is wanted as well. What is passed lives
     * during the call. */
    bool (*on_entry)(void *arg, const struct topic *topic, const char *payload,
                     size_t len);

    /* All is read. Or Redis refused, in these words, and it is to be gone on with later.
     * Not called when the connection is lost. */
    void (*on_over)(void *arg, const char *refusal);
};

/* NULL when out of memory. `bus`, `config` and `ops` must outlive it, and it the bus's
 * callbacks. */
struct past *past_create(struct bus *bus, const struct feeder_config *config,
                         const struct past_ops *ops, void *arg);
void past_destroy(struct past *past);

/* Begins, or goes on where it was when the connection was lost or Redis refused. */
void past_read(struct past *past);

/* The next time it begins anew. */
void past_restart(struct past *past);

#endif
