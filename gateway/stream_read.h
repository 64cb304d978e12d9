/* stream_read — reads a stream of Redis from its newest entry backwards, a page at a
 * time.
 *
 * SPDX-License-Identifier: MIT
 *
 * As far as was asked, and no more bytes than are of use: pages are sized by what came
 * before. One read is one object, which frees itself when it is over; it can't be called
 * off. https://redis.io/docs/latest/commands/xrevrange/
 */
#ifndef GATEWAY_STREAM_READ_H
#define GATEWAY_STREAM_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "common/feed.h"

struct bus;

struct stream_read_range {
    struct feed_id from; /* not what is before it */
    size_t max_entries;
    size_t max_bytes; /* of payloads; the entry that reaches it is the last */
};

enum stream_read_end {
    STREAM_READ_WHOLE, /* all there is from `from` on */
    STREAM_READ_CUT,   /* at max_entries or max_bytes; there may be more */
    STREAM_READ_LOST,  /* the connection, or memory */
    STREAM_READ_REFUSED
};

struct stream_read_ops {
    /* An entry, the newest first. `payload` is the value of its field `d`, NULL if it has
     * none, and lives during the call. Returns false to give up: STREAM_READ_LOST. */
    bool (*on_entry)(void *arg, struct feed_id id, const char *payload, size_t len);

    /* The last call. `why` is Redis's refusal with STREAM_READ_REFUSED, or else NULL. */
    void (*on_over)(void *arg, enum stream_read_end end, const char *why);
};

/* Returns false, and will not call anything, if it can't be asked now. `ops` must outlive
 * the read. */
bool stream_read_begin(struct bus *bus, const char *key, size_t key_len,
                       const struct stream_read_range *range,
                       const struct stream_read_ops *ops, void *arg);

#endif
