/* SPDX-License-Identifier: MIT
 *
 * What a tape says, and in which order, follows from its ticks: not from how often
 * anybody looks at the clock.
 */
#include "feeder/tape.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tape_scene.h"

#define TRADES 400

static struct trade trades[TRADES];
static struct script calm;
static struct script hasty;
static struct script script;
static struct tape *tape;

static void begin(int64_t min_update_us)
{
    const struct tape_rules rules = {
        .bars = {.max_symbols = 10, .min_update_us = min_update_us}, .weights = ""};
    tape = scene_tape(&rules, &script);
}

static void teardown(void)
{
    tape_destroy(tape);
    script_clear(&calm);
    script_clear(&hasty);
    script_clear(&script);
}

static void trade(int64_t time_ms, int64_t price)
{
    const struct trade trade = {.symbol = "AAPL",
                                .market = "US",
                                .time_us = INT64_C(1758499200000000) + time_ms * 1000,
                                .price = {.mantissa = price},
                                .size = {.mantissa = 1}};
    ck_assert_int_eq(scene_feed(tape, &trade), BARS_OK);
}

static void clock_at(int64_t time_ms)
{
    tape_clock(tape, 0, INT64_C(1758499200000000) + time_ms * 1000);
}

static size_t count_of(const char *topic)
{
    size_t count = 0;
    for (size_t i = 0; i < script.count; i++) {
        count += strcmp(script.said[i].topic, topic) == 0;
    }
    return count;
}

/* The newest message on the topic has this in it. */
static void assert_last(const char *topic, const char *part)
{
    for (size_t i = script.count; i-- > 0;) {
        if (strcmp(script.said[i].topic, topic) == 0) {
            ck_assert_msg(strstr(script.said[i].payload, part) != NULL, "%s not in %s",
                          part, script.said[i].payload);
            return;
        }
    }
    ck_abort_msg("nothing on %s", topic);
}

START_TEST(without_a_pace_every_tick_is_said)
{
    begin(0);
    for (int i = 0; i < 10; i++) {
        trade(i, 100 + i);
    }
    ck_assert_uint_eq(count_of("stock.AAPL.1m"), 10);
}
END_TEST

START_TEST(the_first_tick_is_said_at_once_and_then_the_newest_when_it_is_time)
{
    begin(250000);
    trade(1000, 100);
    ck_assert_uint_eq(count_of("stock.AAPL.1m"), 1);
    trade(1001, 101);
    trade(1249, 99);
    clock_at(1249);
    ck_assert_uint_eq(count_of("stock.AAPL.1m"), 1);
    clock_at(1250);
    ck_assert_uint_eq(count_of("stock.AAPL.1m"), 2);
    assert_last("stock.AAPL.1m", "\"open\":100,\"high\":101,\"low\":99,\"close\":99,");
    clock_at(9000);
    ck_assert_uint_eq(count_of("stock.AAPL.1m"), 2);
    trade(9001, 102);
    ck_assert_uint_eq(count_of("stock.AAPL.1m"), 3);
}
END_TEST

START_TEST(after_what_was_held_back_the_pace_is_kept_too)
{
    begin(250000);
    trade(1000, 100);
    trade(1100, 101);
    trade(1300, 102);
    ck_assert_uint_eq(count_of("stock.AAPL.1m"), 2);
    assert_last("stock.AAPL.1m", "\"close\":101,");
    clock_at(1499);
    ck_assert_uint_eq(count_of("stock.AAPL.1m"), 2);
    clock_at(1500);
    ck_assert_uint_eq(count_of("stock.AAPL.1m"), 3);
    assert_last("stock.AAPL.1m", "\"close\":102,");
}
END_TEST

START_TEST(a_bar_is_closed_at_once_with_all_that_was_held_back)
{
    begin(250000);
    trade(59900, 100);
    trade(59950, 101);
    clock_at(60000);
    ck_assert_uint_eq(count_of("stock.AAPL.1m"), 2);
    assert_last("stock.AAPL.1m", "\"close\":101,");
    assert_last("stock.AAPL.1m", "\"closed\":true");
    ck_assert_uint_eq(count_of("stock.AAPL.1h"), 1);
}
END_TEST

START_TEST(the_next_bar_keeps_the_pace_of_the_one_before)
{
    begin(250000);
    trade(59900, 100);
    trade(60000, 101);
    ck_assert_uint_eq(count_of("stock.AAPL.1m"), 2);
    assert_last("stock.AAPL.1m", "\"closed\":true");
    clock_at(60150);
    assert_last("stock.AAPL.1m", "\"close\":101,");
}
END_TEST

START_TEST(at_the_end_all_that_was_held_back_is_said)
{
    begin(250000);
    trade(1000, 100);
    trade(1001, 101);
    scene_end(tape);
    ck_assert_uint_eq(count_of("stock.AAPL.1M"), 2);
    assert_last("stock.AAPL.1M", "\"close\":101,");
}
END_TEST

/* Looks at the clock at any times between the trades, and not at all. */
static void play(struct script *to, const struct tape_rules *rules, bool looks)
{
    struct tape *playing = scene_tape(rules, to);
    int64_t now_us = trades[0].time_us;
    for (size_t i = 0; i < TRADES; i++) {
        while (looks && trades[i].time_us > now_us && scene_random(3) > 0) {
            const int64_t ahead_us = trades[i].time_us - now_us;
            const int64_t most_us = scene_random(2) == 0 ? ahead_us : 400000;
            now_us += (int64_t)scene_random((uint64_t)most_us + 1);
            now_us = now_us < trades[i].time_us ? now_us : trades[i].time_us;
            tape_clock(playing, 0, now_us);
        }
        scene_feed(playing, &trades[i]);
        now_us = now_us > trades[i].time_us ? now_us : trades[i].time_us;
    }
    scene_end(playing);
    tape_destroy(playing);
}

START_TEST(whether_and_when_the_clock_is_looked_at_makes_no_difference)
{
    const int64_t lateness_us = _i % 3 * 7 * SCENE_SECOND_US;
    const struct tape_rules rules = {.bars = {.max_symbols = 10,
                                              .min_update_us = _i % 2 * 250000,
                                              .lateness_us = lateness_us},
                                     .weights = ""};
    scene_seed((uint64_t)_i);
    scene_trades(trades, TRADES, INT64_C(1709078400000000),
                 _i % 4 == 0 ? 0 : lateness_us + 500000);
    play(&calm, &rules, false);
    play(&hasty, &rules, true);
    for (size_t i = 0; i < calm.count && i < hasty.count; i++) {
        ck_assert_str_eq(calm.said[i].topic, hasty.said[i].topic);
        ck_assert_str_eq(calm.said[i].payload, hasty.said[i].payload);
    }
    ck_assert_uint_eq(calm.count, hasty.count);
}
END_TEST

START_TEST(a_pace_says_what_is_final_as_it_would_be_without)
{
    struct tape_rules rules = {.bars = {.max_symbols = 10}, .weights = ""};
    scene_seed(77);
    scene_trades(trades, TRADES, INT64_C(1709078400000000), 0);
    play(&calm, &rules, false);
    rules.bars.min_update_us = 250000;
    play(&hasty, &rules, false);
    ck_assert_uint_lt(hasty.count, calm.count);
    size_t at = 0;
    for (size_t i = 0; i < calm.count; i++) {
        if (strstr(calm.said[i].payload, "\"closed\":true") == NULL) {
            continue;
        }
        while (at < hasty.count &&
               strstr(hasty.said[at].payload, "\"closed\":true") == NULL) {
            at++;
        }
        ck_assert_uint_lt(at, hasty.count);
        ck_assert_str_eq(calm.said[i].payload, hasty.said[at].payload);
        at++;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pace");
    TCase *tcase = tcase_create("pace");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, without_a_pace_every_tick_is_said);
    tcase_add_test(tcase,
                   the_first_tick_is_said_at_once_and_then_the_newest_when_it_is_time);
    tcase_add_test(tcase, after_what_was_held_back_the_pace_is_kept_too);
    tcase_add_test(tcase, a_bar_is_closed_at_once_with_all_that_was_held_back);
    tcase_add_test(tcase, the_next_bar_keeps_the_pace_of_the_one_before);
    tcase_add_test(tcase, at_the_end_all_that_was_held_back_is_said);
    tcase_add_loop_test(
        tcase, whether_and_when_the_clock_is_looked_at_makes_no_difference, 0, 12);
    tcase_add_test(tcase, a_pace_says_what_is_final_as_it_would_be_without);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
