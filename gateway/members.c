/* SPDX-License-Identifier: MIT */
#include "gateway/members.h"

#include <assert.h>
#include <stdlib.h>

#define CAPACITY_FIRST 2

struct member *members_find(const struct members *topic, const struct hub_client *client)
{
    if (client->held_count <= topic->count) {
        for (uint32_t i = 0; i < client->held_count; i++) {
            if (client->held[i].topic == topic) {
                return &topic->all[client->held[i].place];
            }
        }
        return NULL;
    }
    for (uint32_t i = 0; i < topic->count; i++) {
        if (topic->all[i].client == client) {
            return &topic->all[i];
        }
    }
    return NULL;
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

static bool reserve_both(struct members *topic, struct hub_client *client)
{
    void *held = client->held;
    void *all = topic->all;
    const bool done =
        reserve(&held, client->held_count, &client->held_capacity, sizeof(struct held)) &&
        reserve(&all, topic->count, &topic->capacity, sizeof(struct member));
    client->held = held;
    topic->all = all;
    return done;
}

struct member *members_add(struct members *topic, struct hub_client *client)
{
    if (!reserve_both(topic, client)) {
        return NULL;
    }
    client->held[client->held_count] =
        (struct held){.topic = topic, .place = topic->count};
    struct member *member = &topic->all[topic->count];
    *member = (struct member){.client = client, .place = client->held_count};
    client->held_count++;
    topic->count++;
    return member;
}

/* The last entry of each array takes the freed place, and its counterpart is told. */
void members_remove(struct hub_client *client, uint32_t place)
{
    assert(place < client->held_count);
    struct members *topic = client->held[place].topic;
    const uint32_t in_topic = client->held[place].place;
    if (in_topic != --topic->count) {
        const struct member *last = &topic->all[topic->count];
        topic->all[in_topic] = *last;
        last->client->held[last->place].place = in_topic;
    }
    if (place != --client->held_count) {
        const struct held *last = &client->held[client->held_count];
        client->held[place] = *last;
        last->topic->all[last->place].place = place;
    }
}

void members_free(struct members *topic)
{
    assert(topic->count == 0);
    free(topic->all);
    *topic = (struct members){0};
}

void members_free_client(struct hub_client *client)
{
    assert(client->held_count == 0);
    free(client->held);
    client->held = NULL;
    client->held_capacity = 0;
}
