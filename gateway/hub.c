/* SPDX-License-Identifier: MIT */
#include "gateway/hub.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/table.h"

#define CAPACITY_FIRST 2

/* One subscription, seen from the topic. */
struct hub_member {
    struct hub_client *client;
    uint32_t place; /* in client->held */
    bool active;
};

/* The same subscription, seen from the client. */
struct hub_held {
    struct hub_topic *topic;
    uint32_t place; /* in topic->members */
};

struct hub_topic {
    UT_hash_handle hh;
    struct hub_member *members; /* dense, in no order */
    uint32_t member_count;
    uint32_t member_capacity;
    bool live;
    uint32_t len;
    char name[];
};

struct hub {
    const struct hub_ops *ops;
    void *arg;
    struct hub_topic *topics;
    size_t max_topics;
    size_t subscriptions;
    bool fanning_out;
};

struct hub *hub_create(const struct hub_ops *ops, void *arg, size_t max_topics)
{
    struct hub *hub = calloc(1, sizeof(*hub));
    if (hub != NULL) {
        hub->ops = ops;
        hub->arg = arg;
        hub->max_topics = max_topics;
    }
    return hub;
}

void hub_destroy(struct hub *hub)
{
    if (hub == NULL) {
        return;
    }
    assert(hub->topics == NULL);
    free(hub);
}

static struct hub_topic *find_topic(const struct hub *hub, const char *name, size_t len)
{
    struct hub_topic *topic;
    HASH_FIND(hh, hub->topics, name, len, topic);
    return topic;
}

/* Makes room for one more of `size` bytes in a dense array. */
static bool reserve(void **array, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity) {
        return true;
    }
    const uint32_t wanted = *capacity == 0 ? CAPACITY_FIRST : *capacity * 2;
    void *bigger = realloc(*array, wanted * size);
    if (bigger == NULL) {
        return false;
    }
    *array = bigger;
    *capacity = wanted;
    return true;
}

static bool reserve_both(struct hub_client *client, struct hub_topic *topic)
{
    void *held = client->held;
    void *members = topic->members;
    const bool done = reserve(&held, client->held_count, &client->held_capacity,
                              sizeof(struct hub_held)) &&
                      reserve(&members, topic->member_count, &topic->member_capacity,
                              sizeof(struct hub_member));
    client->held = held;
    topic->members = members;
    return done;
}

static struct hub_topic *open_topic(struct hub *hub, const char *name, size_t len)
{
    struct hub_topic *topic = calloc(1, sizeof(*topic) + len);
    if (topic == NULL) {
        return NULL;
    }
    topic->len = (uint32_t)len;
    memcpy(topic->name, name, len);
    if (!hub->ops->open_channel(hub->arg, name, len)) {
        free(topic);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, hub->topics, topic->name, topic->len, topic);
    if (!TABLE_HAS(topic)) {
        hub->ops->close_channel(hub->arg, name, len);
        free(topic);
        return NULL;
    }
    return topic;
}

static void close_topic_if_unused(struct hub *hub, struct hub_topic *topic)
{
    if (topic->member_count > 0) {
        return;
    }
    assert(hub->topics != NULL);
    HASH_DEL(hub->topics, topic);
    hub->ops->close_channel(hub->arg, topic->name, topic->len);
    free(topic->members);
    free(topic);
}

/* Looks through the shorter of the two lists. NULL if the client does not hold it. */
static struct hub_held *find_held(const struct hub_client *client,
                                  const struct hub_topic *topic)
{
    if (client->held_count <= topic->member_count) {
        for (uint32_t i = 0; i < client->held_count; i++) {
            if (client->held[i].topic == topic) {
                return &client->held[i];
            }
        }
    } else {
        for (uint32_t i = 0; i < topic->member_count; i++) {
            if (topic->members[i].client == client) {
                return &client->held[topic->members[i].place];
            }
        }
    }
    return NULL;
}

static void link_both(struct hub *hub, struct hub_client *client, struct hub_topic *topic)
{
    client->held[client->held_count] =
        (struct hub_held){.topic = topic, .place = topic->member_count};
    topic->members[topic->member_count] =
        (struct hub_member){.client = client, .place = client->held_count};
    client->held_count++;
    topic->member_count++;
    hub->subscriptions++;
}

/* The last entry of each array takes the freed place, and its counterpart is told. */
static void unlink_both(struct hub *hub, struct hub_client *client, struct hub_held *held)
{
    struct hub_topic *topic = held->topic;
    const uint32_t member_place = held->place;
    const uint32_t held_place = (uint32_t)(held - client->held);

    if (member_place != --topic->member_count) {
        const struct hub_member *last = &topic->members[topic->member_count];
        topic->members[member_place] = *last;
        last->client->held[last->place].place = member_place;
    }
    if (held_place != --client->held_count) {
        const struct hub_held *last = &client->held[client->held_count];
        client->held[held_place] = *last;
        last->topic->members[last->place].place = held_place;
    }
    hub->subscriptions--;
}

enum hub_result hub_subscribe(struct hub *hub, struct hub_client *client,
                              const char *name, size_t len, size_t max_topics)
{
    assert(!hub->fanning_out);
    struct hub_topic *topic = find_topic(hub, name, len);
    const struct hub_held *held = topic == NULL ? NULL : find_held(client, topic);
    if (held != NULL && topic->members[held->place].active) {
        return HUB_ACTIVE;
    }
    if (held != NULL) {
        return topic->live ? HUB_LIVE : HUB_WAITING;
    }
    if (client->held_count >= max_topics) {
        return HUB_LIMIT;
    }
    if (topic == NULL) {
        if (HASH_COUNT(hub->topics) >= hub->max_topics) {
            return HUB_FULL;
        }
        topic = open_topic(hub, name, len);
        if (topic == NULL) {
            return HUB_NO_MEMORY;
        }
    }
    if (!reserve_both(client, topic)) {
        close_topic_if_unused(hub, topic);
        return HUB_NO_MEMORY;
    }
    link_both(hub, client, topic);
    return topic->live ? HUB_LIVE : HUB_WAITING;
}

void hub_activate(struct hub *hub, const struct hub_client *client, const char *name,
                  size_t len)
{
    const struct hub_topic *topic = find_topic(hub, name, len);
    assert(topic != NULL);
    const struct hub_held *held = find_held(client, topic);
    assert(held != NULL);
    topic->members[held->place].active = true;
}

bool hub_unsubscribe(struct hub *hub, struct hub_client *client, const char *name,
                     size_t len)
{
    assert(!hub->fanning_out);
    struct hub_topic *topic = find_topic(hub, name, len);
    struct hub_held *held = topic == NULL ? NULL : find_held(client, topic);
    if (held == NULL) {
        return false;
    }
    unlink_both(hub, client, held);
    close_topic_if_unused(hub, topic);
    return true;
}

void hub_leave(struct hub *hub, struct hub_client *client)
{
    assert(!hub->fanning_out);
    while (client->held_count > 0) {
        struct hub_held *held = &client->held[client->held_count - 1];
        struct hub_topic *topic = held->topic;
        unlink_both(hub, client, held);
        close_topic_if_unused(hub, topic);
    }
    free(client->held);
    client->held = NULL;
    client->held_capacity = 0;
}

const char *hub_held_topic(const struct hub_client *client, size_t index, size_t *out_len)
{
    assert(index < client->held_count);
    *out_len = client->held[index].topic->len;
    return client->held[index].topic->name;
}

/* `ready` may subscribe and unsubscribe, this topic too. From the end downwards, whoever
 * moves into a freed place has been told already, and whoever joins finds the topic live.
 */
void hub_channel_is_open(struct hub *hub, const char *name, size_t len)
{
    struct hub_topic *topic = find_topic(hub, name, len);
    if (topic == NULL || topic->live) {
        return;
    }
    topic->live = true;
    for (uint32_t i = topic->member_count; topic != NULL && i-- > 0;) {
        if (i < topic->member_count && !topic->members[i].active) {
            hub->ops->ready(topic->members[i].client->owner);
            topic = find_topic(hub, name, len);
        }
    }
}

void hub_all_channels_lost(struct hub *hub)
{
    struct hub_topic *topic;
    struct hub_topic *next;
    HASH_ITER(hh, hub->topics, topic, next)
    {
        topic->live = false;
    }
}

bool hub_wants(const struct hub *hub, const char *name, size_t len)
{
    return find_topic(hub, name, len) != NULL;
}

size_t hub_publish(struct hub *hub, const char *name, size_t len, struct frame *frame)
{
    const struct hub_topic *topic = find_topic(hub, name, len);
    if (topic == NULL) {
        return 0;
    }
    size_t delivered = 0;
    hub->fanning_out = true;
    for (uint32_t i = 0; i < topic->member_count; i++) {
        if (topic->members[i].active) {
            hub->ops->deliver(topic->members[i].client->owner, frame, topic);
            delivered++;
        }
    }
    hub->fanning_out = false;
    return delivered;
}

size_t hub_topics(const struct hub *hub)
{
    return HASH_COUNT(hub->topics);
}

size_t hub_subscriptions(const struct hub *hub)
{
    return hub->subscriptions;
}
