/* outq — the frames that wait to be sent to one client, in order and bounded.
 *
 *      first ▶ │ data A │ data B │ ack │ data A │ data C │ ◀ last
 *                                  └── a newer A replaces this one, not the first:
 *                                      nothing overtakes an answer
 *
 * SPDX-License-Identifier: MIT
 *
 * Holds references, not copies. An empty queue holds no memory. A queue must not be moved
 * while it holds anything.
 *
 * Up to the soft bound everything is kept. Above it the queue conflates: a frame of a
 * topic takes the place of the newest one of that topic, if that still waits behind the
 * last frame that is no data. So each topic keeps its newest state in the order of first
 * arrival, answers are neither dropped nor overtaken, and the order within a topic stays.
 * At the hard bound a push is refused and changes nothing; what to do with the client is
 * its session's decision. The one exception: an empty queue takes a frame of any size.
 */
#ifndef GATEWAY_OUTQ_H
#define GATEWAY_OUTQ_H

#include <stddef.h>
#include <stdint.h>

struct frame;

#define OUTQ_AGED_MAX 256

struct outq_item {
    struct frame *frame;
    const void *topic; /* whose data it is; NULL for everything else */
};

struct outq {
    struct outq_item *ring; /* `capacity` places, a power of two; NULL when empty */
    struct outq_item only;  /* the ring of a queue that holds one frame, as most do */
    uint32_t first;
    uint32_t count;
    uint32_t capacity;
    size_t bytes;  /* of all frames held */
    size_t *total; /* the sum over many queues; NULL if nobody keeps one */
};

struct outq_limits {
    size_t soft_bytes; /* SIZE_MAX never conflates */
    size_t hard_bytes;
};

enum outq_result {
    OUTQ_OK,
    OUTQ_CONFLATED, /* the frame is in, an older one of the topic is out */
    OUTQ_FULL,
    OUTQ_NO_MEMORY
};

/* Each change of `bytes` is added to *total. */
void outq_init(struct outq *queue, size_t *total);

/* Drops what it holds. */
void outq_finish(struct outq *queue);

/* Adds a reference of its own to `frame`. `topic` stands for a topic by its address only;
 * NULL for a frame that must be neither dropped nor overtaken. */
enum outq_result outq_push(struct outq *queue, struct frame *frame, const void *topic,
                           const struct outq_limits *limits);

/* When the oldest of the frames waiting was made, microseconds since 1970: of the first
 * OUTQ_AGED_MAX of them, as conflation may have put newer ones before older ones. 0 if
 * none has a time. */
uint64_t outq_oldest_us(const struct outq *queue);

/* Takes the oldest frame out; its reference is the caller's. NULL when empty. */
struct frame *outq_pop(struct outq *queue);

/* Copies the oldest frames' bytes to `buffer`, as many whole ones as fit in `size`, and
 * drops them. Returns the bytes written: 0 when empty, or when the oldest does not fit.
 */
size_t outq_gather(struct outq *queue, unsigned char *buffer, size_t size);

#endif
