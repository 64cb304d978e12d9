/* SPDX-License-Identifier: MIT */
#include "feeder/bars.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"

#define LOG_MAX 4096

/* What the bars under test said, in order. */
struct listener {
    size_t count;
    struct bar said[LOG_MAX];
    struct bar past;
};

static struct listener listener;
static struct bars *bars;

static void on_update(void *arg, const struct bar *bar)
{
    struct listener *to = arg;
    if (to->count == LOG_MAX) {
        ck_abort_msg("more was said than the test can hold");
    }
    to->said[to->count++] = *bar;
}

static void on_past(void *arg, const struct bar *bar)
{
    struct listener *to = arg;
    to->past = *bar;
}

static void begin(struct bars_rules rules)
{
    bars_destroy(bars);
    bars = bars_create(&rules, on_update, on_past, &listener);
    ck_assert_ptr_nonnull(bars);
}

static void setup(void)
{
    listener.count = 0;
    bars = NULL;
    begin((struct bars_rules){.max_symbols = 4});
}

static void teardown(void)
{
    bars_destroy(bars);
}

static struct decimal number(const char *text)
{
    struct decimal value;
    ck_assert(decimal_parse(text, strlen(text), &value));
    return value;
}

static int64_t instant(const char *text)
{
    int64_t at_us;
    ck_assert_msg(calendar_parse(text, strlen(text), &at_us), "%s", text);
    return at_us;
}

static struct tick tick_of(const char *symbol, const char *time, const char *price,
                           const char *size)
{
    return (struct tick){.type = TOPIC_STOCK,
                         .symbol = symbol,
                         .symbol_len = strlen(symbol),
                         .market = "US",
                         .market_len = 2,
                         .price = number(price),
                         .size = number(size),
                         .time_us = instant(time)};
}

static enum bars_result feed(const char *time, const char *price, const char *size)
{
    const struct tick tick = tick_of("AAPL", time, price, size);
    return bars_tick(bars, 0, &tick);
}

/* The newest thing said about the interval. */
static const struct bar *last_of(enum topic_interval interval)
{
    for (size_t i = listener.count; i-- > 0;) {
        if (listener.said[i].topic.interval == interval) {
            return &listener.said[i];
        }
    }
    ck_abort_msg("nothing was said");
    return NULL;
}

/* "start open high low close volume trades change percent closed" */
static void assert_bar(const struct bar *bar, const char *expected)
{
    char start[CALENDAR_TEXT_MAX + 1];
    char texts[7][DECIMAL_TEXT_MAX + 1];
    const struct decimal numbers[7] = {bar->open,          bar->high,   bar->low,
                                       bar->close,         bar->volume, bar->change,
                                       bar->change_percent};
    for (size_t i = 0; i < 7; i++) {
        decimal_format(texts[i], numbers[i]);
    }
    char text[512];
    calendar_format_second(start, bar->start_us);
    snprintf(text, sizeof(text), "%s %s %s %s %s %s %d %s %s%s", start, texts[0],
             texts[1], texts[2], texts[3], texts[4], (int)bar->trades, texts[5], texts[6],
             bar->closed ? " closed" : "");
    ck_assert_str_eq(text, expected);
}

static size_t count_closed(void)
{
    size_t count = 0;
    for (size_t i = 0; i < listener.count; i++) {
        count += listener.said[i].closed;
    }
    return count;
}

START_TEST(one_tick_opens_a_bar_of_each_interval)
{
    ck_assert_int_eq(feed("2025-09-22T05:16:02.8", "150.25", "10"), BARS_OK);
    ck_assert_uint_eq(listener.count, TOPIC_INTERVALS);
    static const char *const expected[] = {
        "2025-09-22T05:16:00 150.25 150.25 150.25 150.25 10 1 0 0",
        "2025-09-22T05:15:00 150.25 150.25 150.25 150.25 10 1 0 0",
        "2025-09-22T05:15:00 150.25 150.25 150.25 150.25 10 1 0 0",
        "2025-09-22T05:00:00 150.25 150.25 150.25 150.25 10 1 0 0",
        "2025-09-22T05:00:00 150.25 150.25 150.25 150.25 10 1 0 0",
        "2025-09-22T04:00:00 150.25 150.25 150.25 150.25 10 1 0 0",
        "2025-09-22T00:00:00 150.25 150.25 150.25 150.25 10 1 0 0",
        "2025-09-22T00:00:00 150.25 150.25 150.25 150.25 10 1 0 0",
        "2025-09-01T00:00:00 150.25 150.25 150.25 150.25 10 1 0 0"};
    for (size_t i = 0; i < TOPIC_INTERVALS; i++) {
        ck_assert_uint_eq(listener.said[i].topic.interval, i);
        assert_bar(&listener.said[i], expected[i]);
    }
}
END_TEST

START_TEST(ticks_of_a_minute_make_its_open_high_low_close_and_volume)
{
    feed("2025-09-22T05:16:00", "149", "100");
    feed("2025-09-22T05:16:01", "151.0", "200");
    feed("2025-09-22T05:16:30", "148.5", "0.5");
    feed("2025-09-22T05:16:59.999999", "150.25", "699.5");
    assert_bar(last_of(TOPIC_1M), "2025-09-22T05:16:00 149 151 148.5 150.25 1000 4 0 0");
    assert_bar(last_of(TOPIC_1MO), "2025-09-01T00:00:00 149 151 148.5 150.25 1000 4 0 0");
}
END_TEST

START_TEST(volumes_add_up_exactly)
{
    feed("2025-09-22T05:16:00", "0.1", "0.1");
    feed("2025-09-22T05:16:00", "0.3", "0.2");
    assert_bar(last_of(TOPIC_1D), "2025-09-22T00:00:00 0.1 0.3 0.1 0.3 0.3 2 0 0");
}
END_TEST

START_TEST(a_tick_of_the_next_minute_closes_the_minute_before_and_nothing_else)
{
    feed("2025-09-22T05:16:02", "150", "10");
    listener.count = 0;
    feed("2025-09-22T05:17:00", "151", "5");
    ck_assert_uint_eq(listener.count, 1 + TOPIC_INTERVALS);
    assert_bar(&listener.said[0], "2025-09-22T05:16:00 150 150 150 150 10 1 0 0 closed");
    ck_assert_int_eq(listener.said[0].time_us, instant("2025-09-22T05:17:00"));
    assert_bar(&listener.said[1], "2025-09-22T05:17:00 151 151 151 151 5 1 0 0");
    assert_bar(&listener.said[2], "2025-09-22T05:15:00 150 151 150 151 15 2 0 0");
    ck_assert_uint_eq(count_closed(), 1);
}
END_TEST

START_TEST(bars_that_end_in_silence_are_closed_by_the_clock_once)
{
    feed("2025-09-22T05:16:02", "150", "10");
    listener.count = 0;
    bars_clock(bars, 0, instant("2025-09-22T05:16:59.999999"));
    ck_assert_uint_eq(listener.count, 0);
    bars_clock(bars, 0, instant("2025-09-22T05:17:00"));
    ck_assert_uint_eq(listener.count, 1);
    assert_bar(&listener.said[0], "2025-09-22T05:16:00 150 150 150 150 10 1 0 0 closed");
    bars_clock(bars, 0, instant("2025-09-22T05:20:00"));
    ck_assert_uint_eq(listener.count, 2);
    ck_assert_int_eq(listener.said[1].topic.interval, TOPIC_5M);
    bars_clock(bars, 0, instant("2026-01-01"));
    ck_assert_uint_eq(listener.count, TOPIC_INTERVALS);
    bars_clock(bars, 0, instant("2027-01-01"));
    feed("2027-01-01T00:00:01", "150", "10");
    ck_assert_uint_eq(count_closed(), TOPIC_INTERVALS);
}
END_TEST

START_TEST(the_clock_of_one_owner_leaves_anothers_bars_open)
{
    const struct tick other = tick_of("IBM", "2025-09-22T05:16:02", "200", "1");
    ck_assert_int_eq(bars_tick(bars, 1, &other), BARS_OK);
    bars_clock(bars, 0, instant("2026-01-01"));
    ck_assert_uint_eq(count_closed(), 0);
    bars_clock(bars, 1, instant("2026-01-01"));
    ck_assert_uint_eq(count_closed(), TOPIC_INTERVALS);
}
END_TEST

START_TEST(a_week_ends_on_sunday_and_a_leap_month_on_the_29th)
{
    feed("2024-02-25T23:59:59", "10", "1"); /* a Sunday */
    feed("2024-02-26T00:00:00", "11", "1");
    assert_bar(last_of(TOPIC_1W), "2024-02-26T00:00:00 11 11 11 11 1 1 1 10");
    feed("2024-02-29T23:59:59", "12", "1");
    assert_bar(last_of(TOPIC_1MO), "2024-02-01T00:00:00 10 12 10 12 3 3 1 9.09");
    listener.count = 0;
    feed("2024-03-01T00:00:00", "13", "1");
    assert_bar(last_of(TOPIC_1MO), "2024-03-01T00:00:00 13 13 13 13 1 1 1 8.33");
    assert_bar(last_of(TOPIC_1W), "2024-02-26T00:00:00 11 13 11 13 3 3 1 8.33");
    ck_assert_uint_eq(count_closed(), TOPIC_INTERVALS - 1);
}
END_TEST

START_TEST(changes_are_against_the_close_of_the_day_before)
{
    feed("2025-09-19T20:00:00", "149", "1");
    assert_bar(last_of(TOPIC_1D), "2025-09-19T00:00:00 149 149 149 149 1 1 0 0");
    feed("2025-09-22T05:16:00", "150", "1");
    feed("2025-09-22T05:16:02", "150.25", "1");
    assert_bar(last_of(TOPIC_1M),
               "2025-09-22T05:16:00 150 150.25 150 150.25 2 2 1.25 0.84");
    assert_bar(last_of(TOPIC_1W),
               "2025-09-22T00:00:00 150 150.25 150 150.25 2 2 1.25 0.84");
    feed("2025-09-23T05:16:02", "149.25", "1");
    assert_bar(last_of(TOPIC_1M),
               "2025-09-23T05:16:00 149.25 149.25 149.25 149.25 1 1 -1 -0.67");
}
END_TEST

START_TEST(a_closed_bar_keeps_the_change_of_its_own_day)
{
    feed("2025-09-18T20:00:00", "100", "1");
    feed("2025-09-19T20:00:00", "110", "1");
    listener.count = 0;
    feed("2025-09-22T05:16:00", "121", "1");
    for (size_t i = 0; i < listener.count; i++) {
        const struct bar *bar = &listener.said[i];
        ck_assert_int_eq(bar->change_percent.mantissa, 1000);
        ck_assert_int_eq(decimal_compare(bar->change, number(bar->closed ? "10" : "11")),
                         0);
    }
}
END_TEST

START_TEST(a_source_may_know_the_previous_close_of_a_symbols_first_day)
{
    struct tick tick = tick_of("AAPL", "2025-09-22T05:16:02", "150.25", "1");
    tick.has_previous_close = true;
    tick.previous_close = number("149");
    bars_tick(bars, 0, &tick);
    assert_bar(last_of(TOPIC_1M),
               "2025-09-22T05:16:00 150.25 150.25 150.25 150.25 1 1 1.25 0.84");
    tick.previous_close = number("1");
    bars_tick(bars, 0, &tick);
    assert_bar(last_of(TOPIC_1M),
               "2025-09-22T05:16:00 150.25 150.25 150.25 150.25 2 2 1.25 0.84");
}
END_TEST

START_TEST(prices_may_fall_below_zero)
{
    feed("2020-04-19T12:00:00", "18.27", "1");
    feed("2020-04-20T12:00:00", "-37.63", "1");
    assert_bar(last_of(TOPIC_1D),
               "2020-04-20T00:00:00 -37.63 -37.63 -37.63 -37.63 1 1 -55.9 -305.97");
    feed("2020-04-21T12:00:00", "10.01", "1");
    assert_bar(last_of(TOPIC_1D),
               "2020-04-21T00:00:00 10.01 10.01 10.01 10.01 1 1 47.64 126.6");
}
END_TEST

START_TEST(against_a_previous_close_of_zero_the_percentage_is_zero)
{
    feed("2020-04-19T12:00:00", "0", "1");
    feed("2020-04-20T12:00:00", "5", "1");
    assert_bar(last_of(TOPIC_1D), "2020-04-20T00:00:00 5 5 5 5 1 1 5 0");
}
END_TEST

START_TEST(late_ticks_are_refused_and_change_nothing)
{
    feed("2025-09-22T05:16:02", "150", "10");
    feed("2025-09-22T05:17:10", "151", "10");
    listener.count = 0;
    ck_assert_int_eq(feed("2025-09-22T05:16:59", "1", "10"), BARS_LATE);
    ck_assert_uint_eq(listener.count, 0);
    ck_assert_int_eq(feed("2025-09-22T05:17:05", "152", "10"), BARS_OK);
    assert_bar(last_of(TOPIC_1M), "2025-09-22T05:17:00 152 152 151 151 20 2 0 0");
    bars_clock(bars, 0, instant("2025-09-22T05:18:00"));
    ck_assert_int_eq(feed("2025-09-22T05:17:59", "1", "10"), BARS_LATE);
    ck_assert_int_eq(feed("2025-09-22T05:18:00", "153", "10"), BARS_OK);
}
END_TEST

START_TEST(negative_sizes_are_refused)
{
    ck_assert_int_eq(feed("2025-09-22T05:16:02", "150", "-1"), BARS_NEGATIVE);
    ck_assert_uint_eq(listener.count, 0);
}
END_TEST

START_TEST(a_volume_that_does_not_fit_is_refused_and_changes_nothing)
{
    feed("2025-09-22T05:16:02", "150", "9223372036854775807");
    listener.count = 0;
    ck_assert_int_eq(feed("2025-09-22T05:17:02", "151", "1"), BARS_TOO_BIG);
    ck_assert_uint_eq(listener.count, 0);
    feed("2025-09-22T05:16:03", "150", "0");
    assert_bar(last_of(TOPIC_1M),
               "2025-09-22T05:16:00 150 150 150 150 9223372036854775807 2 0 0");
}
END_TEST

START_TEST(a_symbol_belongs_to_the_owner_who_claimed_it)
{
    const struct tick tick = tick_of("AAPL", "2025-09-22T05:16:02", "150", "1");
    ck_assert_int_eq(bars_claim(bars, 1, &tick), BARS_OK);
    ck_assert_int_eq(bars_claim(bars, 2, &tick), BARS_FOREIGN);
    ck_assert_int_eq(bars_tick(bars, 0, &tick), BARS_FOREIGN);
    ck_assert_uint_eq(listener.count, 0);
    ck_assert_int_eq(bars_tick(bars, 1, &tick), BARS_OK);
}
END_TEST

START_TEST(an_unclaimed_symbol_belongs_to_its_first_tick)
{
    const struct tick tick = tick_of("AAPL", "2025-09-22T05:16:02", "150", "1");
    ck_assert_int_eq(bars_tick(bars, 1, &tick), BARS_OK);
    ck_assert_int_eq(bars_tick(bars, 0, &tick), BARS_FOREIGN);
}
END_TEST

START_TEST(the_same_symbol_in_two_types_is_two_series)
{
    struct tick tick = tick_of("CL", "2025-09-22T05:16:02", "1", "1");
    bars_tick(bars, 0, &tick);
    tick.type = TOPIC_FUTURES;
    tick.price = number("70");
    bars_tick(bars, 0, &tick);
    assert_bar(last_of(TOPIC_1M), "2025-09-22T05:16:00 70 70 70 70 1 1 0 0");
    ck_assert_uint_eq(last_of(TOPIC_1M)->series, 1);
}
END_TEST

START_TEST(symbols_beyond_the_bound_are_refused)
{
    static const char *const symbols[] = {"A", "B", "C", "D", "E"};
    for (size_t i = 0; i < 5; i++) {
        const struct tick tick = tick_of(symbols[i], "2025-09-22T05:16:02", "1", "1");
        ck_assert_int_eq(bars_tick(bars, 0, &tick), i < 4 ? BARS_OK : BARS_FULL);
    }
    const struct tick known = tick_of("C", "2025-09-22T05:16:03", "2", "1");
    ck_assert_int_eq(bars_tick(bars, 0, &known), BARS_OK);
}
END_TEST

/* Closed and open bars of one interval, added up. Checked with plain conditions, as a
 * million ck_assert() take minutes. */
struct total {
    struct bar last;
    struct decimal volume;
    uint64_t trades;
    size_t closed;
    bool good;
    bool open;
};

static void add_up(struct total totals[TOPIC_INTERVALS])
{
    for (size_t i = 0; i < listener.count; i++) {
        const struct bar *bar = &listener.said[i];
        struct total *total = &totals[bar->topic.interval];
        /* Nothing more is said about a bar once it is closed. */
        total->good &= total->open || total->last.start_us != bar->start_us;
        total->good &= decimal_compare(bar->high, bar->open) >= 0;
        total->good &= decimal_compare(bar->high, bar->close) >= 0;
        total->good &= decimal_compare(bar->low, bar->open) <= 0;
        total->good &= decimal_compare(bar->low, bar->close) <= 0;
        total->last = *bar;
        total->open = !bar->closed;
        if (bar->closed) {
            total->good &= decimal_add(total->volume, bar->volume, &total->volume);
            total->trades += bar->trades;
            total->closed++;
        }
    }
    listener.count = 0;
}

START_TEST(the_nine_intervals_agree_with_each_other)
{
    static struct total totals[TOPIC_INTERVALS];
    uint64_t state = 42;
    int64_t now_us = instant("2024-01-30T22:00:00");
    struct decimal volume = {0};
    for (int i = 0; i < TOPIC_INTERVALS; i++) {
        totals[i].good = true;
    }
    for (int i = 0; i < 20000; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
        const uint64_t random = state >> 33;
        now_us += (int64_t)(random % 997) * 900000;
        struct tick tick = tick_of("AAPL", "2024-01-01", "0", "0");
        tick.time_us = now_us;
        tick.price = (struct decimal){(int64_t)(random % 20011) - 5000, 2};
        tick.size = (struct decimal){(int64_t)(random % 7919), (int)(random % 4)};
        if (random % 5 == 0) {
            bars_clock(bars, 0, now_us);
        }
        totals[0].good &= bars_tick(bars, 0, &tick) == BARS_OK;
        totals[0].good &= decimal_add(volume, tick.size, &volume);
        add_up(totals);
    }
    bars_clock(bars, 0, now_us + 40 * CALENDAR_DAY_US);
    add_up(totals);
    for (size_t i = 0; i < TOPIC_INTERVALS; i++) {
        ck_assert(totals[i].good);
        ck_assert_int_eq(decimal_compare(totals[i].volume, volume), 0);
        ck_assert_uint_eq(totals[i].trades, 20000);
        ck_assert(!totals[i].open);
        ck_assert(i == 0 || totals[i].closed < totals[i - 1].closed);
    }
}
END_TEST

START_TEST(a_bar_is_published_with_these_fields_in_this_order)
{
    struct tick tick = tick_of("AAPL", "2025-09-22T05:16:02.800339", "150.25", "1000");
    tick.has_previous_close = true;
    tick.previous_close = number("149.00");
    bars_tick(bars, 0, &tick);
    char text[BAR_TEXT_MAX + 1];
    const size_t len = bar_format(text, last_of(TOPIC_1M));
    ck_assert_uint_eq(len, strlen(text));
    ck_assert_str_eq(
        text, "{\"symbol\":\"AAPL\",\"interval\":\"1m\",\"start\":\"2025-09-22T05:16:"
              "00\",\"open\":150.25,\"high\":150.25,\"low\":150.25,\"close\":150.25,"
              "\"price\":150.25,\"volume\":1000,\"trades\":1,\"change\":1.25,"
              "\"change_percent\":0.84,\"closed\":false,\"timestamp\":\"2025-09-22T05"
              ":16:02.800339\"}");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bars");
    TCase *tcase = tcase_create("bars");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, one_tick_opens_a_bar_of_each_interval);
    tcase_add_test(tcase, ticks_of_a_minute_make_its_open_high_low_close_and_volume);
    tcase_add_test(tcase, volumes_add_up_exactly);
    tcase_add_test(tcase,
                   a_tick_of_the_next_minute_closes_the_minute_before_and_nothing_else);
    tcase_add_test(tcase, bars_that_end_in_silence_are_closed_by_the_clock_once);
    tcase_add_test(tcase, the_clock_of_one_owner_leaves_anothers_bars_open);
    tcase_add_test(tcase, a_week_ends_on_sunday_and_a_leap_month_on_the_29th);
    tcase_add_test(tcase, changes_are_against_the_close_of_the_day_before);
    tcase_add_test(tcase, a_closed_bar_keeps_the_change_of_its_own_day);
    tcase_add_test(tcase, a_source_may_know_the_previous_close_of_a_symbols_first_day);
    tcase_add_test(tcase, prices_may_fall_below_zero);
    tcase_add_test(tcase, against_a_previous_close_of_zero_the_percentage_is_zero);
    tcase_add_test(tcase, late_ticks_are_refused_and_change_nothing);
    tcase_add_test(tcase, negative_sizes_are_refused);
    tcase_add_test(tcase, a_volume_that_does_not_fit_is_refused_and_changes_nothing);
    tcase_add_test(tcase, a_symbol_belongs_to_the_owner_who_claimed_it);
    tcase_add_test(tcase, an_unclaimed_symbol_belongs_to_its_first_tick);
    tcase_add_test(tcase, the_same_symbol_in_two_types_is_two_series);
    tcase_add_test(tcase, symbols_beyond_the_bound_are_refused);
    tcase_add_test(tcase, the_nine_intervals_agree_with_each_other);
    tcase_add_test(tcase, a_bar_is_published_with_these_fields_in_this_order);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
