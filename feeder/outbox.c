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

    bool in_doubt;                 /* what is in flight */
    struct outbox_message *doubt;  /* the first of the channel to be judged */
    struct outbox_message *unseen; /* what follows the last one seen of that channel */
    struct feed_id last_seen;      /* unless `unseen` is still `doubt` */
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
    message->verdict = OUTBOX_IS_OPEN;
    message->channel_len = channel_len;
    message->payload_len = payload_len;
    memcpy(message->bytes, channel, channel_len);
    memcpy(message->bytes + channel_len, payload, payload_len);
    append(&outbox->waiting, message);
    drop_oldest(outbox);
}

const struct outbox_message *outbox_next(const struct outbox *outbox)
{
    if (outbox->in_doubt || outbox->refused > 0 ||
        outbox->in_flight.count >= outbox->max_in_flight) {
        return NULL;
    }
    return outbox->waiting.head;
}

void outbox_sent(struct outbox *outbox)
{
    append(&outbox->in_flight, take_first(&outbox->waiting));
}

const struct outbox_message *outbox_oldest(const struct outbox *outbox)
{
    return outbox->in_flight.head;
}

static bool same_channel(const struct outbox_message *a, const struct outbox_message *b)
{
    return a->channel_len == b->channel_len &&
           memcmp(a->bytes, b->bytes, a->channel_len) == 0;
}

static bool overtaken(const struct outbox_message *message)
{
    assert(message != NULL);
    for (const struct outbox_message *later = message->next; later != NULL;
         later = later->next) {
        if (later->verdict != OUTBOX_GOES_AGAIN && same_channel(later, message)) {
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
        const bool some_went = outbox->answered.count > outbox->refused;
        const bool late = some_went && overtaken(outbox->answered.head);
        struct outbox_message *message = take_first(&outbox->answered);
        if (message->verdict != OUTBOX_GOES_AGAIN) {
            free(message);
            continue;
        }
        outbox->refused--;
        if (late) {
            outbox->counts[OUTBOX_DROPPED]++;
            free(message);
            continue;
        }
        message->verdict = OUTBOX_IS_OPEN;
        append(&again, message);
    }
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
    message->verdict = OUTBOX_GOES_AGAIN;
    append(&outbox->answered, message);
    outbox->refused++;
    if (outbox->in_flight.count == 0) {
        settle(outbox);
    }
}

/* Goes on to the next channel, at the first message that is not judged. */
static void find_doubt(struct outbox *outbox, struct outbox_message *from)
{
    while (from != NULL && from->verdict != OUTBOX_IS_OPEN) {
        from = from->next;
    }
    outbox->doubt = from;
    outbox->unseen = from;
}

void outbox_lost(struct outbox *outbox)
{
    for (struct outbox_message *message = outbox->in_flight.head; message != NULL;
         message = message->next) {
        if (message->verdict == OUTBOX_WAS_SEEN) {
            message->verdict = OUTBOX_IS_OPEN;
        }
    }
    outbox->in_doubt = outbox->in_flight.count > 0;
    find_doubt(outbox, outbox->in_flight.head);
}

const struct outbox_message *outbox_doubt(const struct outbox *outbox)
{
    return outbox->doubt;
}

void outbox_seen(struct outbox *outbox, struct feed_id id, const char *payload,
                 size_t len)
{
    for (struct outbox_message *message = outbox->unseen; message != NULL;
         message = message->next) {
        if (message->payload_len == len && same_channel(message, outbox->doubt) &&
            memcmp(message->bytes + message->channel_len, payload, len) == 0) {
            message->verdict = OUTBOX_WAS_SEEN;
            outbox->unseen = message->next;
            outbox->last_seen = id;
            return;
        }
    }
}

bool outbox_all_seen(const struct outbox *outbox)
{
    for (const struct outbox_message *message = outbox->doubt; message != NULL;
         message = message->next) {
        if (message->verdict == OUTBOX_IS_OPEN && same_channel(message, outbox->doubt)) {
            return false;
        }
    }
    return true;
}

/* Every channel is judged: each message meets its fate, in order. */
static void end_doubt(struct outbox *outbox)
{
    outbox->in_doubt = false;
    while (outbox->in_flight.count > 0) {
        switch (outbox->in_flight.head->verdict) {
        case OUTBOX_GOES_AGAIN:
            outbox_refused(outbox);
            break;
        case OUTBOX_WAS_PUBLISHED:
            outbox_answered(outbox, OUTBOX_PUBLISHED);
            break;
        default:
            outbox_answered(outbox, OUTBOX_UNKNOWN);
            break;
        }
    }
}

void outbox_judge(struct outbox *outbox, struct feed_id base, struct feed_id oldest)
{
    struct outbox_message *first = outbox->doubt;
    assert(first != NULL);
    bool newest = outbox->unseen == first;
    const struct feed_id sure = newest ? base : outbox->last_seen;
    const bool all_after_base = feed_id_compare(oldest, base) <= 0;
    const bool all_after_sure = feed_id_compare(oldest, sure) <= 0;
    for (struct outbox_message *message = first; message != NULL;
         message = message->next) {
        newest = newest || message == outbox->unseen;
        if (!same_channel(message, first)) {
            continue;
        }
        if (message->verdict == OUTBOX_WAS_SEEN) {
            message->verdict = OUTBOX_WAS_PUBLISHED;
        } else if (newest) {
            message->verdict = all_after_sure ? OUTBOX_GOES_AGAIN : OUTBOX_STAYS_UNKNOWN;
        } else {
            message->verdict = all_after_base ? OUTBOX_GOES_AGAIN : OUTBOX_WAS_PUBLISHED;
        }
    }
    find_doubt(outbox, first);
    if (outbox->doubt == NULL) {
        end_doubt(outbox);
    }
}

size_t outbox_abandon(struct outbox *outbox)
{
    assert(outbox->in_doubt || outbox->in_flight.count == 0);
    const size_t count = outbox_waiting(outbox);
    outbox->counts[OUTBOX_UNKNOWN] += outbox->in_flight.count;
    outbox->counts[OUTBOX_DROPPED] += count - outbox->in_flight.count;
    clear(&outbox->waiting);
    clear(&outbox->in_flight);
    clear(&outbox->answered);
    outbox->refused = 0;
    outbox_lost(outbox);
    return count;
}

size_t outbox_waiting(const struct outbox *outbox)
{
    return outbox->waiting.count + outbox->refused + outbox_in_doubt(outbox);
}

size_t outbox_in_flight(const struct outbox *outbox)
{
    return outbox->in_doubt ? 0 : outbox->in_flight.count;
}

size_t outbox_in_doubt(const struct outbox *outbox)
{
    return outbox->in_doubt ? outbox->in_flight.count : 0;
}

uint64_t outbox_count(const struct outbox *outbox, enum outbox_fate fate)
{
    return outbox->counts[fate];
}
