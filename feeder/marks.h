/* marks — behind which id of its history each channel's next message will be.
 *
 * SPDX-License-Identifier: MIT
 *
 * That is the last id that Redis answered with for the channel. The floor stands in for
 * it as long as there is none, and when it had to be forgotten: beyond `max` channels the
 * one that was first marked goes.
 */
#ifndef FEEDER_MARKS_H
#define FEEDER_MARKS_H

#include <stddef.h>

#include "common/feed.h"

struct marks;

/* The floor is 0-0. NULL when out of memory. */
struct marks *marks_create(size_t max);
void marks_destroy(struct marks *marks);

/* Forgets every mark. */
void marks_restart(struct marks *marks, struct feed_id floor);

/* When out of memory the mark is forgotten. */
void marks_set(struct marks *marks, const char *channel, size_t len, struct feed_id id);

struct feed_id marks_get(const struct marks *marks, const char *channel, size_t len);

#endif
