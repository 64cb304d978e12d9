/* members — who holds a topic, and which topics a client holds: two indexes in one.
 *
 *       topic ──members──▶ client          each entry knows its place in the other,
 *       client ──held────▶ topic           so each is added and removed in constant time
 *
 * SPDX-License-Identifier: MIT
 *
 * Both are dense arrays in no order; pointers into them live until the next change.
 */
#ifndef GATEWAY_MEMBERS_H
#define GATEWAY_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct members;

/* One subscription, seen from the client. */
struct held {
    struct members *topic;
    uint32_t place; /* in topic->all */
};

/* A subscriber. Zero bytes hold nothing. */
struct hub_client {
    void *owner; /* handed to the hub's callbacks */
    struct held *held;
    uint32_t held_count;
    uint32_t held_capacity;
};

/* The same subscription, seen from the topic. */
struct member {
    struct hub_client *client;
    uint32_t place; /* in client->held */
    bool active;    /* gets what is published */
    uint8_t begin;  /* enum hub_begin, while it is not active */
    bool asked;     /* the history, for what this one begins with */
};

/* The subscribers of one topic, whose part it is. Zero bytes are none. */
struct members {
    struct member *all;
    uint32_t count;
    uint32_t capacity;
};

/* Returns NULL if the client does not hold the topic. Looks through the shorter of the
 * two arrays. */
struct member *members_find(const struct members *topic, const struct hub_client *client);

/* The client, which does not hold the topic, holds it from now on, not active. NULL when
 * out of memory. */
struct member *members_add(struct members *topic, struct hub_client *client);

/* Ends the client's subscription number `place` of held_count. */
void members_remove(struct hub_client *client, uint32_t place);

/* Gives back what a topic without members, or a client that holds nothing, still has. */
void members_free(struct members *topic);
void members_free_client(struct hub_client *client);

#endif
