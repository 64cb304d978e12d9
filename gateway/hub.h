/* hub — which client holds which topic, the fan-out of what is published, and how a
 * subscription begins.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns the topics with their sequences and members; a client is its session's, which
 * embeds it. A topic is live while Redis confirmed its channel, and lingers for a
 * while after its last holder has left.
 *
 * A subscription is made waiting, which costs nobody anything. hub_join() asks whether
 * all it begins with is at hand, a snapshot or a replay; the history is read where it is
 * not, once for all who wait for the same topic. From hub_start() on the client gets what
 * is published, joined to that at the exact id.
 *
 * Nothing is added or removed during a fan-out: a callback that finds its client unfit
 * notes that and acts later.
 */
#ifndef GATEWAY_HUB_H
#define GATEWAY_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/feed.h"
#include "common/topic.h"
#include "gateway/members.h"
#include "gateway/sequence.h"

struct frame;
struct hub;
struct stats;

struct hub_ops {
    /* A topic is needed, or no longer. False: out of memory. */
    bool (*open_channel)(void *arg, const char *topic, size_t len);
    void (*close_channel)(void *arg, const char *topic, size_t len);

    /* The subscriber is to get this frame; it takes a reference of its own. `topic` is an
     * address that stands for the topic while the client holds it, or NULL for a frame
     * that must not be left out. */
    void (*deliver)(void *owner, struct frame *frame, const void *topic);

    /* A topic that this client waits for may be joined by now. */
    void (*ready)(void *owner);
};

struct hub_config {
    size_t max_topics;         /* different ones */
    uint64_t linger_ms;        /* of a topic that nobody holds */
    uint64_t replay_keep_ms;   /* of messages kept for replays, after the last one */
    size_t replay_max;         /* messages of one replay or repair */
    size_t replay_bytes;       /* of them */
    size_t replay_total_bytes; /* kept for all replays; held back for all repairs */
};

/* NULL when out of memory. `ops`, `stats` and *wall_us, microseconds since 1970, must
 * outlive the hub; `config` is copied. */
struct hub *hub_create(const struct hub_config *config, const struct hub_ops *ops,
                       void *arg, struct stats *stats, const uint64_t *wall_us);

/* All clients must have left. NULL is fine. */
void hub_destroy(struct hub *hub);

/* What a subscription begins with. */
enum hub_begin { HUB_BEGIN_NOTHING, HUB_BEGIN_SNAPSHOT, HUB_BEGIN_SINCE };

enum hub_result {
    HUB_HELD,     /* it was held and started already; nothing changed */
    HUB_WAITING,  /* held, and not yet started */
    HUB_LIMIT,    /* the client holds max_topics already */
    HUB_FULL,     /* the hub has max_topics already, and this would be a new one */
    HUB_NO_MEMORY /* nothing changed */
};

/* Makes the client hold the topic; a subscription held already stays as it is. */
enum hub_result hub_subscribe(struct hub *hub, struct hub_client *client,
                              const char *name, size_t len, enum hub_begin begin,
                              size_t max_topics);

/* How a subscription will begin. */
struct hub_join {
    bool ready;     /* otherwise `ready` will come, and the rest is not set */
    bool replays;   /* all behind `since` is there */
    uint32_t first; /* of the replay, in the sequence's tail */
    size_t bytes;   /* of the replay */
    bool is_costly; /* not ready, and a history is read again for this one alone */
};

/* Looks whether a held subscription can begin so. If it can't yet, it waits, started or
 * not, and what is missing is asked for. */
struct hub_join hub_join(struct hub *hub, const struct hub_client *client,
                         const char *name, size_t len, enum hub_begin begin,
                         struct feed_id since);

/* A held subscription waits, started or not, though it could begin so: hub_join() is to
 * be asked again. */
void hub_wait(struct hub *hub, const struct hub_client *client, const char *name,
              size_t len, enum hub_begin begin);

/* Delivers what hub_join() found just now, the newest message where it found no replay
 * and `begin` is not NOTHING, and starts the subscription. */
void hub_start(struct hub *hub, const struct hub_client *client, const char *name,
               size_t len, enum hub_begin begin, const struct hub_join *join);

/* Returns true if the client held the topic. */
bool hub_unsubscribe(struct hub *hub, struct hub_client *client, const char *name,
                     size_t len);

/* The client lets go of everything. */
void hub_leave(struct hub *hub, struct hub_client *client);

/* The name of the client's subscription number `index` of held_count. */
const char *hub_held_topic(const struct hub_client *client, size_t index,
                           size_t *out_len);

/* Redis confirmed the topic's channel, or all confirmations have become void. */
void hub_channel_is_open(struct hub *hub, const char *name, size_t len);
void hub_all_channels_lost(struct hub *hub);

/* Returns true if anybody here wants the topic: otherwise its message need not even be
 * encoded. */
bool hub_wants(const struct hub *hub, const char *topic, size_t len);

/* A message without an id: every started subscriber gets it. */
void hub_publish(struct hub *hub, const char *name, size_t len, struct frame *frame);

/* A message with its place in the topic's sequence. */
void hub_message(struct hub *hub, const char *name, size_t len,
                 const struct sequence_item *item);

/* A history to be read: its entries from `from` on, the newest `max` of them. */
struct hub_read {
    uint64_t ticket; /* which question it is */
    size_t len;
    char topic[TOPIC_MAX];
    struct feed_id from;
    size_t max;
    bool asks_whole; /* has anything ever been trimmed from it? */
    bool is_whole;   /* the answer to that, if everything was read, too */
};

/* Returns false if there is none; otherwise the answer is due, by one of the next three.
 */
bool hub_next_read(struct hub *hub, struct hub_read *out);

/* The entries that were read, oldest first. */
void hub_history(struct hub *hub, const struct hub_read *read,
                 const struct sequence_item items[], size_t count);

/* The history can't be read. */
void hub_no_history(struct hub *hub, const struct hub_read *read);

/* The answer was lost: it will be asked for again. */
void hub_read_lost(struct hub *hub, const struct hub_read *read);

/* To be called a few times a second: what lingers and what is kept has its time. */
void hub_tick(struct hub *hub, uint64_t now_ms);

/* Returns true if no topic misses anything because its channel was lost. */
bool hub_is_whole(const struct hub *hub);

/* Calls `fn` for each topic of which a message is known: not for what clients only ask
 * for. Costs some ten nanoseconds for each topic of the hub. */
void hub_each_fed(const struct hub *hub,
                  void (*fn)(void *arg, const char *topic, size_t len), void *arg);

size_t hub_topics(const struct hub *hub); /* held by anybody */
size_t hub_lingering(const struct hub *hub);
size_t hub_subscriptions(const struct hub *hub);

#endif
