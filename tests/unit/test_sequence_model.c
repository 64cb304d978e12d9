/* SPDX-License-Identifier: MIT
 *
 * A topic's sequence against a plain list of everything that was ever published.
 */
#include "gateway/sequence.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frame.h"

#define GAMES   600
#define STEPS   400
#define ENTRIES (STEPS + 1)

/* Too many checks for ck_assert(), which reports each one that holds. */
#define REQUIRE(condition)                                                    \
    do {                                                                      \
        if (!(condition)) {                                                   \
            ck_abort_msg("%s: step %zu of game %zu", #condition, step, game); \
        }                                                                     \
    } while (0)

static size_t game;
static size_t step;
static uint64_t random_state;
static struct sequence sequence;
static struct sequence_limits limits;

/* Everything that was published, oldest first. Entry 0 stands for none. */
static struct sequence_item entries[ENTRIES];
static size_t count;

/* What is left of it in the history: the entries from `oldest` on. It began with `born`;
 * it may have vanished meanwhile. */
static size_t oldest;
static size_t born;

/* On their way from the channel: the entries behind this one. */
static size_t arrived;

/* The answer to a question that was asked some time ago: entries `first` to `last`. */
static struct {
    bool is_under_way;
    bool for_repair;
    bool is_all;
    bool is_whole;
    size_t first;
    size_t last;
} answer;

/* What a client knows: all up to `at` was delivered, or covered by a gap. */
static size_t at;
static size_t delivered; /* the newest one */
static bool anywhere;    /* the next one may be any */
static size_t linked;    /* from here on to `at` the sequence was without a hole */
static bool jumped;
static enum { NO_GAP, GAP_OF_HISTORY, GAP_UNREADABLE } allowed_gap;

static size_t random_below(size_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (size_t)(random_state >> 33) % bound;
}

/* ---- what comes out -----------------------------------------------------------------
 */

/* 0 for an id that never was. */
static size_t entry_of(struct feed_id id)
{
    for (size_t i = count; i > 0; i--) {
        if (feed_id_compare(entries[i].id, id) == 0) {
            return i;
        }
    }
    return 0;
}

/* No client may see what is between these. */
static bool none_between(size_t one, size_t other)
{
    for (size_t i = one + 1; i < other; i++) {
        if (entries[i].frame != NULL) {
            return false;
        }
    }
    return true;
}

static void deliver(void *arg, struct frame *frame)
{
    (void)arg;
    size_t entry = count;
    while (entries[entry].frame != frame) {
        entry--;
    }
    REQUIRE(entry > delivered && entry > at);
    REQUIRE(anywhere || none_between(at, entry));
    if (anywhere) {
        linked = entry;
        jumped = true; /* or with one before it that nobody saw */
    }
    anywhere = false;
    at = entry;
    delivered = entry;
}

/* Behind a history that has vanished, nobody can say what comes next. */
static void stand_at_end_of_answer(void)
{
    anywhere = answer.first > answer.last;
    if (!anywhere) {
        at = answer.last;
        linked = at;
        jumped = false;
    }
}

static void gap(void *arg, struct feed_id after)
{
    (void)arg;
    const size_t entry = entry_of(after);
    REQUIRE(allowed_gap != NO_GAP || anywhere);
    REQUIRE(entry >= delivered);
    REQUIRE(anywhere || entry <= at || none_between(at, entry + 1));
    if (allowed_gap == GAP_UNREADABLE) {
        anywhere = true;
    } else if (allowed_gap == GAP_OF_HISTORY) {
        stand_at_end_of_answer();
    }
    allowed_gap = NO_GAP;
}

static void unlinked(void *arg)
{
    (void)arg; /* what the history no longer has is nobody's */
}

static const struct sequence_sink sink = {
    .deliver = deliver, .gap = gap, .unlinked = unlinked};

/* ---- what goes in -------------------------------------------------------------------
 */

static void publish(void)
{
    if (count + 1 == ENTRIES) {
        return;
    }
    const struct frame_part part = FRAME_PART("{}");
    struct sequence_item *entry = &entries[++count];
    *entry = (struct sequence_item){.id = entries[count - 1].id};
    entry->id.ms += random_below(2);
    entry->id.seq += 1 + random_below(3);
    if (oldest == count) {
        born = count;
    } else {
        entry->prev = entries[count - 1].id;
    }
    if (random_below(20) > 0) {
        entry->frame = frame_create(FRAME_TEXT, &part, 1);
        ck_assert_ptr_nonnull(entry->frame);
    }
}

static void send(size_t entry)
{
    const bool is_first = !sequence.known;
    const bool is_old = feed_id_compare(entries[entry].id, sequence.last) <= 0;
    if (is_first) {
        anywhere = true;
    }
    const bool is_new = sequence_message(&sequence, &entries[entry], &limits, &sink);
    REQUIRE(is_new == (sequence.broken || !is_old));
    if (is_first) {
        anywhere = false;
        at = entry;
        linked = sequence.keeps_tail && entry > born ? entry - 1 : entry;
    }
}

/* The next message arrives; or it is lost, or comes again, or late, or too early. */
static void arrive(void)
{
    const size_t luck = random_below(20);
    if (luck == 0 && arrived > 0) {
        send(1 + random_below(arrived));
    } else if (luck == 1 && count - arrived > 1) {
        send(arrived + 2);
    } else if (arrived < count) {
        arrived++;
        if (luck != 2) {
            send(arrived);
        }
    }
}

static void lose_channel(void)
{
    sequence_break(&sequence);
    answer.is_under_way = false;
    arrived += random_below(count - arrived + 1);
}

static void trim(void)
{
    if (random_below(20) == 0) {
        oldest = count + 1; /* it has expired */
    } else if (oldest < count) {
        oldest += random_below(count - oldest + 1);
    }
}

/* What is BROKEN needs all that is left from where it stands. */
static void ask(void)
{
    if (answer.is_under_way) {
        return;
    }
    answer.is_under_way = true;
    answer.for_repair = sequence.broken;
    answer.first = oldest;
    answer.last = count;
    answer.is_all = true;
    if (sequence.broken && random_below(2) == 0) {
        while (answer.first <= answer.last &&
               feed_id_compare(entries[answer.first].id,
                               sequence_repair_from(&sequence)) < 0) {
            answer.first++;
        }
        answer.is_all = false;
    } else if (!sequence.broken && answer.first < answer.last) {
        answer.first += random_below(answer.last - answer.first + 1);
        answer.is_all = random_below(2) == 0;
    }
    answer.is_whole = answer.first == born;
}

static bool answer_has(struct feed_id id)
{
    const size_t entry = entry_of(id);
    return entry != 0 && answer.first <= entry && entry <= answer.last;
}

/* There may be a gap only where the history does not reach back. */
static void allow_gap(const struct sequence_history *history)
{
    const struct feed_id from = sequence_repair_from(&sequence);
    const bool is_none = from.ms == 0 && from.seq == 0;
    const bool reaches_back =
        is_none ? history->is_whole || history->count == 0 : answer_has(from);
    allowed_gap = sequence.broken && !reaches_back ? GAP_OF_HISTORY : NO_GAP;
}

static void read_history(void)
{
    if (!answer.is_under_way || (sequence.broken && !answer.for_repair)) {
        answer.is_under_way = false;
        return;
    }
    const struct sequence_history history = {.items = &entries[answer.first],
                                             .count = answer.last + 1 - answer.first,
                                             .is_all = answer.is_all,
                                             .is_whole = answer.is_whole};
    const bool is_first = !sequence.known;
    allow_gap(&history);
    if (sequence.keeps_tail && answer_has(sequence.base) && linked > answer.first) {
        linked = answer.first;
    }
    const bool must_leap = allowed_gap == GAP_OF_HISTORY;
    sequence_read(&sequence, &history, &limits, &sink);
    REQUIRE(!must_leap || allowed_gap == NO_GAP);
    if (is_first) {
        stand_at_end_of_answer();
        if (sequence.keeps_tail && answer.first <= answer.last) {
            linked = answer.first;
        }
    }
    allowed_gap = NO_GAP;
    answer.is_under_way = false;
}

static void fail_to_read(void)
{
    const bool is_first = !sequence.known;
    const bool was_broken = sequence.broken;
    allowed_gap = was_broken ? GAP_UNREADABLE : NO_GAP;
    sequence_no_history(&sequence, &limits, &sink);
    REQUIRE(allowed_gap == NO_GAP);
    anywhere = anywhere || is_first;
    answer.is_under_way = false;
}

/* ---- rules --------------------------------------------------------------------------
 */

/* The tail has exactly what came behind this entry. */
static bool has_all_behind(uint32_t first, size_t entry, size_t last)
{
    if (sequence.tail.count - first != last - entry) {
        return false;
    }
    for (uint32_t i = first; i < sequence.tail.count; i++) {
        const struct sequence_item *item = sequence_tail_item(&sequence, i);
        const struct sequence_item *expected = &entries[entry + 1 + i - first];
        if (feed_id_compare(item->id, expected->id) != 0 ||
            item->frame != expected->frame) {
            return false;
        }
    }
    return true;
}

/* An entry is found exactly when all behind it is in the tail. */
static void check_tail(void)
{
    const size_t last = entry_of(sequence.expect);
    REQUIRE(sequence.tail.count <= limits.items && sequence.tail.bytes <= limits.bytes);
    for (size_t entry = 1; entry <= last; entry++) {
        uint32_t first;
        const bool is_there = entry >= linked && last - entry <= sequence.tail.count;
        const bool is_found = sequence_find(&sequence, entries[entry].id, &first);
        REQUIRE(is_found == is_there || (is_found && jumped));
        REQUIRE(!is_found || has_all_behind(first, entry, last));
    }
}

static void check(void)
{
    uint32_t first;
    const size_t last = entry_of(sequence.expect);
    REQUIRE(sequence.held.count <= limits.items && sequence.held.bytes <= limits.bytes);
    REQUIRE(sequence.broken || sequence.held.count == 0);
    REQUIRE(anywhere || last == 0 || (last >= at && none_between(at, last + 1)));
    REQUIRE(!sequence_find(&sequence, (struct feed_id){0}, &first));
    if (sequence.newest != NULL && last != 0) {
        size_t newest = count;
        while (entries[newest].frame != sequence.newest) {
            newest--;
        }
        REQUIRE(newest <= last && none_between(newest, last + 1));
    }
    if (sequence.known && !sequence.broken && !anywhere && !sequence.any_next) {
        check_tail();
    }
}

/* A message that no client may see has told where the sequence is. */
static void find_out(void)
{
    const size_t last = entry_of(sequence.expect);
    if (anywhere && sequence.known && !sequence.broken && !sequence.any_next &&
        last > at) {
        anywhere = false;
        at = last;
        linked = last;
        jumped = true;
    }
}

static void take_a_step(void)
{
    switch (random_below(32)) {
    case 0:
        lose_channel();
        break;
    case 1:
        trim();
        break;
    case 2:
        sequence_keep_tail(&sequence);
        break;
    case 3:
        if (random_below(4) == 0) {
            sequence_drop_tail(&sequence);
        }
        break;
    case 4:
        if (random_below(8) == 0) {
            fail_to_read();
        }
        break;
    case 5:
    case 6:
    case 7:
        ask();
        break;
    case 8:
    case 9:
    case 10:
        read_history();
        break;
    default:
        if (random_below(2) == 0) {
            publish();
        } else {
            arrive();
        }
        break;
    }
}

/* When all is quiet, everything has been delivered or covered by a gap. */
static void come_to_rest(void)
{
    lose_channel();
    for (int i = 0; i < 3; i++) {
        ask();
        read_history();
    }
    check();
    REQUIRE(sequence.known && !sequence.broken);
    REQUIRE(none_between(at, count + 1) || (anywhere && answer.first > answer.last));
}

static void play_a_game(void)
{
    count = 0;
    oldest = 1;
    born = 1;
    arrived = 0;
    at = 0;
    delivered = 0;
    linked = 0;
    anywhere = false;
    jumped = false;
    answer.is_under_way = false;
    sequence = (struct sequence){0};
    limits.items = 1 + random_below(30);
    limits.bytes = 100 + random_below(2000);
    for (size_t i = random_below(10); i > 0; i--) {
        publish();
    }
    arrived = count;
    for (step = 0; step < STEPS; step++) {
        take_a_step();
        find_out();
        check();
    }
    come_to_rest();
    sequence_finish(&sequence);
    for (size_t i = 1; i <= count; i++) {
        REQUIRE(entries[i].frame == NULL || entries[i].frame->refs == 1);
        frame_unref(entries[i].frame);
    }
}

START_TEST(whatever_happens_ids_go_up_and_nothing_is_missing_without_a_gap)
{
    random_state = 42;
    for (game = 0; game < GAMES; game++) {
        play_a_game();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sequence_model");
    TCase *tcase = tcase_create("sequence_model");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase,
                   whatever_happens_ids_go_up_and_nothing_is_missing_without_a_gap);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
