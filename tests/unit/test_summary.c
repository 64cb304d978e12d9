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
    summary = summary_create(on_report, NULL);
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

static void feed(uint32_t series, const char *market, const char *close,
                 const char *previous, const char *volume)
{
    struct bar bar = {.topic = {.interval = TOPIC_1D},
                      .market = market,
                      .market_len = strlen(market),
                      .series = series,
                      .close = number(close),
                      .previous_close = number(previous),
                      .volume = number(volume),
                      .time_us = INT64_C(1758518162800339)};
    ck_assert(decimal_subtract(bar.close, bar.previous_close, &bar.change));
    ck_assert(summary_bar(summary, &bar));
}

START_TEST(a_market_begins_at_a_thousand)
{
    feed(0, "US", "200", "200", "5");
    summary_report(summary, 1000);
    ck_assert_str_eq(topic_text, "market.US.summary");
    ck_assert_str_eq(text,
                     "{\"market\":\"US\",\"index_value\":1000,\"change\":0,"
                     "\"change_percent\":0,\"volume\":5,\"advancers\":0,\"decliners\":0,"
                     "\"unchanged\":1,\"timestamp\":\"2025-09-22T05:16:02.800339\"}");
}
END_TEST

START_TEST(members_weigh_the_same_whatever_they_cost)
{
    feed(0, "US", "200", "200", "5");
    feed(1, "US", "10", "10", "5");
    feed(2, "US", "1", "1", "0.5");
    feed(0, "US", "220", "200", "6"); /* + 10 % */
    feed(1, "US", "9.5", "10", "7");  /* - 5 % */
    summary_report(summary, 1000);
    ck_assert_str_eq(text, "{\"market\":\"US\",\"index_value\":1016.67,\"change\":16.67,"
                           "\"change_percent\":1.67,\"volume\":13.5,\"advancers\":1,"
                           "\"decliners\":1,\"unchanged\":1,"
                           "\"timestamp\":\"2025-09-22T05:16:02.800339\"}");
}
END_TEST

START_TEST(the_change_is_against_the_members_previous_closes)
{
    feed(0, "US", "200", "200", "1");
    feed(0, "US", "300", "250", "1");
    summary_report(summary, 1000);
    ck_assert_ptr_nonnull(strstr(text, "\"index_value\":1500,\"change\":250,"
                                       "\"change_percent\":20,"));
}
END_TEST

START_TEST(a_market_is_reported_once_a_second_at_most_and_only_with_news)
{
    feed(0, "US", "200", "200", "1");
    summary_report(summary, 5000);
    ck_assert_uint_eq(said, 1);
    summary_report(summary, 9000);
    ck_assert_uint_eq(said, 1);
    feed(0, "US", "201", "200", "1");
    summary_report(summary, 9000);
    ck_assert_uint_eq(said, 2);
    feed(0, "US", "202", "200", "1");
    summary_report(summary, 9999);
    ck_assert_uint_eq(said, 2);
    summary_report(summary, 10000);
    ck_assert_uint_eq(said, 3);
}
END_TEST

START_TEST(markets_do_not_mix)
{
    feed(0, "US", "200", "100", "1");
    feed(1, "CN", "30", "40", "2");
    summary_report(summary, 0);
    ck_assert_uint_eq(said, 2);
    ck_assert_str_eq(topic_text, "market.CN.summary");
    ck_assert_ptr_nonnull(strstr(text, "\"volume\":2,\"advancers\":0,\"decliners\":1,"));
}
END_TEST

START_TEST(symbols_without_a_market_and_other_intervals_do_not_count)
{
    feed(0, "", "200", "100", "1");
    struct bar bar = {.topic = {.interval = TOPIC_1M}, .market = "US", .market_len = 2};
    ck_assert(summary_bar(summary, &bar));
    summary_report(summary, 1000);
    ck_assert_uint_eq(said, 0);
}
END_TEST

START_TEST(a_member_that_began_below_zero_is_left_out_of_the_index)
{
    feed(0, "OIL", "-37.63", "-37.63", "1");
    feed(0, "OIL", "10", "-37.63", "1");
    summary_report(summary, 1000);
    ck_assert_ptr_nonnull(strstr(text,
                                 "\"index_value\":0,\"change\":0,"
                                 "\"change_percent\":0,\"volume\":1,\"advancers\":1,"));
}
END_TEST

START_TEST(the_longest_report_fits_its_buffer)
{
    const char *market = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    feed(4000, market, "0.000000001", "0.000000001", "0.999999999999999999");
    feed(4000, market, "9000000", "-8999999.99999999", "0.999999999999999999");
    summary_report(summary, 1000);
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
    tcase_add_test(tcase, the_change_is_against_the_members_previous_closes);
    tcase_add_test(tcase, a_market_is_reported_once_a_second_at_most_and_only_with_news);
    tcase_add_test(tcase, markets_do_not_mix);
    tcase_add_test(tcase, symbols_without_a_market_and_other_intervals_do_not_count);
    tcase_add_test(tcase, a_member_that_began_below_zero_is_left_out_of_the_index);
    tcase_add_test(tcase, the_longest_report_fits_its_buffer);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
