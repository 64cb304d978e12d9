/* hub — which client holds which topic, and the fan-out of what is published.
 *
 *       topic ──members──▶ client          both indexes are kept by the same functions:
 *       client ──held────▶ topic           each entry knows its place in the other
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns the topics and both indexes; a client is its session's, which embeds it. A topic
 * exists while somebody holds it, and is live while Redis confirmed its channel. A
 * subscription is made waiting, which costs nobody anything; it gets what is published
 * from hub_activate() on.
 *
 * Nothing is added or removed during a fan-out: a callback that finds its client unfit
 * notes that and acts later.
 */
#ifndef GATEWAY_HUB_H
#define GATEWAY_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame;
struct hub;
struct hub_topic;
struct hub_held;

/* A subscriber. Zero bytes hold nothing. */
struct hub_client {
    void *owner;           /* handed to the callbacks */
    struct hub_held *held; /* dense, in no order */
    uint32_t held_count;
    uint32_t held_capacity;
};

struct hub_ops {
    /* A topic got its first holder, or lost its last one. False: out of memory. */
    bool (*open_channel)(void *arg, const char *topic, size_t len);
    void (*close_channel)(void *arg, const char *topic, size_t len);

    /* An active subscriber is to get this frame; it takes a reference of its own. `topic`
     * is an address that stands for the topic while the client holds it. */
    void (*deliver)(void *owner, struct frame *frame, const void *topic);

    /* A topic that this client waits for has become live. */
    void (*ready)(void *owner);
};

/* NULL when out of memory. `ops` must outlive the hub, which has max_topics different
 * topics at most. */
struct hub *hub_create(const struct hub_ops *ops, void *arg, size_t max_topics);

/* All clients must have left. NULL is fine. */
void hub_destroy(struct hub *hub);

enum hub_result {
    HUB_ACTIVE,   /* held and activated already; nothing changed */
    HUB_LIVE,     /* held, and Redis has confirmed the channel */
    HUB_WAITING,  /* held; `ready` will come */
    HUB_LIMIT,    /* the client holds max_topics already */
    HUB_FULL,     /* the hub has max_topics already, and this would be a new one */
    HUB_NO_MEMORY /* nothing changed */
};

/* Makes the client hold the topic; a subscription held already stays as it is. */
enum hub_result hub_subscribe(struct hub *hub, struct hub_client *client,
                              const char *name, size_t len, size_t max_topics);

/* From now on the client gets what is published on a topic it holds. */
void hub_activate(struct hub *hub, const struct hub_client *client, const char *name,
                  size_t len);

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

/* Hands the frame to every active subscriber, and returns their number. */
size_t hub_publish(struct hub *hub, const char *name, size_t len, struct frame *frame);

size_t hub_topics(const struct hub *hub);
size_t hub_subscriptions(const struct hub *hub);

#endif
