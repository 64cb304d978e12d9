/* SPDX-License-Identifier: MIT */
#include "sequence_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frame.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct sequence sequence;
struct sequence_limits limits;

static char said[4096]; /* what came out */

void scene_setup(void)
{
    sequence = (struct sequence){0};
    limits = (struct sequence_limits){.items = 100, .bytes = 100000};
    said[0] = '\0';
}

void scene_teardown(void)
{
    sequence_finish(&sequence);
}

/* ---- short words --------------------------------------------------------------------
 */

static struct feed_id id_of(uint64_t number)
{
    return (struct feed_id){.ms = number % UNSEEN};
}

static struct sequence_item item_of(uint64_t number, uint64_t prev)
{
    char text[24];
    const int len = snprintf(text, sizeof(text), "%d", (int)number);
    const struct frame_part part = {.bytes = text, .len = (size_t)len};
    struct frame *frame = number > UNSEEN ? NULL : frame_create(FRAME_TEXT, &part, 1);
    return (struct sequence_item){
        .id = id_of(number), .prev = id_of(prev), .frame = frame};
}

static void say(const char *before, const char *text, size_t len)
{
    const size_t at = strlen(said);
    snprintf(said + at, sizeof(said) - at, "%s%.*s ", before, (int)len, text);
}

static void deliver(void *arg, struct frame *frame)
{
    ck_assert_ptr_eq(arg, &sequence);
    const struct frame_part text = frame_payload(frame);
    say("", text.bytes, text.len);
}

static void gap(void *arg, struct feed_id after)
{
    char text[FEED_ID_TEXT_MAX + 1];
    ck_assert_ptr_eq(arg, &sequence);
    say("gap", text, feed_id_format(text, after) - strlen("-0"));
}

static void unlinked(void *arg)
{
    ck_assert_ptr_eq(arg, &sequence);
    say("unlinked", "", 0);
}

static const struct sequence_sink sink = {
    .deliver = deliver, .gap = gap, .unlinked = unlinked, .arg = &sequence};

bool message(uint64_t number, uint64_t prev)
{
    const struct sequence_item item = item_of(number, prev);
    const bool is_new = sequence_message(&sequence, &item, &limits, &sink);
    frame_unref(item.frame);
    return is_new;
}

/* Messages one after another, each behind the one before it. */
void messages(uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        ck_assert(message(number, number - 1));
    }
}

size_t read_history(const uint64_t numbers[], size_t count, enum extent extent)
{
    struct sequence_item items[32];
    ck_assert_uint_le(count, COUNT(items));
    for (size_t i = 0; i < count; i++) {
        items[i] = item_of(numbers[i], 0);
    }
    const struct sequence_history history = {.items = items,
                                             .count = count,
                                             .is_all = extent == ALL,
                                             .is_whole = extent == WHOLE};
    const size_t delivered = sequence_read(&sequence, &history, &limits, &sink);
    for (size_t i = 0; i < count; i++) {
        frame_unref(items[i].frame);
    }
    return delivered;
}

void no_history(void)
{
    sequence_no_history(&sequence, &limits, &sink);
}

void said_is(const char *expected)
{
    ck_assert_str_eq(said, expected);
    said[0] = '\0';
}

void is_broken_behind(uint64_t number)
{
    ck_assert(sequence.broken);
    ck_assert_int_eq(feed_id_compare(sequence_repair_from(&sequence), id_of(number)), 0);
}

void is_whole(void)
{
    ck_assert(sequence.known && !sequence.broken);
    ck_assert_uint_eq(sequence.held.count, 0);
    ck_assert_ptr_null(sequence.held.items);
}

/* 0 for none. */
void newest_is(int number)
{
    ck_assert_int_eq(sequence.newest != NULL, number != 0);
    if (sequence.newest != NULL) {
        char text[24];
        const struct frame_part payload = frame_payload(sequence.newest);
        snprintf(text, sizeof(text), "%.*s", (int)payload.len, payload.bytes);
        ck_assert_int_eq(strtol(text, NULL, 10), number);
    }
}

/* What the tail has behind a message: "6 7 ", or "no". */
void tail_behind(uint64_t since, const char *expected)
{
    uint32_t at;
    char text[256] = "no";
    if (sequence_find(&sequence, id_of(since), &at)) {
        text[0] = '\0';
        for (; at < sequence.tail.count; at++) {
            const size_t len = strlen(text);
            snprintf(text + len, sizeof(text) - len, "%d ",
                     (int)sequence_tail_item(&sequence, at)->id.ms);
        }
    }
    ck_assert_str_eq(text, expected);
}
