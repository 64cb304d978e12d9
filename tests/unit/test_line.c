/* SPDX-License-Identifier: MIT */
#include "feeder/line.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct line line;
static char *held; /* what the line points into */

static void teardown(void)
{
    free(held);
    held = NULL;
}

/* In memory of exactly its size, so that a read beyond it is an error. */
static const char *parse(const char *text)
{
    free(held);
    const size_t len = strlen(text);
    held = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(held);
    memcpy(held, text, len);
    return line_parse(held, len, &line);
}

static void assert_text(const char *text, size_t len, const char *expected)
{
    ck_assert_uint_eq(len, strlen(expected));
    ck_assert_mem_eq(text, expected, len);
}

static void assert_number(struct decimal value, const char *expected)
{
    char text[DECIMAL_TEXT_MAX + 1];
    decimal_format(text, value);
    ck_assert_str_eq(text, expected);
}

START_TEST(a_message_keeps_its_data_byte_for_byte)
{
    ck_assert_ptr_null(parse(" { \"topic\" : \"stock.600519.SH.1m\" , \"data\" : "
                             "{ \"a\":[1.0, \"}\\\"\", {\"b\":1e2}] } , \"x\":null } "));
    ck_assert(!line.is_tick);
    ck_assert_int_eq(line.topic.type, TOPIC_STOCK);
    ck_assert_int_eq(line.topic.interval, TOPIC_1M);
    assert_text(line.topic.symbol, line.topic.symbol_len, "600519.SH");
    assert_text(line.payload, line.payload_len,
                "{ \"a\":[1.0, \"}\\\"\", {\"b\":1e2}] }");
}
END_TEST

START_TEST(a_summary_may_be_a_message)
{
    ck_assert_ptr_null(parse("{\"data\":{},\"topic\":\"market.US.summary\"}"));
    ck_assert_int_eq(line.topic.type, TOPIC_MARKET);
    assert_text(line.payload, line.payload_len, "{}");
}
END_TEST

START_TEST(a_tick_needs_only_topic_and_price)
{
    ck_assert_ptr_null(parse("{\"topic\":\"stock.AAPL\",\"price\":150.250}"));
    ck_assert(line.is_tick);
    ck_assert(!line.has_time);
    ck_assert_int_eq(line.tick.type, TOPIC_STOCK);
    assert_text(line.tick.symbol, line.tick.symbol_len, "AAPL");
    assert_number(line.tick.price, "150.25");
    assert_number(line.tick.size, "0");
    ck_assert_uint_eq(line.tick.market_len, 0);
}
END_TEST

START_TEST(a_tick_may_have_size_time_and_market)
{
    ck_assert_ptr_null(
        parse("{\"topic\":\"crypto.BTC-USDT\",\"price\":67144,\"size\":0.00010,"
              "\"time\":\"2025-09-22T05:16:02.800339Z\",\"market\":\"CRYPTO\"}"));
    assert_number(line.tick.size, "0.0001");
    ck_assert(line.has_time);
    ck_assert_int_eq(line.tick.time_us, INT64_C(1758518162800339));
    assert_text(line.tick.market, line.tick.market_len, "CRYPTO");
}
END_TEST

START_TEST(prices_are_exact_whatever_their_number_of_digits)
{
    ck_assert_ptr_null(
        parse("{\"topic\":\"crypto.X\",\"price\":1234567890.123456789,\"size\":1e-8}"));
    assert_number(line.tick.price, "1234567890.123456789");
    assert_number(line.tick.size, "0.00000001");
}
END_TEST

START_TEST(escapes_in_a_topic_are_understood)
{
    ck_assert_ptr_null(parse("{\"topic\":\"crypto.BTC\\/USDT.1m\",\"data\":{}}"));
    assert_text(line.topic.symbol, line.topic.symbol_len, "BTC/USDT");
    ck_assert_ptr_null(parse("{\"topic\":\"stock.\\u0041.1M\",\"data\":{}}"));
    assert_text(line.topic.symbol, line.topic.symbol_len, "A");
    ck_assert_int_eq(line.topic.interval, TOPIC_1MO);
}
END_TEST

START_TEST(of_members_with_the_same_name_the_last_one_counts)
{
    ck_assert_ptr_null(
        parse("{\"topic\":1,\"topic\":\"stock.A\",\"price\":1,\"price\":2}"));
    assert_number(line.tick.price, "2");
}
END_TEST

START_TEST(members_inside_other_members_do_not_count)
{
    ck_assert_str_eq(parse("{\"x\":{\"topic\":\"stock.A\",\"price\":1}}"), "no topic");
}
END_TEST

START_TEST(a_time_may_be_a_number_since_1970)
{
    ck_assert_ptr_null(
        parse("{\"topic\":\"stock.A\",\"price\":1,\"time\":1758518162.8}"));
    ck_assert(line.has_time);
    ck_assert_int_eq(line.tick.time_us, INT64_C(1758518162800000));
    ck_assert_ptr_null(
        parse("{\"topic\":\"stock.A\",\"price\":1,\"time\":1758518162800}"));
    ck_assert_int_eq(line.tick.time_us, INT64_C(1758518162800000));
    ck_assert_ptr_null(
        parse("{\"topic\":\"stock.A\",\"price\":1,\"time\":\"1758518162800339\"}"));
    ck_assert_int_eq(line.tick.time_us, INT64_C(1758518162800339));
}
END_TEST

START_TEST(a_tick_may_have_the_id_of_its_trade)
{
    ck_assert_ptr_null(parse("{\"topic\":\"stock.A\",\"price\":1}"));
    ck_assert_uint_eq(line.tick.id, 0);
    ck_assert_ptr_null(
        parse("{\"topic\":\"stock.A\",\"price\":1,\"id\":18446744073709551615}"));
    ck_assert_uint_eq(line.tick.id, UINT64_MAX);
    ck_assert(!line.tick.sequential);
}
END_TEST

START_TEST(ids_are_whole_numbers_above_0)
{
    static const char *const ids[] = {
        "0", "-1", "1.0", "1e3", "18446744073709551616", "\"7\"", "null", "[1]", "true"};
    for (size_t i = 0; i < COUNT(ids); i++) {
        char text[128];
        snprintf(text, sizeof(text), "{\"topic\":\"stock.A\",\"price\":1,\"id\":%s}",
                 ids[i]);
        const char *why = parse(text);
        ck_assert_msg(why != NULL, "%s", text);
        ck_assert_str_eq(why, "id is not a whole number above 0 that fits 64 bits");
    }
}
END_TEST

START_TEST(bad_lines_are_refused)
{
    static const char *const texts[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"topic\":\"stock.A.1m\"",
        "{\"topic\":\"stock.A.1m\",\"data\":{}} x",
        "{\"topic\":\"stock.A.1m\",\"data\":{'a':1}}",
        "{\"topic\":\"stock.A.1m\",\"data\":{\"a\":\"\xff\"}}",
        "{\"data\":{}}",
        "{\"topic\":\"stock.A.1m\"}",
        "{\"topic\":\"stock.A.1m\",\"data\":{},\"price\":1}",
        "{\"topic\":\"stock.A.1m\",\"data\":[]}",
        "{\"topic\":\"stock.A.1m\",\"data\":\"{}\"}",
        "{\"topic\":\"stock.A\",\"data\":{}}",
        "{\"topic\":\"stock_data\",\"data\":{}}",
        "{\"topic\":null,\"data\":{}}",
        "{\"topic\":\"\",\"data\":{}}",
        "{\"topic\":\"stock.\\u00e9.1m\",\"data\":{}}",
        "{\"topic\":\"stock.A\\n.1m\",\"data\":{}}",
        "{\"topic\":\"stock.ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNO.1m\",\"data\":{}}",
        "{\"topic\":\"A\",\"price\":1}",
        "{\"topic\":\"bonds.A\",\"price\":1}",
        "{\"topic\":\"market.US\",\"price\":1}",
        "{\"topic\":\"stock.\",\"price\":1}",
        "{\"topic\":\"stock.A\",\"price\":\"1\"}",
        "{\"topic\":\"stock.A\",\"price\":null}",
        "{\"topic\":\"stock.A\",\"price\":1e99}",
        "{\"topic\":\"stock.A\",\"price\":1,\"size\":true}",
        "{\"topic\":\"stock.A\",\"price\":1,\"time\":1e9}",
        "{\"topic\":\"stock.A\",\"price\":1,\"time\":-99999999999}",
        "{\"topic\":\"stock.A\",\"price\":1,\"time\":null}",
        "{\"topic\":\"stock.A\",\"price\":1,\"time\":\"\"}",
        "{\"topic\":\"stock.A\",\"price\":1,\"time\":\"yesterday\"}",
        "{\"topic\":\"stock.A\",\"price\":1,\"market\":\"\"}",
        "{\"topic\":\"stock.A\",\"price\":1,\"market\":7}",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_msg(parse(texts[i]) != NULL, "%s", texts[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("line");
    TCase *tcase = tcase_create("line");
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, a_message_keeps_its_data_byte_for_byte);
    tcase_add_test(tcase, a_summary_may_be_a_message);
    tcase_add_test(tcase, a_tick_needs_only_topic_and_price);
    tcase_add_test(tcase, a_tick_may_have_size_time_and_market);
    tcase_add_test(tcase, prices_are_exact_whatever_their_number_of_digits);
    tcase_add_test(tcase, escapes_in_a_topic_are_understood);
    tcase_add_test(tcase, of_members_with_the_same_name_the_last_one_counts);
    tcase_add_test(tcase, members_inside_other_members_do_not_count);
    tcase_add_test(tcase, a_time_may_be_a_number_since_1970);
    tcase_add_test(tcase, a_tick_may_have_the_id_of_its_trade);
    tcase_add_test(tcase, ids_are_whole_numbers_above_0);
    tcase_add_test(tcase, bad_lines_are_refused);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
