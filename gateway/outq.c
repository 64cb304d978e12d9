/* SPDX-License-Identifier: MIT */
#include "gateway/outq.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frame.h"

#define CAPACITY_FIRST 4

/* NOLINTNEXTLINE(readability-non-const-parameter): it is kept, to be written to. */
void outq_init(struct outq *queue, size_t *total)
{
    *queue = (struct outq){.total = total};
}

void outq_finish(struct outq *queue)
{
    for (struct frame *frame = outq_pop(queue); frame != NULL; frame = outq_pop(queue)) {
        frame_unref(frame);
    }
}

static void add_bytes(struct outq *queue, size_t len)
{
    queue->bytes += len;
    if (queue->total != NULL) {
        *queue->total += len;
    }
}

static void take_bytes(struct outq *queue, size_t len)
{
    assert(queue->bytes >= len);
    queue->bytes -= len;
    if (queue->total != NULL) {
        *queue->total -= len;
    }
}

static struct outq_item *item_at(const struct outq *queue, uint32_t number)
{
    return &queue->ring[(queue->first + number) & (queue->capacity - 1)];
}

static void free_ring(const struct outq *queue)
{
    if (queue->ring != &queue->only) {
        free(queue->ring);
    }
}

/* More places, with the oldest frame in the first of them. */
static bool grow(struct outq *queue)
{
    if (queue->capacity == 0) {
        queue->ring = &queue->only;
        queue->capacity = 1;
        return true;
    }
    const uint32_t capacity = queue->capacity == 1 ? CAPACITY_FIRST : queue->capacity * 2;
    struct outq_item *ring = malloc(capacity * sizeof(*ring));
    if (ring == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < queue->count; i++) {
        ring[i] = *item_at(queue, i);
    }
    free_ring(queue);
    queue->ring = ring;
    queue->first = 0;
    queue->capacity = capacity;
    return true;
}

/* Returns the newest frame of the topic that stands behind all answers, or NULL. */
static struct outq_item *find_newest(const struct outq *queue, const void *topic)
{
    for (uint32_t i = queue->count; i-- > 0;) {
        struct outq_item *item = item_at(queue, i);
        if (item->topic == topic) {
            return item;
        }
        if (item->topic == NULL) {
            return NULL;
        }
    }
    return NULL;
}

static void replace(struct outq *queue, struct outq_item *item, struct frame *frame)
{
    add_bytes(queue, frame->len);
    take_bytes(queue, item->frame->len);
    frame_unref(item->frame);
    item->frame = frame_ref(frame);
}

static enum outq_result append(struct outq *queue, struct frame *frame, const void *topic)
{
    if (queue->count == queue->capacity && !grow(queue)) {
        return OUTQ_NO_MEMORY;
    }
    *item_at(queue, queue->count) =
        (struct outq_item){.frame = frame_ref(frame), .topic = topic};
    queue->count++;
    add_bytes(queue, frame->len);
    return OUTQ_OK;
}

enum outq_result outq_push(struct outq *queue, struct frame *frame, const void *topic,
                           const struct outq_limits *limits)
{
    const size_t bytes = queue->bytes + frame->len;
    struct outq_item *older = NULL;
    if (topic != NULL && bytes > limits->soft_bytes) {
        older = find_newest(queue, topic);
    }
    if (older != NULL && bytes - older->frame->len <= limits->hard_bytes) {
        replace(queue, older, frame);
        return OUTQ_CONFLATED;
    }
    if (queue->count > 0 && bytes > limits->hard_bytes) {
        return OUTQ_FULL;
    }
    return append(queue, frame, topic);
}

uint64_t outq_oldest_us(const struct outq *queue)
{
    uint64_t oldest_us = 0;
    for (uint32_t i = 0; i < queue->count && i < OUTQ_AGED_MAX; i++) {
        const uint64_t made_us = item_at(queue, i)->frame->made_us;
        if (made_us != 0 && (oldest_us == 0 || made_us < oldest_us)) {
            oldest_us = made_us;
        }
    }
    return oldest_us;
}

struct frame *outq_pop(struct outq *queue)
{
    if (queue->count == 0) {
        return NULL;
    }
    struct frame *frame = item_at(queue, 0)->frame;
    queue->first = (queue->first + 1) & (queue->capacity - 1);
    queue->count--;
    take_bytes(queue, frame->len);
    if (queue->count == 0) {
        assert(queue->bytes == 0);
        free_ring(queue);
        outq_init(queue, queue->total);
    }
    return frame;
}

size_t outq_gather(struct outq *queue, unsigned char *buffer, size_t size)
{
    size_t used = 0;
    while (queue->count > 0 && item_at(queue, 0)->frame->len <= size - used) {
        struct frame *frame = outq_pop(queue);
        memcpy(buffer + used, frame->bytes, frame->len);
        used += frame->len;
        frame_unref(frame);
    }
    return used;
}
