/* inquiry — asks Redis which of the messages whose answers were lost it has published.
 *
 * SPDX-License-Identifier: MIT
 *
 * Redis may still have commands of the lost connection to read, however late, so it is
 * told first to close that one from its side. Then, channel by channel, the history is
 * read from the last id that is known (or, before the channel's first answer, from the
 * time at which the connection was made, as Redis told it), and the outbox judges.
 *
 * What Redis will not tell stays unknown; the first time, a line of the log says so.
 */
#ifndef FEEDER_INQUIRY_H
#define FEEDER_INQUIRY_H

#include <stdbool.h>
#include <stddef.h>

#include "feeder/outbox.h"

struct bus;
struct inquiry;

/* The inquiry is over: nothing is in doubt any more. Or Redis refused for now, in these
 * words, and it is to be begun again later. Not called when the connection is lost. */
typedef void (*inquiry_over_fn)(void *arg, const char *refusal);

/* Commands it has under way at once, at most. */
#define INQUIRY_PENDING_MAX 2

/* NULL when out of memory. `bus` and `outbox` must outlive it, and it the bus's
 * callbacks. */
struct inquiry *inquiry_create(struct bus *bus, struct outbox *outbox,
                               inquiry_over_fn on_over, void *arg);
void inquiry_destroy(struct inquiry *inquiry);

/* Asks a new connection for what an inquiry about it would need. To be called before
 * anything else is sent over it. Returns false if that could not be sent. */
bool inquiry_meet(struct inquiry *inquiry);

/* From now on messages are sent over the connection that was met last. Nothing may be in
 * doubt. */
void inquiry_trust(struct inquiry *inquiry);

/* Redis answered to a message with its id. */
void inquiry_note(struct inquiry *inquiry, const struct outbox_message *message,
                  const char *id, size_t len);

/* Begins the inquiry, over the connection that was met last, about what was sent over the
 * one that was trusted. May call on_over at once. */
void inquiry_begin(struct inquiry *inquiry);

#endif
