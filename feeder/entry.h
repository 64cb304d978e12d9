/* entry — one entry of a history, as Redis answers with it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef FEEDER_ENTRY_H
#define FEEDER_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/feed.h"

struct bus_reply;

struct entry {
    struct feed_id id;
    const char *payload; /* lives as long as the reply; NULL if it has other fields than
                          * `d`: then it is none of ours */
    size_t payload_len;
};

/* Returns false if this is no entry: a list of its id and of its fields. */
bool entry_read(const struct bus_reply *reply, struct entry *out);

/* Returns false if this is not the text of an id. */
bool entry_read_id(const struct bus_reply *reply, struct feed_id *out);

#endif
