/* outbox — messages on their way to Redis: waiting, or in flight.
 *
 * SPDX-License-Identifier: MIT
 *
 *     push ─▶ [ waiting … ] ─▶ sent ─▶ [ in flight … ] ─▶ answered
 *                   ▲                        │
 *                   └────── refused ─────────┘
 *
 * Owns the messages and keeps their order: no topic's message is published after a newer
 * one of the same topic. When max_waiting wait, one more makes the oldest be dropped.
 * What Redis refuses for now goes back to the front once everything in flight is
 * answered, and until then nothing more is sent.
 */
#ifndef FEEDER_OUTBOX_H
#define FEEDER_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outbox;

struct outbox_message {
    struct outbox_message *next;
    bool refused;
    size_t channel_len;
    size_t payload_len;
    char bytes[]; /* the channel, then the payload */
};

enum outbox_fate {
    OUTBOX_PUBLISHED,
    OUTBOX_UNKNOWN,  /* the connection was lost before the answer: never sent again */
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

/* The oldest in flight that had no answer yet has met its fate. */
void outbox_answered(struct outbox *outbox, enum outbox_fate fate);

/* Instead: it was refused for now, and will wait again. */
void outbox_refused(struct outbox *outbox);

size_t outbox_waiting(const struct outbox *outbox);
size_t outbox_in_flight(const struct outbox *outbox);

/* Messages so far that met the fate. */
uint64_t outbox_count(const struct outbox *outbox, enum outbox_fate fate);

#endif
