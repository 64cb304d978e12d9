/* SPDX-License-Identifier: MIT */
#include "gateway/sequence.h"

#include <assert.h>
#include <stdlib.h>

#include "gateway/frame.h"

#define CAPACITY_FIRST 8

static const struct feed_id nothing = {0};

static bool is_same(struct feed_id a, struct feed_id b)
{
    return feed_id_compare(a, b) == 0;
}

static bool is_above(struct feed_id a, struct feed_id b)
{
    return feed_id_compare(a, b) > 0;
}

/* ---- runs ---------------------------------------------------------------------------
 */

static struct sequence_item *item_at(const struct sequence_run *run, uint32_t number)
{
    return &run->items[(run->first + number) & (run->capacity - 1)];
}

static size_t bytes_of(const struct sequence_item *item)
{
    return sizeof(*item) + (item->frame == NULL ? 0 : item->frame->len);
}

static bool grow(struct sequence_run *run)
{
    const uint32_t capacity = run->capacity == 0 ? CAPACITY_FIRST : run->capacity * 2;
    struct sequence_item *items = malloc(capacity * sizeof(*items));
    if (items == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < run->count; i++) {
        items[i] = *item_at(run, i);
    }
    free(run->items);
    run->items = items;
    run->first = 0;
    run->capacity = capacity;
    return true;
}

static bool append(struct sequence_run *run, const struct sequence_item *item)
{
    if (run->count == run->capacity && !grow(run)) {
        return false;
    }
    struct sequence_item *place = item_at(run, run->count);
    *place = *item;
    if (place->frame != NULL) {
        frame_ref(place->frame);
    }
    run->count++;
    run->bytes += bytes_of(item);
    return true;
}

/* The reference is the caller's. */
static struct sequence_item take_first(struct sequence_run *run)
{
    const struct sequence_item item = *item_at(run, 0);
    run->first = (run->first + 1) & (run->capacity - 1);
    run->count--;
    run->bytes -= bytes_of(&item);
    return item;
}

static void clear(struct sequence_run *run)
{
    while (run->count > 0) {
        frame_unref(take_first(run).frame);
    }
    free(run->items);
    *run = (struct sequence_run){0};
}

static bool is_over(const struct sequence_run *run, const struct sequence_limits *limits)
{
    return run->count > limits->items || run->bytes > limits->bytes;
}

/* ---- the tail -----------------------------------------------------------------------
 */

void sequence_keep_tail(struct sequence *sequence)
{
    if (!sequence->keeps_tail) {
        sequence->keeps_tail = true;
        sequence->base = sequence->expect;
    }
}

void sequence_drop_tail(struct sequence *sequence)
{
    clear(&sequence->tail);
    sequence->keeps_tail = false;
    sequence->tail_is_all = false;
    sequence->base = sequence->expect;
}

static void shorten_tail(struct sequence *sequence, const struct sequence_limits *limits)
{
    while (is_over(&sequence->tail, limits)) {
        const struct sequence_item oldest = take_first(&sequence->tail);
        sequence->base = oldest.id;
        frame_unref(oldest.frame);
    }
}

static void add_to_tail(struct sequence *sequence, const struct sequence_item *item,
                        const struct sequence_limits *limits)
{
    if (!sequence->keeps_tail) {
        sequence->base = item->id;
    } else if (append(&sequence->tail, item)) {
        shorten_tail(sequence, limits);
    } else {
        sequence_drop_tail(sequence);
    }
}

/* The number of the history's item with this id, or its count. */
static size_t find_item(const struct sequence_history *history, struct feed_id id)
{
    size_t at = 0;
    while (at < history->count && !is_same(history->items[at].id, id)) {
        at++;
    }
    return at;
}

/* Puts in front of the tail what the history has from before it. */
static void lengthen_tail(struct sequence *sequence,
                          const struct sequence_history *history,
                          const struct sequence_limits *limits)
{
    if (!sequence->keeps_tail) {
        return;
    }
    sequence->tail_is_all = sequence->tail_is_all || history->is_all;
    const struct sequence_item *items = history->items;
    const size_t joint = find_item(history, sequence->base);
    if (joint == history->count) {
        return; /* they do not touch: what is between was trimmed */
    }
    struct sequence_run longer = {0};
    bool done = true;
    for (size_t i = 1; i <= joint && done; i++) {
        done = append(&longer, &items[i]);
    }
    for (uint32_t i = 0; i < sequence->tail.count && done; i++) {
        done = append(&longer, item_at(&sequence->tail, i));
    }
    if (!done) {
        clear(&longer);
        return;
    }
    clear(&sequence->tail);
    sequence->tail = longer;
    sequence->base = items[0].id;
    shorten_tail(sequence, limits);
}

bool sequence_find(const struct sequence *sequence, struct feed_id since,
                   uint32_t *out_first)
{
    if (!sequence->known || is_same(since, nothing)) {
        return false;
    }
    if (is_same(since, sequence->base)) {
        *out_first = 0;
        return true;
    }
    uint32_t low = 0; /* all items before it are at or below `since` */
    uint32_t high = sequence->tail.count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (is_above(item_at(&sequence->tail, middle)->id, since)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *out_first = low;
    return low > 0 && is_same(item_at(&sequence->tail, low - 1)->id, since);
}

const struct sequence_item *sequence_tail_item(const struct sequence *sequence,
                                               uint32_t number)
{
    assert(number < sequence->tail.count);
    return item_at(&sequence->tail, number);
}

/* ---- messages -----------------------------------------------------------------------
 */

static void set_newest(struct sequence *sequence, struct frame *frame)
{
    if (frame != NULL) {
        frame_ref(frame);
    }
    frame_unref(sequence->newest);
    sequence->newest = frame;
}

/* The message is the next one. */
static void accept(struct sequence *sequence, const struct sequence_item *item,
                   const struct sequence_limits *limits, const struct sequence_sink *sink)
{
    if (sequence->any_next) { /* what is before it is anybody's guess */
        clear(&sequence->tail);
        sequence->tail_is_all = false;
        sequence->base = item->prev;
    }
    sequence->known = true;
    sequence->any_next = false;
    sequence->last = item->id;
    sequence->expect = item->id;
    if (item->frame != NULL) {
        set_newest(sequence, item->frame);
    }
    add_to_tail(sequence, item, limits);
    if (item->frame != NULL) {
        sink->deliver(sink->arg, item->frame);
    }
}

/* The next one, but from a history that was rolled back: ids only go up. */
static void pass_over(struct sequence *sequence, const struct sequence_item *item)
{
    sequence->expect = item->id;
    sequence_drop_tail(sequence);
}

void sequence_drop_held(struct sequence *sequence)
{
    sequence->lost_held = sequence->lost_held || sequence->held.count > 0;
    clear(&sequence->held);
}

static void hold(struct sequence *sequence, const struct sequence_item *item,
                 const struct sequence_limits *limits)
{
    if (!append(&sequence->held, item) || is_over(&sequence->held, limits)) {
        sequence_drop_held(sequence);
    }
}

bool sequence_message(struct sequence *sequence, const struct sequence_item *item,
                      const struct sequence_limits *limits,
                      const struct sequence_sink *sink)
{
    if (sequence->broken) {
        hold(sequence, item, limits);
        return true;
    }
    if (!is_above(item->id, sequence->last)) {
        if (!is_same(sequence->expect, nothing) &&
            is_same(item->prev, sequence->expect)) {
            pass_over(sequence, item);
        }
        return false;
    }
    if (!sequence->known) {
        sequence->base = item->prev;
        accept(sequence, item, limits, sink);
    } else if (sequence->any_next || is_same(item->prev, sequence->expect)) {
        accept(sequence, item, limits, sink);
    } else {
        sequence->broken = true;
        hold(sequence, item, limits);
    }
    return true;
}

/* ---- the history --------------------------------------------------------------------
 */

void sequence_break(struct sequence *sequence)
{
    clear(&sequence->held);
    sequence->lost_held = false;
    sequence->broken = sequence->known;
}

struct feed_id sequence_repair_from(const struct sequence *sequence)
{
    return sequence->expect;
}

/* NULL if no client may see any. */
static struct frame *newest_frame(const struct sequence_history *history)
{
    size_t at = history->count;
    while (at > 0 && history->items[at - 1].frame == NULL) {
        at--;
    }
    return at == 0 ? NULL : history->items[at - 1].frame;
}

/* The history's end is where the sequence stands now. */
static void stand_at_end(struct sequence *sequence,
                         const struct sequence_history *history)
{
    sequence->expect = nothing;
    sequence->any_next = false;
    if (history->count > 0) {
        sequence->expect = history->items[history->count - 1].id;
        if (is_above(sequence->expect, sequence->last)) {
            sequence->last = sequence->expect;
            set_newest(sequence, newest_frame(history));
        }
    } else {
        set_newest(sequence, NULL);
    }
    sequence->base = sequence->expect;
}

/* The history no longer has the last message: it was trimmed, lost, or rolled back. */
static void leap(struct sequence *sequence, const struct sequence_history *history,
                 const struct sequence_sink *sink)
{
    const struct feed_id after = sequence->last;
    clear(&sequence->tail);
    sequence->tail_is_all = false;
    stand_at_end(sequence, history);
    sink->gap(sink->arg, after);
}

/* The history was asked again for this very message, and has neither it nor what it names
 * as the one before: it is nobody's. */
static bool is_hopeless(struct sequence *sequence, const struct sequence_item *next)
{
    const bool again = is_same(next->id, sequence->doubted);
    sequence->doubted = next->id;
    return again;
}

/* Goes on with what was held back, as far as nothing is missing. */
static void release_held(struct sequence *sequence, const struct sequence_limits *limits,
                         const struct sequence_sink *sink)
{
    while (sequence->held.count > 0) {
        const struct sequence_item *next = item_at(&sequence->held, 0);
        const bool is_new = is_above(next->id, sequence->last);
        const bool is_next = sequence->any_next || is_same(next->prev, sequence->expect);
        if (is_new && is_next) {
            accept(sequence, next, limits, sink);
        } else if (is_new && !is_hopeless(sequence, next)) {
            sequence->broken = true;
            return;
        } else if (is_new) {
            sink->unlinked(sink->arg);
        }
        frame_unref(take_first(&sequence->held).frame);
    }
    clear(&sequence->held);
}

size_t sequence_read(struct sequence *sequence, const struct sequence_history *history,
                     const struct sequence_limits *limits,
                     const struct sequence_sink *sink)
{
    if (!sequence->known) {
        sequence->known = true;
        stand_at_end(sequence, history);
        lengthen_tail(sequence, history, limits);
        return 0;
    }
    lengthen_tail(sequence, history, limits);
    size_t delivered = 0;
    const bool begins =
        is_same(sequence->expect, nothing) && (history->is_whole || history->count == 0);
    const size_t at = find_item(history, sequence->expect);
    for (size_t i = begins ? 0 : at + 1; i < history->count; i++) {
        if (is_above(history->items[i].id, sequence->last)) {
            accept(sequence, &history->items[i], limits, sink);
            delivered++;
        } else {
            pass_over(sequence, &history->items[i]);
        }
    }
    if (sequence->broken && at == history->count && !begins) {
        leap(sequence, history, sink);
    }
    if (sequence->broken) {
        sequence->broken = sequence->lost_held;
        sequence->lost_held = false;
        if (!sequence->broken) {
            release_held(sequence, limits, sink);
        }
    }
    return delivered;
}

void sequence_no_history(struct sequence *sequence, const struct sequence_limits *limits,
                         const struct sequence_sink *sink)
{
    const bool believes = sequence->broken || !sequence->known || sequence->any_next;
    if (sequence->broken) {
        const struct sequence_history none = {0};
        leap(sequence, &none, sink);
    }
    sequence->known = true;
    sequence->broken = false;
    sequence->lost_held = false;
    sequence->any_next = believes;
    release_held(sequence, limits, sink);
}

void sequence_finish(struct sequence *sequence)
{
    clear(&sequence->tail);
    clear(&sequence->held);
    frame_unref(sequence->newest);
    *sequence = (struct sequence){0};
}
