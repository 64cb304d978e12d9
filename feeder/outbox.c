/* SPDX-License-Identifier: MIT */
#include "feeder/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct queue {
    struct outbox_message *head;
    struct outbox_message *tail;
    size_t count;
};

struct outbox {
    size_t max_waiting;
    size_t max_in_flight;
    struct queue waiting;
    struct queue in_flight; /* without an answer */
    struct queue answered;  /* refused, or published after one that was refused */
    size_t refused;         /* of those answered */
    uint64_t counts[OUTBOX_FATES];
};

static void append(struct queue *queue, struct outbox_message *message)
{
    message->next = NULL;
    if (queue->tail == NULL) {
        queue->head = message;
    } else {
        queue->tail->next = message;
    }
    queue->tail = message;
    queue->count++;
}

static struct outbox_message *take_first(struct queue *queue)
{
    struct outbox_message *first = queue->head;
    assert(first != NULL);
    queue->head = first->next;
    if (queue->head == NULL) {
        queue->tail = NULL;
    }
    queue->count--;
    return first;
}

static void clear(struct queue *queue)
{
    while (queue->count > 0) {
        free(take_first(queue));
    }
}

struct outbox *outbox_create(size_t max_waiting, size_t max_in_flight)
{
    struct outbox *outbox = calloc(1, sizeof(*outbox));
    if (outbox != NULL) {
        outbox->max_waiting = max_waiting;
        outbox->max_in_flight = max_in_flight;
    }
    return outbox;
}

void outbox_destroy(struct outbox *outbox)
{
    if (outbox != NULL) {
        clear(&outbox->waiting);
        clear(&outbox->in_flight);
        clear(&outbox->answered);
        free(outbox);
    }
}

static void drop_oldest(struct outbox *outbox)
{
    while (outbox->waiting.count > outbox->max_waiting) {
        free(take_first(&outbox->waiting));
        outbox->counts[OUTBOX_DROPPED]++;
    }
}

void outbox_push(struct outbox *outbox, const char *channel, size_t channel_len,
                 const char *payload, size_t payload_len)
{
    struct outbox_message *message = malloc(sizeof(*message) + channel_len + payload_len);
    if (message == NULL) {
        outbox->counts[OUTBOX_DROPPED]++;
        return;
    }
    message->refused = false;
    message->channel_len = channel_len;
    message->payload_len = payload_len;
    memcpy(message->bytes, channel, channel_len);
    memcpy(message->bytes + channel_len, payload, payload_len);
    append(&outbox->waiting, message);
    drop_oldest(outbox);
}

const struct outbox_message *outbox_next(const struct outbox *outbox)
{
    if (outbox->refused > 0 || outbox->in_flight.count >= outbox->max_in_flight) {
        return NULL;
    }
    return outbox->waiting.head;
}

void outbox_sent(struct outbox *outbox)
{
    append(&outbox->in_flight, take_first(&outbox->waiting));
}

static bool overtaken(const struct outbox_message *message)
{
    assert(message != NULL);
    for (const struct outbox_message *later = message->next; later != NULL;
         later = later->next) {
        if (!later->refused && later->channel_len == message->channel_len &&
            memcmp(later->bytes, message->bytes, message->channel_len) == 0) {
            return true;
        }
    }
    return false;
}

/* Everything in flight is answered: what was refused waits again, before the others. */
static void settle(struct outbox *outbox)
{
    struct queue again = {.head = NULL};
    while (outbox->answered.count > 0) {
        const bool late = overtaken(outbox->answered.head);
        struct outbox_message *message = take_first(&outbox->answered);
        if (message->refused && !late) {
            message->refused = false;
            append(&again, message);
            continue;
        }
        outbox->counts[OUTBOX_DROPPED] += message->refused;
        free(message);
    }
    outbox->refused = 0;
    while (outbox->waiting.count > 0) {
        append(&again, take_first(&outbox->waiting));
    }
    outbox->waiting = again;
    drop_oldest(outbox);
}

void outbox_answered(struct outbox *outbox, enum outbox_fate fate)
{
    struct outbox_message *message = take_first(&outbox->in_flight);
    outbox->counts[fate]++;
    if (outbox->refused > 0 && fate != OUTBOX_REJECTED) {
        append(&outbox->answered, message);
    } else {
        free(message);
    }
    if (outbox->refused > 0 && outbox->in_flight.count == 0) {
        settle(outbox);
    }
}

void outbox_refused(struct outbox *outbox)
{
    struct outbox_message *message = take_first(&outbox->in_flight);
    message->refused = true;
    append(&outbox->answered, message);
    outbox->refused++;
    if (outbox->in_flight.count == 0) {
        settle(outbox);
    }
}

size_t outbox_waiting(const struct outbox *outbox)
{
    return outbox->waiting.count + outbox->refused;
}

size_t outbox_in_flight(const struct outbox *outbox)
{
    return outbox->in_flight.count;
}

uint64_t outbox_count(const struct outbox *outbox, enum outbox_fate fate)
{
    return outbox->counts[fate];
}
