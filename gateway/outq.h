/* outq — the frames that wait to be sent to one client, in order and bounded.
 *
 * SPDX-License-Identifier: MIT
 *
 * Holds references, not copies. An empty queue holds no memory. At the bound a push is
 * refused and changes nothing; what to do with the client is its session's decision. The
 * one exception: an empty queue takes a frame of any size, so that every frame can be
 * sent to a client that keeps up.
 */
#ifndef GATEWAY_OUTQ_H
#define GATEWAY_OUTQ_H

#include <stddef.h>
#include <stdint.h>

struct frame;

struct outq {
    struct frame **ring; /* `capacity` places, a power of two; NULL when empty */
    uint32_t first;
    uint32_t count;
    uint32_t capacity;
    size_t bytes; /* of all frames held */
};

enum outq_result { OUTQ_OK, OUTQ_FULL, OUTQ_NO_MEMORY };

/* A queue of zero bytes is ready to use. */
void outq_init(struct outq *queue);

/* Drops what it holds. */
void outq_finish(struct outq *queue);

/* Adds a reference of its own to `frame`, unless the queue's bytes would pass
 * max_bytes. */
enum outq_result outq_push(struct outq *queue, struct frame *frame, size_t max_bytes);

/* Takes the oldest frame out; its reference is the caller's. NULL when empty. */
struct frame *outq_pop(struct outq *queue);

/* Copies the oldest frames' bytes to `buffer`, as many whole ones as fit in `size`, and
 * drops them. Returns the bytes written: 0 when empty, or when the oldest does not fit.
 */
size_t outq_gather(struct outq *queue, unsigned char *buffer, size_t size);

#endif
