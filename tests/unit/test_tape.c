/* SPDX-License-Identifier: MIT */
#include "feeder/tape.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 32768

static struct tape *tape;
static char said[TEXT_MAX]; /* "topic payload\n" of each message */
static size_t count;

static void on_message(void *arg, const char *topic, size_t topic_len,
                       const char *payload, size_t len)
{
    (void)arg;
    const size_t used = strlen(said);
    ck_assert_uint_lt(used + topic_len + len + 3, TEXT_MAX);
    snprintf(said + used, TEXT_MAX - used, "%.*s %.*s\n", (int)topic_len, topic, (int)len,
             payload);
    count++;
}

static void setup(void)
{
    said[0] = '\0';
    count = 0;
    const struct tape_rules rules = {.bars = {.max_symbols = 100}, .weights = ""};
    tape = tape_create(&rules, on_message, NULL);
    ck_assert_ptr_nonnull(tape);
}

static void teardown(void)
{
    tape_destroy(tape);
}

static struct tick tick_of(const char *symbol, int64_t time_us, int64_t cents)
{
    return (struct tick){.type = TOPIC_STOCK,
                         .symbol = symbol,
                         .symbol_len = strlen(symbol),
                         .market = "CN",
                         .market_len = 2,
                         .price = {.mantissa = cents, .scale = 2},
                         .size = {.mantissa = 100},
                         .time_us = time_us};
}

static void assert_said(const char *text)
{
    ck_assert_msg(strstr(said, text) != NULL, "%s not in %s", text, said);
}

START_TEST(a_tick_is_said_on_the_topics_of_all_nine_intervals)
{
    const struct tick tick = tick_of("600519.SH", INT64_C(1758518162800339), 168850);
    tape_tick(tape, 0, &tick);
    ck_assert_uint_eq(count, TOPIC_INTERVALS);
    assert_said("stock.600519.SH.1m {\"symbol\":\"600519.SH\",\"interval\":\"1m\","
                "\"start\":\"2025-09-22T05:16:00\",\"open\":1688.5,");
    assert_said("stock.600519.SH.1M {\"symbol\":\"600519.SH\",\"interval\":\"1M\","
                "\"start\":\"2025-09-01T00:00:00\",");
    ck_assert_uint_eq(tape_ticks(tape, BARS_OK), 1);
}
END_TEST

START_TEST(a_market_is_said_when_it_is_due)
{
    const struct tick tick = tick_of("600519.SH", INT64_C(1758518162800339), 168850);
    tape_tick(tape, 0, &tick);
    tape_clock(tape, 0, tick.time_us + 999999);
    ck_assert_uint_eq(count, TOPIC_INTERVALS);
    tape_clock(tape, 0, tick.time_us + 1000000);
    tape_clock(tape, 0, tick.time_us + 5000000);
    ck_assert_uint_eq(count, TOPIC_INTERVALS + 1);
    assert_said("market.CN.summary {\"market\":\"CN\",\"start\":\"2025-09-22T00:00:00\","
                "\"index_value\":1000,");
}
END_TEST

START_TEST(a_ready_message_passes_as_it_is)
{
    struct topic topic;
    ck_assert(topic_parse("crypto.BTC.5m", 13, &topic));
    tape_message(tape, &topic, "{ \"x\":1.0 }", 11);
    ck_assert_str_eq(said, "crypto.BTC.5m { \"x\":1.0 }\n");
}
END_TEST

START_TEST(a_later_sources_ticks_for_a_claimed_symbol_are_dropped_and_counted)
{
    const struct tick tick = tick_of("A", INT64_C(1758518162800339), 100);
    const struct tick other = tick_of("B", INT64_C(1758518162800339), 100);
    tape_claim(tape, 0, &tick);
    tape_claim(tape, 1, &tick);
    tape_claim(tape, 1, &other);
    tape_tick(tape, 1, &tick);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(tape_ticks(tape, BARS_FOREIGN), 1);
    tape_tick(tape, 1, &other);
    tape_tick(tape, 0, &tick);
    ck_assert_uint_eq(count, (size_t)2 * TOPIC_INTERVALS);
}
END_TEST

START_TEST(a_tick_closes_what_ended_before_it_in_all_symbols_of_its_source)
{
    const struct tick first = tick_of("A", INT64_C(1758518162800339), 100);
    const struct tick second = tick_of("B", INT64_C(1758518222800339), 100);
    tape_tick(tape, 0, &first);
    tape_tick(tape, 0, &second);
    ck_assert_uint_eq(count, (size_t)2 * TOPIC_INTERVALS + 2);
    assert_said(
        "\"closed\":true,\"timestamp\":\"2025-09-22T05:17:00.000000\"}\nstock.B.1m");
}
END_TEST

START_TEST(the_clock_closes_what_ended_in_silence)
{
    const struct tick tick = tick_of("A", INT64_C(1758518162800339), 100);
    tape_tick(tape, 0, &tick);
    tape_clock(tape, 0, INT64_C(1758518400000000));
    ck_assert_uint_eq(count, TOPIC_INTERVALS + 3);
    assert_said(
        "stock.A.5m {\"symbol\":\"A\",\"interval\":\"5m\",\"start\":\"2025-09-22T05:"
        "15:00\",\"open\":1,\"high\":1,\"low\":1,\"close\":1,\"price\":1,\"volume\":"
        "100,\"trades\":1,\"change\":0,\"change_percent\":0,\"closed\":true,"
        "\"timestamp\":\"2025-09-22T05:20:00.000000\"}");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tape");
    TCase *tcase = tcase_create("tape");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_tick_is_said_on_the_topics_of_all_nine_intervals);
    tcase_add_test(tcase, a_market_is_said_when_it_is_due);
    tcase_add_test(tcase, a_ready_message_passes_as_it_is);
    tcase_add_test(tcase,
                   a_later_sources_ticks_for_a_claimed_symbol_are_dropped_and_counted);
    tcase_add_test(tcase,
                   a_tick_closes_what_ended_before_it_in_all_symbols_of_its_source);
    tcase_add_test(tcase, the_clock_closes_what_ended_in_silence);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
