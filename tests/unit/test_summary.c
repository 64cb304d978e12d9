/* SPDX-License-Identifier: MIT */
#include "feeder/summary.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"

static struct summary *summary;
static size_t said;
static char topic_text[TOPIC_MAX + 1];
static char text[SUMMARY_TEXT_MAX + 1];

static int64_t day_us;  /* on which members trade */
static int64_t time_us; /* of the bars */

static void on_report(void *arg, const struct topic *topic, const char *payload,
                      size_t len)
{
    (void)arg;
    said++;
    topic_format(topic_text, topic);
    ck_assert_uint_eq(strlen(payload), len);
    memcpy(text, payload, len + 1);
}

static void setup(void)
{
    said = 0;
    day_us = INT64_C(1758499200000000);
    time_us = INT64_C(1758518162800339);
    summary = summary_create("ES=F=2,NQ=F=0.5", on_report, NULL);
    ck_assert_ptr_nonnull(summary);
}

static void teardown(void)
{
    summary_destroy(summary);
}

static struct decimal number(const char *digits)
{
    struct decimal value;
    ck_assert(decimal_parse(digits, strlen(digits), &value));
    return value;
}

static struct bar bar_of(uint32_t series, const char *symbol, const char *close,
                         const char *previous)
{
    return (struct bar){
        .topic = {.interval = TOPIC_1D, .symbol = symbol, .symbol_len = strlen(symbol)},
        .market = "US",
        .market_len = 2,
        .series = series,
        .start_us = day_us,
        .open = number("100"),
        .close = number(close),
        .has_previous = previous != NULL,
        .previous_close = number(previous == NULL ? "0" : previous),
        .volume = number("5"),
        .time_us = time_us};
}

static void feed(uint32_t series, const char *close, const char *previous)
{
    const struct bar bar = bar_of(series, "X", close, previous);
    ck_assert(summary_bar(summary, &bar));
}

static void next_day(void)
{
    day_us += CALENDAR_DAY_US;
    time_us += CALENDAR_DAY_US;
}

static void report(void)
{
    summary_report(summary, 0, INT64_MAX / 2);
}

static void assert_index(const char *expected)
{
    ck_assert_msg(strstr(text, expected) != NULL, "%s not in %s", expected, text);
}

START_TEST(a_market_begins_at_a_thousand)
{
    feed(0, "200", "200");
    report();
    ck_assert_str_eq(topic_text, "market.US.summary");
    ck_assert_str_eq(
        text, "{\"market\":\"US\",\"start\":\"2025-09-22T00:00:00\",\"index_value\":1000,"
              "\"change\":0,\"change_percent\":0,\"volume\":5,\"advancers\":0,"
              "\"decliners\":0,\"unchanged\":1,"
              "\"timestamp\":\"2025-09-22T05:16:02.800339\"}");
}
END_TEST

START_TEST(members_weigh_the_same_whatever_they_cost)
{
    feed(0, "220", "200"); /* + 10 % */
    feed(1, "9.5", "10");  /* - 5 % */
    feed(2, "1", "1");
    report();
    assert_index("\"index_value\":1016.67,\"change\":16.67,\"change_percent\":1.67,"
                 "\"volume\":15,\"advancers\":1,\"decliners\":1,\"unchanged\":1,");
}
END_TEST

START_TEST(weights_may_be_given)
{
    struct bar heavy = bar_of(0, "ES=F", "110", "100");
    struct bar light = bar_of(1, "NQ=F", "90", "100");
    ck_assert(summary_bar(summary, &heavy));
    ck_assert(summary_bar(summary, &light));
    feed(2, "100", "100");
    report();
    /* (2 * 1.1 + 0.5 * 0.9 + 1) / 3.5 */
    assert_index("\"index_value\":1042.86,");
}
END_TEST

START_TEST(a_day_goes_on_from_the_index_of_the_day_before)
{
    feed(0, "110", "100");
    feed(1, "100", "100");
    next_day();
    feed(0, "99", "110"); /* - 10 % */
    report();
    assert_index("\"index_value\":997.5,\"change\":-52.5,\"change_percent\":-5,"
                 "\"volume\":5,\"advancers\":0,\"decliners\":1,\"unchanged\":1,");
}
END_TEST

START_TEST(who_has_no_previous_close_is_measured_from_its_open)
{
    feed(0, "101", NULL);
    report();
    assert_index("\"index_value\":1010,\"change\":10,\"change_percent\":1,");
}
END_TEST

START_TEST(after_a_restart_the_index_goes_on)
{
    const struct topic topic = {
        .type = TOPIC_MARKET, .interval = TOPIC_SUMMARY, .symbol = "US", .symbol_len = 2};
    const char *past = "{\"market\":\"US\",\"start\":\"2025-09-22T00:00:00\","
                       "\"index_value\":1100.00,\"change\":50.00,"
                       "\"timestamp\":\"2025-09-22T05:16:02.800339\"}";
    summary_remember(summary, &topic, past, strlen(past));
    const struct bar bar = bar_of(0, "X", "110", "100");
    ck_assert(summary_join(summary, &bar));
    report();
    ck_assert_uint_eq(said, 0);
    feed(0, "120", "100");
    report();
    assert_index("\"index_value\":1260,\"change\":210,\"change_percent\":20,");
}
END_TEST

START_TEST(after_a_restart_on_the_next_day_the_index_goes_on)
{
    const struct topic topic = {
        .type = TOPIC_MARKET, .interval = TOPIC_SUMMARY, .symbol = "US", .symbol_len = 2};
    const char *past = "{\"market\":\"US\",\"start\":\"2025-09-22T00:00:00\","
                       "\"index_value\":1100,\"change\":50,"
                       "\"timestamp\":\"2025-09-22T05:16:02.800339\"}";
    summary_remember(summary, &topic, past, strlen(past));
    next_day();
    feed(0, "110", "100");
    report();
    assert_index("\"index_value\":1210,\"change\":110,\"change_percent\":10,");
}
END_TEST

START_TEST(a_market_is_reported_once_a_second_at_most_and_only_with_news)
{
    feed(0, "200", "200");
    ck_assert_int_eq(summary_due_us(summary, 0), time_us + SUMMARY_PAUSE_US);
    ck_assert_int_eq(summary_due_us(summary, 1), INT64_MAX);
    time_us += SUMMARY_PAUSE_US;
    summary_report(summary, 0, time_us);
    ck_assert_uint_eq(said, 1);
    ck_assert_int_eq(summary_due_us(summary, 0), INT64_MAX);
    feed(0, "201", "200");
    summary_report(summary, 0, time_us + SUMMARY_PAUSE_US - 1);
    ck_assert_uint_eq(said, 1);
    ck_assert_int_eq(summary_due_us(summary, 0), time_us + SUMMARY_PAUSE_US);
    summary_report(summary, 0, time_us + SUMMARY_PAUSE_US);
    ck_assert_uint_eq(said, 2);
    time_us += 10 * SUMMARY_PAUSE_US;
    feed(0, "202", "200");
    ck_assert_int_eq(summary_due_us(summary, 0), time_us);
}
END_TEST

START_TEST(what_is_not_due_can_be_flushed)
{
    feed(0, "200", "200");
    summary_flush(summary);
    summary_flush(summary);
    ck_assert_uint_eq(said, 1);
}
END_TEST

START_TEST(markets_do_not_mix)
{
    feed(0, "200", "100");
    struct bar bar = bar_of(1, "X", "30", "40");
    bar.market = "CN";
    ck_assert(summary_bar(summary, &bar));
    report();
    ck_assert_uint_eq(said, 2);
    ck_assert_str_eq(topic_text, "market.CN.summary");
    assert_index("\"volume\":5,\"advancers\":0,\"decliners\":1,");
}
END_TEST

START_TEST(symbols_without_a_market_and_other_intervals_do_not_count)
{
    struct bar bar = bar_of(0, "X", "200", "100");
    bar.market_len = 0;
    ck_assert(summary_bar(summary, &bar));
    bar = bar_of(0, "X", "200", "100");
    bar.topic.interval = TOPIC_1M;
    ck_assert(summary_bar(summary, &bar));
    report();
    ck_assert_uint_eq(said, 0);
}
END_TEST

START_TEST(a_member_measured_from_below_zero_is_left_out_of_the_index)
{
    feed(0, "10", "-37.63");
    feed(1, "11", "10");
    report();
    assert_index("\"index_value\":1100,\"change\":100,\"change_percent\":10,"
                 "\"volume\":10,\"advancers\":2,");
}
END_TEST

START_TEST(the_longest_report_fits_its_buffer)
{
    struct bar bar = bar_of(4000, "X", "9000000000000", "0.000000001");
    bar.market = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    bar.market_len = 32;
    bar.volume = number("0.999999999999999999");
    ck_assert(summary_bar(summary, &bar));
    report();
    ck_assert_uint_eq(said, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("summary");
    TCase *tcase = tcase_create("summary");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_market_begins_at_a_thousand);
    tcase_add_test(tcase, members_weigh_the_same_whatever_they_cost);
    tcase_add_test(tcase, weights_may_be_given);
    tcase_add_test(tcase, a_day_goes_on_from_the_index_of_the_day_before);
    tcase_add_test(tcase, who_has_no_previous_close_is_measured_from_its_open);
    tcase_add_test(tcase, after_a_restart_the_index_goes_on);
    tcase_add_test(tcase, after_a_restart_on_the_next_day_the_index_goes_on);
    tcase_add_test(tcase, a_market_is_reported_once_a_second_at_most_and_only_with_news);
    tcase_add_test(tcase, what_is_not_due_can_be_flushed);
    tcase_add_test(tcase, markets_do_not_mix);
    tcase_add_test(tcase, symbols_without_a_market_and_other_intervals_do_not_count);
    tcase_add_test(tcase, a_member_measured_from_below_zero_is_left_out_of_the_index);
    tcase_add_test(tcase, the_longest_report_fits_its_buffer);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
