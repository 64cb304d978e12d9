/* outbox — messages on their way to Redis: waiting, in flight, or in doubt.
 *
 * SPDX-License-Identifier: MIT
 *
 *     push ─▶ [ waiting … ] ─▶ sent ─▶ [ in flight … ] ─▶ answered
 *                 ▲   ▲                  │       │
 *                 │   └───── refused ────┘       │ lost
 *                 │                              ▼
 *                 └──────────── judged ◀─ [ in doubt … ] ─▶ judged
 *
 * Owns the messages and keeps their order: no topic's message is published after a newer
 * one of the same topic. When max_waiting wait, one more makes the oldest be dropped.
 * What Redis refuses for now goes back to the front once everything in flight is
 * answered, and until then nothing more is sent.
 *
 * When the connection is lost, what is in flight is in doubt, and nothing is sent until
 * that is over. Redis carries out commands in their order and the histories tell how far
 * it came: outbox_doubt() names a channel, outbox_seen() is shown its history, and
 * outbox_judge() draws the conclusion. After the last channel, what was not published
 * waits again, before the others.
 */
#ifndef FEEDER_OUTBOX_H
#define FEEDER_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/feed.h"

struct outbox;

enum outbox_verdict {
    OUTBOX_IS_OPEN,
    OUTBOX_WAS_SEEN,      /* in the history of a channel that is not judged yet */
    OUTBOX_WAS_PUBLISHED, /* judged: */
    OUTBOX_GOES_AGAIN,    /* also: refused */
    OUTBOX_STAYS_UNKNOWN
};

struct outbox_message {
    struct outbox_message *next;
    enum outbox_verdict verdict;
    size_t channel_len;
    size_t payload_len;
    char bytes[]; /* the channel, then the payload */
};

enum outbox_fate {
    OUTBOX_PUBLISHED,
    OUTBOX_UNKNOWN,  /* its answer was lost and its history does not tell: not sent again
                      */
    OUTBOX_REJECTED, /* Redis will not have this message */
    OUTBOX_DROPPED,  /* too many waited; or refused while a newer one was not */
    OUTBOX_FATES
};

/* Returns NULL when out of memory. */
struct outbox *outbox_create(size_t max_waiting, size_t max_in_flight);
void outbox_destroy(struct outbox *outbox);

/* Lets a message wait. When out of memory it is dropped. */
void outbox_push(struct outbox *outbox, const char *channel, size_t channel_len,
                 const char *payload, size_t payload_len);

/* The message to send next; NULL if none waits or none may be sent now. */
const struct outbox_message *outbox_next(const struct outbox *outbox);

/* The message that outbox_next() gave is in flight now. */
void outbox_sent(struct outbox *outbox);

/* The oldest in flight, whose answer comes next; NULL if there is none. */
const struct outbox_message *outbox_oldest(const struct outbox *outbox);

/* The oldest in flight has met its fate. */
void outbox_answered(struct outbox *outbox, enum outbox_fate fate);

/* Instead: it was refused for now, and will wait again. */
void outbox_refused(struct outbox *outbox);

/* No more answers will come: what is in flight is in doubt. If it is already, what was
 * seen of a channel that is not judged yet is forgotten. */
void outbox_lost(struct outbox *outbox);

/* The oldest message in doubt of the channel to be judged; NULL if nothing is in doubt.
 */
const struct outbox_message *outbox_doubt(const struct outbox *outbox);

/* The channel's history has this entry. To be called for the entries after the base, in
 * their order. The base is an entry's id, or a place between two, that is surely before
 * the channel's messages in doubt and as close to them as is known. An entry counts for
 * the next message with its payload; others' entries may be among ours. */
void outbox_seen(struct outbox *outbox, struct feed_id id, const char *payload,
                 size_t len);

/* Every message in doubt of the channel was seen: further entries need not be. */
bool outbox_all_seen(const struct outbox *outbox);

/* Judges the channel. No entry from `oldest` on can be missing in what was shown.
 *   Seen: published.
 *   Not seen, but a newer one: if nothing after the base is missing it was refused, and
 *     is too late now; otherwise it was published and has left the history since.
 *   Newer than the last one seen: if nothing after that one, or the base, is missing, it
 *     was not published and waits again; otherwise it stays unknown. */
void outbox_judge(struct outbox *outbox, struct feed_id base, struct feed_id oldest);

/* Gives up all that waits, is refused or in doubt; nothing may be in flight. Returns how
 * many: dropped, and unknown where they were in doubt. */
size_t outbox_abandon(struct outbox *outbox);

/* Waiting, refused or in doubt. */
size_t outbox_waiting(const struct outbox *outbox);
size_t outbox_in_flight(const struct outbox *outbox);
size_t outbox_in_doubt(const struct outbox *outbox);

/* Messages so far that met the fate. */
uint64_t outbox_count(const struct outbox *outbox, enum outbox_fate fate);

#endif
