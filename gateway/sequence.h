/* sequence — the order of one topic's messages: what comes next, and what is missing.
 *
 *                first message, or history
 *      UNKNOWN ─────────────────────────────▶ WHOLE ◀───────────┐
 *                                               │               │ history
 *                                               │ a loss        │
 *                                               └────▶ BROKEN ──┘
 *
 * SPDX-License-Identifier: MIT
 *
 * Each message names the one before it (feed.h), so a loss shows with the next message;
 * sequence_break() tells of one that is suspected. While BROKEN, messages are held back
 * until the history has told what was missed. Whatever happens, ids go up: what is not
 * above the last one was delivered already and is dropped.
 *
 * It also keeps the newest message, for snapshots, and on demand the tail: the messages
 * before it, for replays.
 */
#ifndef GATEWAY_SEQUENCE_H
#define GATEWAY_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/feed.h"

struct frame;

/* A message with its place. `frame` is NULL if no client may see it. */
struct sequence_item {
    struct feed_id id;
    struct feed_id prev; /* not used in a history, where it is the entry before */
    struct frame *frame;
};

/* Items in order, bounded by count and bytes. */
struct sequence_run {
    struct sequence_item *items; /* `capacity` places, a power of two; NULL when empty */
    uint32_t first;
    uint32_t count;
    uint32_t capacity;
    size_t bytes;
};

/* Zero bytes are UNKNOWN. */
struct sequence {
    struct feed_id last;      /* of what was delivered; 0-0 before the first message */
    struct feed_id expect;    /* what the next message should name as the one before it */
    struct frame *newest;     /* NULL if there is none */
    struct sequence_run tail; /* what came behind `base`, if it is kept */
    struct sequence_run held; /* while BROKEN */
    struct feed_id base;
    struct feed_id doubted; /* a held message that did not link to the history */
    bool known;
    bool broken;
    bool keeps_tail;
    bool tail_is_all; /* the tail reaches back as far as replays may */
    bool lost_held;   /* more was held back than may be */
    bool any_next;    /* the history can't be read: the next message is believed */
};

/* Where messages go. */
struct sequence_sink {
    void (*deliver)(void *arg, struct frame *frame);

    /* What was behind `after` is lost. If the history goes on above it, its newest
     * message is the sequence's `last` and `newest` by now. */
    void (*gap)(void *arg, struct feed_id after);

    /* A message was thrown away that neither the history has nor follows on one in it. */
    void (*unlinked)(void *arg);
    void *arg;
};

struct sequence_limits {
    size_t items; /* of the tail, and of what is held back */
    size_t bytes;
};

void sequence_finish(struct sequence *sequence);

/* A message came from the channel. Takes references of its own. Returns false if it was
 * delivered before. */
bool sequence_message(struct sequence *sequence, const struct sequence_item *item,
                      const struct sequence_limits *limits,
                      const struct sequence_sink *sink);

/* Something may have been missed. */
void sequence_break(struct sequence *sequence);

/* From where on the history must be read: what is BROKEN is mended by a history that
 * holds this entry and all behind it. 0-0 for its beginning. Where there is nothing from
 * there on, its newest entry says that it was rolled back. */
struct feed_id sequence_repair_from(const struct sequence *sequence);

/* The newest entries of a topic's history, oldest first. */
struct sequence_history {
    const struct sequence_item *items;
    size_t count;
    bool is_all;   /* as far back as replays may reach */
    bool is_whole; /* from the first entry there ever was: nothing was trimmed */
};

/* The history as it was read after the channel was subscribed; when BROKEN, with all that
 * is left of it from sequence_repair_from() on. Returns the number of messages it
 * delivered. */
size_t sequence_read(struct sequence *sequence, const struct sequence_history *history,
                     const struct sequence_limits *limits,
                     const struct sequence_sink *sink);

/* The history can't be read. */
void sequence_no_history(struct sequence *sequence, const struct sequence_limits *limits,
                         const struct sequence_sink *sink);

/* Begins to keep the tail; sequence_read() then also puts in front of it what the history
 * has. */
void sequence_keep_tail(struct sequence *sequence);
void sequence_drop_tail(struct sequence *sequence);

/* Lets go of what is held back: the history will be read for it. */
void sequence_drop_held(struct sequence *sequence);

/* Returns true if all that came behind `since` is in the tail: the items from *out_first
 * to its end. */
bool sequence_find(const struct sequence *sequence, struct feed_id since,
                   uint32_t *out_first);

const struct sequence_item *sequence_tail_item(const struct sequence *sequence,
                                               uint32_t number);

#endif
