/* SPDX-License-Identifier: MIT */
#include "gateway/outq.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frame.h"

#define CAPACITY_FIRST 4

void outq_init(struct outq *queue)
{
    *queue = (struct outq){0};
}

void outq_finish(struct outq *queue)
{
    for (struct frame *frame = outq_pop(queue); frame != NULL; frame = outq_pop(queue)) {
        frame_unref(frame);
    }
}

/* Twice the places, with the oldest frame in the first of them. */
static bool grow(struct outq *queue)
{
    const uint32_t capacity = queue->capacity == 0 ? CAPACITY_FIRST : queue->capacity * 2;
    struct frame **ring = malloc(capacity * sizeof(struct frame *));
    if (ring == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < queue->count; i++) {
        ring[i] = queue->ring[(queue->first + i) & (queue->capacity - 1)];
    }
    free(queue->ring);
    queue->ring = ring;
    queue->first = 0;
    queue->capacity = capacity;
    return true;
}

enum outq_result outq_push(struct outq *queue, struct frame *frame, size_t max_bytes)
{
    if (queue->count > 0 && queue->bytes + frame->len > max_bytes) {
        return OUTQ_FULL;
    }
    if (queue->count == queue->capacity && !grow(queue)) {
        return OUTQ_NO_MEMORY;
    }
    queue->ring[(queue->first + queue->count) & (queue->capacity - 1)] = frame_ref(frame);
    queue->count++;
    queue->bytes += frame->len;
    return OUTQ_OK;
}

struct frame *outq_pop(struct outq *queue)
{
    if (queue->count == 0) {
        return NULL;
    }
    struct frame *frame = queue->ring[queue->first];
    queue->first = (queue->first + 1) & (queue->capacity - 1);
    queue->count--;
    queue->bytes -= frame->len;
    if (queue->count == 0) {
        assert(queue->bytes == 0);
        free(queue->ring);
        outq_init(queue);
    }
    return frame;
}

size_t outq_gather(struct outq *queue, unsigned char *buffer, size_t size)
{
    size_t used = 0;
    while (queue->count > 0 && queue->ring[queue->first]->len <= size - used) {
        struct frame *frame = outq_pop(queue);
        memcpy(buffer + used, frame->bytes, frame->len);
        used += frame->len;
        frame_unref(frame);
    }
    return used;
}
