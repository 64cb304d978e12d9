/* SPDX-License-Identifier: MIT
 *
 * Bars that wait for late ticks, trades that come twice, prices that cannot be, and
 * histories that lie.
 */
#include "feeder/bars.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"

#define LOG_MAX 4096

static size_t count;
static struct bar said[LOG_MAX];
static struct bars *bars;

static void on_update(void *arg, const struct bar *bar)
{
    (void)arg;
    ck_assert_uint_lt(count, LOG_MAX);
    said[count++] = *bar;
}

static void on_past(void *arg, const struct bar *bar)
{
    (void)arg;
    (void)bar;
}

static void begin(int64_t lateness_s, int64_t band_percent)
{
    bars_destroy(bars);
    const struct bars_rules rules = {.max_symbols = 4,
                                     .lateness_us = lateness_s * CALENDAR_SECOND_US,
                                     .band_percent = band_percent};
    bars = bars_create(&rules, on_update, on_past, NULL);
    ck_assert_ptr_nonnull(bars);
    count = 0;
}

static void setup(void)
{
    begin(5, 0);
}

static void teardown(void)
{
    bars_destroy(bars);
}

static int64_t instant(const char *text)
{
    int64_t at_us;
    ck_assert_msg(calendar_parse(text, strlen(text), &at_us), "%s", text);
    return at_us;
}

/* A trade at hh:mm:ss of a day, or at a whole instant, without an id if it is 0. */
static enum bars_result trade(const char *time, int64_t price, uint64_t id)
{
    char text[64];
    snprintf(text, sizeof(text), "%s%s", strlen(time) > 15 ? "" : "2025-09-22T", time);
    const struct tick tick = {.symbol = "AAPL",
                              .symbol_len = 4,
                              .market = "",
                              .price = {.mantissa = price},
                              .size = {.mantissa = 1},
                              .time_us = instant(text),
                              .id = id,
                              .sequential = true};
    return bars_tick(bars, 0, &tick);
}

static enum bars_result feed(const char *time, int64_t price)
{
    return trade(time, price, 0);
}

/* "mm:ss open high low close trades", and a letter for closed and correction, of what was
 * said about the interval so far; then it is forgotten. */
static void assert_said(enum topic_interval interval, const char *expected)
{
    char text[2048] = "";
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        const struct bar *bar = &said[i];
        if (bar->topic.interval == interval) {
            char start[CALENDAR_TEXT_MAX + 1];
            calendar_format_second(start, bar->start_us);
            len += (size_t)snprintf(
                text + len, sizeof(text) - len, "%s%s %d %d %d %d %d%s%s",
                len == 0 ? "" : ", ", start + 14, (int)bar->open.mantissa,
                (int)bar->high.mantissa, (int)bar->low.mantissa, (int)bar->close.mantissa,
                (int)bar->trades, bar->correction ? " x" : "", bar->closed ? " c" : "");
        }
    }
    ck_assert_str_eq(text, expected);
    count = 0;
}

START_TEST(a_late_tick_corrects_the_bar_and_the_newest_is_said_again)
{
    feed("10:00:58", 100);
    feed("10:01:02", 101);
    count = 0;
    ck_assert_int_eq(feed("10:00:59", 90), BARS_OK);
    assert_said(TOPIC_1M, "00:00 100 100 90 90 2 x, 01:00 101 101 101 101 1");
}
END_TEST

START_TEST(a_late_tick_is_no_correction_of_bars_that_go_on)
{
    feed("10:00:58", 100);
    feed("10:01:02", 101);
    count = 0;
    feed("10:00:59", 90);
    assert_said(TOPIC_5M, "00:00 100 101 90 101 3");
}
END_TEST

START_TEST(bars_close_when_the_clock_is_past_their_end_by_the_lateness)
{
    feed("10:00:58", 100);
    feed("10:01:04.999999", 101);
    count = 0;
    bars_clock(bars, 0, instant("2025-09-22T10:01:04.999999"));
    assert_said(TOPIC_1M, "");
    bars_clock(bars, 0, instant("2025-09-22T10:01:05"));
    assert_said(TOPIC_1M, "00:00 100 100 100 100 1 c, 01:00 101 101 101 101 1");
}
END_TEST

START_TEST(a_tick_that_is_later_than_that_is_refused)
{
    feed("10:00:58", 100);
    feed("10:01:04.999999", 101);
    ck_assert_int_eq(feed("10:00:59", 99), BARS_OK);
    feed("10:01:05", 101);
    count = 0;
    ck_assert_int_eq(feed("10:00:59", 98), BARS_LATE);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(a_late_tick_may_begin_a_bar_of_its_own)
{
    feed("10:01:02", 101);
    count = 0;
    ck_assert_int_eq(feed("10:00:59", 90), BARS_OK);
    assert_said(TOPIC_1M, "00:00 90 90 90 90 1 x, 01:00 101 101 101 101 1");
    bars_clock(bars, 0, instant("2025-09-22T10:01:06"));
    assert_said(TOPIC_1M, "00:00 90 90 90 90 1 c, 01:00 101 101 101 101 1");
}
END_TEST

START_TEST(a_late_tick_for_a_bar_that_never_was_and_would_be_closed_is_refused)
{
    feed("10:01:06", 101);
    ck_assert_int_eq(feed("10:00:59", 90), BARS_LATE);
    ck_assert_int_eq(feed("2025-09-21T23:59:59", 90), BARS_LATE);
}
END_TEST

START_TEST(the_earliest_tick_opens_and_the_latest_closes)
{
    feed("10:00:30", 100);
    feed("10:00:10", 101);
    feed("10:00:20", 102);
    feed("10:00:25", 103);
    count = 0;
    feed("10:00:30", 104);
    assert_said(TOPIC_1M, "00:00 101 104 100 104 5");
}
END_TEST

START_TEST(of_trades_at_one_time_the_ids_decide)
{
    trade("10:00:30", 100, 11);
    trade("10:00:30", 101, 12);
    trade("10:00:30", 102, 10);
    count = 0;
    trade("10:00:30", 103, 9);
    assert_said(TOPIC_1M, "00:00 103 103 100 101 4");
}
END_TEST

START_TEST(a_corrected_day_changes_the_next_days_change)
{
    feed("2025-09-21T23:59:58", 100);
    feed("2025-09-22T00:00:01", 110);
    count = 0;
    feed("2025-09-21T23:59:59", 200);
    const struct bar *day = NULL;
    for (size_t i = 0; i < count; i++) {
        day = said[i].topic.interval == TOPIC_1D ? &said[i] : day;
    }
    ck_assert_ptr_nonnull(day);
    ck_assert_int_eq(day->start_us, instant("2025-09-22"));
    ck_assert_int_eq(day->previous_close.mantissa, 200);
    ck_assert_int_eq(day->change.mantissa, -90);
    ck_assert_int_eq(day->change_percent.mantissa, -4500);
}
END_TEST

START_TEST(who_expects_disorder_waits_longer)
{
    begin(0, 0);
    bars_expect_disorder(bars, 0, 2 * CALENDAR_SECOND_US);
    feed("10:00:58", 100);
    feed("10:01:01.999999", 101);
    ck_assert_int_eq(feed("10:00:59", 99), BARS_OK);
    feed("10:01:02", 101);
    ck_assert_int_eq(feed("10:00:59", 99), BARS_LATE);
}
END_TEST

START_TEST(who_expects_less_disorder_than_is_waited_for_waits_as_long)
{
    bars_expect_disorder(bars, 0, CALENDAR_SECOND_US);
    feed("10:01:04", 101);
    ck_assert_int_eq(feed("10:00:59", 99), BARS_OK);
}
END_TEST

START_TEST(the_end_of_an_owner_closes_what_has_ended)
{
    feed("10:00:58", 100);
    feed("10:01:02", 101);
    count = 0;
    bars_end(bars, 0);
    assert_said(TOPIC_1M, "00:00 100 100 100 100 1 c, 01:00 101 101 101 101 1");
}
END_TEST

START_TEST(a_trade_is_counted_once)
{
    ck_assert_int_eq(trade("10:00:01", 100, 7), BARS_OK);
    ck_assert_int_eq(trade("10:00:01", 100, 7), BARS_DUPLICATE);
    ck_assert_int_eq(trade("10:00:02", 101, 9), BARS_OK);
    ck_assert_uint_eq(bars_missed(bars), 1);
    ck_assert_int_eq(trade("10:00:02", 101, 8), BARS_OK);
    ck_assert_int_eq(trade("10:00:02", 101, 8), BARS_DUPLICATE);
    count = 0;
    trade("10:00:03", 102, 10);
    assert_said(TOPIC_1M, "00:00 100 102 100 102 4");
}
END_TEST

/* Fifty trades from an id on, one in a second. Returns how many were taken. */
static unsigned trade_on(uint64_t id, int minute)
{
    unsigned taken = 0;
    for (int i = 0; i < 50; i++) {
        char time[16];
        snprintf(time, sizeof(time), "10:%02d:%02d", minute, i);
        taken += trade(time, 100 + i, id + (uint64_t)i) == BARS_OK;
    }
    return taken;
}

START_TEST(ids_that_begin_anew_are_noticed)
{
    trade("10:00:01", 100, UINT64_MAX);
    count = 0;
    ck_assert_uint_eq(trade_on(1, 1), 50 - 31);
    ck_assert_uint_eq(said[count - 1].last_id, 50);
    ck_assert_uint_eq(bars_missed(bars), 0);
    ck_assert_int_eq(trade("10:02:00", 100, 50), BARS_DUPLICATE);
    ck_assert_int_eq(trade("10:02:00", 100, 51), BARS_OK);
}
END_TEST

START_TEST(old_trades_that_come_again_are_no_new_beginning)
{
    ck_assert_uint_eq(trade_on(1, 1), 50);
    ck_assert_int_eq(trade("10:03:00", 100, 1000), BARS_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(trade_on(1, 1), 0);
    }
    ck_assert_int_eq(trade("10:03:01", 100, 1000), BARS_DUPLICATE);
}
END_TEST

START_TEST(two_ways_of_counting_side_by_side_are_no_new_beginning)
{
    for (uint64_t i = 0; i < 50; i++) {
        char time[16];
        snprintf(time, sizeof(time), "10:00:%02d", (int)i);
        ck_assert_int_eq(trade(time, 100, 1000 + i), BARS_OK);
        snprintf(time, sizeof(time), "10:00:%02d.5", (int)i);
        ck_assert_int_eq(trade(time, 100, 1 + i), BARS_DUPLICATE);
    }
}
END_TEST

START_TEST(prices_out_of_the_band_are_refused_until_three_in_a_row_agree)
{
    begin(0, 10);
    ck_assert_int_eq(feed("10:00:01", 100), BARS_OK);
    ck_assert_int_eq(feed("10:00:02", 110), BARS_OK);
    ck_assert_int_eq(feed("10:00:03", 122), BARS_ABSURD);
    ck_assert_int_eq(feed("10:00:03", 98), BARS_ABSURD);
    ck_assert_int_eq(feed("10:00:03", 99), BARS_OK);
    ck_assert_int_eq(feed("10:00:04", 200), BARS_ABSURD);
    ck_assert_int_eq(feed("10:00:05", 205), BARS_ABSURD);
    ck_assert_int_eq(feed("10:00:06", 210), BARS_OK);
    count = 0;
    ck_assert_int_eq(feed("10:00:07", 211), BARS_OK);
    assert_said(TOPIC_1M, "00:00 100 211 99 211 5");
}
END_TEST

START_TEST(a_price_in_the_band_forgets_the_odd_ones)
{
    begin(0, 10);
    feed("10:00:01", 100);
    ck_assert_int_eq(feed("10:00:04", 200), BARS_ABSURD);
    ck_assert_int_eq(feed("10:00:05", 200), BARS_ABSURD);
    ck_assert_int_eq(feed("10:00:05", 101), BARS_OK);
    ck_assert_int_eq(feed("10:00:06", 200), BARS_ABSURD);
    ck_assert_int_eq(feed("10:00:07", 200), BARS_ABSURD);
    ck_assert_int_eq(feed("10:00:08", 200), BARS_OK);
}
END_TEST

START_TEST(odd_prices_that_do_not_agree_are_all_refused)
{
    begin(0, 10);
    feed("10:00:01", 100);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(feed("10:00:04", i % 2 == 0 ? 200 : 50), BARS_ABSURD);
    }
    ck_assert_int_eq(feed("10:00:05", 105), BARS_OK);
}
END_TEST

/* A bar of before. */
static struct bar past(enum topic_interval interval, const char *start, uint64_t id)
{
    const struct decimal price = {.mantissa = 100};
    return (struct bar){
        .topic = {.interval = interval, .symbol = "AAPL", .symbol_len = 4},
        .start_us = instant(start),
        .open = price,
        .high = price,
        .low = price,
        .close = price,
        .volume = price,
        .trades = 3,
        .last_id = id,
        .time_us = instant(start)};
}

START_TEST(a_bar_goes_on_where_it_was)
{
    const struct bar bar = past(TOPIC_1M, "2025-09-22T10:00:00", 50);
    bars_remember(bars, &bar);
    ck_assert_int_eq(trade("10:00:02", 105, 50), BARS_OK); /* for the other intervals */
    count = 0;
    ck_assert_int_eq(trade("10:00:03", 106, 51), BARS_OK);
    assert_said(TOPIC_1M, "00:00 100 106 100 106 4");
}
END_TEST

START_TEST(where_bars_do_not_wait_one_message_is_enough)
{
    begin(0, 0);
    struct bar bar = past(TOPIC_1M, "2025-09-22T10:00:00", 50);
    ck_assert(!bars_remember(bars, &bar));
    bar.topic.interval = TOPIC_1H;
    bar.closed = true;
    bar.time_us = instant("2025-09-22T11:00");
    ck_assert(!bars_remember(bars, &bar));
}
END_TEST

START_TEST(where_bars_wait_messages_are_wanted_until_none_older_can_be_open)
{
    const struct bar newest = past(TOPIC_1M, "2025-09-22T10:02:00", 52);
    const struct bar older = past(TOPIC_1M, "2025-09-22T10:01:00", 51);
    struct bar closed = past(TOPIC_1M, "2025-09-22T10:00:00", 50);
    closed.closed = true;
    ck_assert(bars_remember(bars, &newest));
    ck_assert(bars_remember(bars, &older));
    ck_assert(bars_remember(bars, &closed));
    ck_assert(!bars_remember(bars, &older));
    ck_assert_int_eq(trade("10:01:30", 90, 60), BARS_OK);
    assert_said(TOPIC_1M, "01:00 100 100 90 90 4, 02:00 100 100 100 100 3");
}
END_TEST

START_TEST(a_bar_after_the_closed_one_is_not_forgotten)
{
    const struct bar newest = past(TOPIC_1M, "2025-09-22T10:01:00", 51);
    struct bar closed = past(TOPIC_1M, "2025-09-22T10:00:00", 52);
    closed.closed = true;
    ck_assert(bars_remember(bars, &closed));
    ck_assert(!bars_remember(bars, &newest));
    ck_assert_int_eq(trade("10:01:30", 90, 52), BARS_OK);
    assert_said(TOPIC_1M, "01:00 100 100 90 90 4");
}
END_TEST

START_TEST(what_is_remembered_of_an_absurd_time_does_no_harm)
{
    static const char *const starts[] = {"9999-12-01", "0001-01-01", "1969-12-01",
                                         "2025-09-01"};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        for (int closed = 0; closed < 2; closed++) {
            begin(i % 2 == 0 ? 0 : 3600, 10);
            struct bar bar = past(TOPIC_1MO, starts[i], UINT64_MAX - 1);
            bar.volume.mantissa = INT64_MAX;
            bar.trades = INT64_MAX;
            bar.closed = closed == 1;
            bars_remember(bars, &bar);
            bars_remember(bars, &bar);
            feed("10:00:01", 100);
            trade("10:00:02", 100, 1);
            feed("9999-12-31T23:59:59.999999", 100);
            bars_clock(bars, 0, CALENDAR_MAX_US);
            bars_end(bars, 0);
            bars_flush(bars);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bars_late");
    TCase *tcase = tcase_create("bars_late");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, ids_that_begin_anew_are_noticed);
    tcase_add_test(tcase, old_trades_that_come_again_are_no_new_beginning);
    tcase_add_test(tcase, two_ways_of_counting_side_by_side_are_no_new_beginning);
    tcase_add_test(tcase, a_late_tick_corrects_the_bar_and_the_newest_is_said_again);
    tcase_add_test(tcase, a_late_tick_is_no_correction_of_bars_that_go_on);
    tcase_add_test(tcase, bars_close_when_the_clock_is_past_their_end_by_the_lateness);
    tcase_add_test(tcase, a_tick_that_is_later_than_that_is_refused);
    tcase_add_test(tcase, a_late_tick_may_begin_a_bar_of_its_own);
    tcase_add_test(tcase,
                   a_late_tick_for_a_bar_that_never_was_and_would_be_closed_is_refused);
    tcase_add_test(tcase, the_earliest_tick_opens_and_the_latest_closes);
    tcase_add_test(tcase, of_trades_at_one_time_the_ids_decide);
    tcase_add_test(tcase, a_corrected_day_changes_the_next_days_change);
    tcase_add_test(tcase, who_expects_disorder_waits_longer);
    tcase_add_test(tcase, who_expects_less_disorder_than_is_waited_for_waits_as_long);
    tcase_add_test(tcase, the_end_of_an_owner_closes_what_has_ended);
    tcase_add_test(tcase, a_trade_is_counted_once);
    tcase_add_test(tcase, prices_out_of_the_band_are_refused_until_three_in_a_row_agree);
    tcase_add_test(tcase, a_price_in_the_band_forgets_the_odd_ones);
    tcase_add_test(tcase, odd_prices_that_do_not_agree_are_all_refused);
    tcase_add_test(tcase, a_bar_goes_on_where_it_was);
    tcase_add_test(tcase, where_bars_do_not_wait_one_message_is_enough);
    tcase_add_test(tcase,
                   where_bars_wait_messages_are_wanted_until_none_older_can_be_open);
    tcase_add_test(tcase, a_bar_after_the_closed_one_is_not_forgotten);
    tcase_add_test(tcase, what_is_remembered_of_an_absurd_time_does_no_harm);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
