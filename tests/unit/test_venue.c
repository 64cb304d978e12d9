/* SPDX-License-Identifier: MIT
 *
 * Messages are as the venues' public documents give them.
 */
#include "feeder/venue.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"

static struct venue_reader *reader;
static struct venue_event event;
static char trades[2048]; /* what was handed over, a line each */

static void on_trade(void *arg, const struct venue_trade *trade)
{
    (void)arg;
    char price[DECIMAL_TEXT_MAX + 1];
    char size[DECIMAL_TEXT_MAX + 1];
    char time[CALENDAR_TEXT_MAX + 1];
    decimal_format(price, trade->price);
    decimal_format(size, trade->size);
    calendar_format(time, trade->time_us);
    const size_t used = strlen(trades);
    snprintf(trades + used, sizeof(trades) - used, "%.*s %llu %s %s %s\n",
             (int)trade->symbol_len, trade->symbol, (unsigned long long)trade->id, price,
             size, time);
}

static enum venue_event_kind hear(enum venue_name name, const char *text)
{
    venue_reader_destroy(reader);
    reader = venue_reader_create(venue_get(name));
    ck_assert_ptr_nonnull(reader);
    trades[0] = '\0';
    venue_read(reader, text, strlen(text), on_trade, NULL, &event);
    return event.kind;
}

static void setup(void)
{
    reader = NULL;
}

static void teardown(void)
{
    venue_reader_destroy(reader);
}

static void check_symbol(const char *symbol)
{
    ck_assert_uint_eq(event.symbol_len, strlen(symbol));
    ck_assert_mem_eq(event.symbol, symbol, event.symbol_len);
}

START_TEST(venues_have_limits_and_an_address)
{
    for (int name = VENUE_BINANCE; name <= VENUE_KRAKEN; name++) {
        const struct venue *venue = venue_get((enum venue_name)name);
        ck_assert_uint_le(venue->batch_max, VENUE_BATCH_MAX);
        ck_assert_uint_le(venue->batch_max, venue->connection_max);
        ck_assert_uint_ge(venue->message_ms, 200);
        ck_assert_int_eq(strncmp(venue->url, "wss://", 6), 0);
        ck_assert(topic_is_symbol(venue->market, strlen(venue->market)));
    }
    ck_assert_str_eq(venue_get(VENUE_KRAKEN)->name, "kraken");
}
END_TEST

START_TEST(a_batch_is_asked_for_in_the_venues_words)
{
    static const char *const symbols[] = {"BTCUSDT", "EthUsdt"};
    char text[VENUE_MESSAGE_MAX];
    size_t len = venue_subscribe(venue_get(VENUE_BINANCE), 7, symbols, 2, text);
    ck_assert_str_eq(text, "{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusdt@trade\","
                           "\"ethusdt@trade\"],\"id\":7}");
    ck_assert_uint_eq(len, strlen(text));
    static const char *const product[] = {"BTC-USD"};
    venue_subscribe(venue_get(VENUE_COINBASE), 7, product, 1, text);
    ck_assert_str_eq(text, "{\"type\":\"subscribe\",\"channels\":[{\"name\":\"matches\","
                           "\"product_ids\":[\"BTC-USD\"]},{\"name\":\"heartbeat\","
                           "\"product_ids\":[\"BTC-USD\"]}]}");
    static const char *const pair[] = {"BTC/USD"};
    venue_subscribe(venue_get(VENUE_KRAKEN), 7, pair, 1, text);
    ck_assert_str_eq(text, "{\"method\":\"subscribe\",\"params\":{\"channel\":\"trade\","
                           "\"symbol\":[\"BTC/USD\"],\"snapshot\":true},\"req_id\":7}");
}
END_TEST

START_TEST(the_longest_batch_fits)
{
    static const char *symbols[VENUE_BATCH_MAX];
    char text[VENUE_MESSAGE_MAX];
    for (size_t i = 0; i < VENUE_BATCH_MAX; i++) {
        symbols[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    }
    for (int name = VENUE_BINANCE; name <= VENUE_KRAKEN; name++) {
        const struct venue *venue = venue_get((enum venue_name)name);
        ck_assert_uint_lt(
            venue_subscribe(venue, INT64_MAX, symbols, venue->batch_max, text),
            VENUE_MESSAGE_MAX);
    }
}
END_TEST

START_TEST(binance_trades)
{
    ck_assert_int_eq(
        hear(VENUE_BINANCE,
             "{\"stream\":\"bnbbtc@trade\",\"data\":{\"e\":\"trade\",\"E\":1672515782136,"
             "\"s\":\"BNBBTC\",\"t\":12345,\"p\":\"0.00100000\",\"q\":\"100\","
             "\"T\":1672515782136,\"m\":true,\"M\":true}}"),
        VENUE_TRADES);
    ck_assert_str_eq(trades, "BNBBTC 12345 0.001 100 2022-12-31T19:43:02.136000\n");
    ck_assert_uint_eq(event.bad, 0);
    /* Not combined, and in microseconds. */
    hear(VENUE_BINANCE, "{\"e\":\"trade\",\"s\":\"A\",\"t\":1,\"p\":\"0.1\",\"q\":\"0\","
                        "\"T\":1672515782136042}");
    ck_assert_str_eq(trades, "A 1 0.1 0 2022-12-31T19:43:02.136042\n");
}
END_TEST

START_TEST(binance_answers)
{
    ck_assert_int_eq(hear(VENUE_BINANCE, "{\"result\":null,\"id\":3}"), VENUE_SUBSCRIBED);
    ck_assert_int_eq(event.batch, 3);
    ck_assert_int_eq(hear(VENUE_BINANCE, "{\"error\":{\"code\":2,\"msg\":\"Invalid "
                                         "request: too many parameters\"},\"id\":4}"),
                     VENUE_REFUSED);
    ck_assert_int_eq(event.batch, 4);
    ck_assert_str_eq(event.text, "Invalid request: too many parameters");
    ck_assert_int_eq(
        hear(VENUE_BINANCE, "{\"code\": 2, \"msg\": \"Invalid request\",\"id\": 5}"),
        VENUE_REFUSED);
    ck_assert_int_eq(hear(VENUE_BINANCE, "{\"code\":3,\"msg\":\"Invalid JSON\"}"),
                     VENUE_TROUBLE);
    ck_assert_int_eq(
        hear(VENUE_BINANCE, "{\"e\":\"serverShutdown\",\"E\":1770123456789}"),
        VENUE_LEAVING);
    ck_assert_int_eq(hear(VENUE_BINANCE,
                          "{\"stream\":\"!serverShutdown\",\"data\":"
                          "{\"e\":\"serverShutdown\",\"E\":1770123456789}}"),
                     VENUE_LEAVING);
    ck_assert_int_eq(hear(VENUE_BINANCE, "{\"stream\":\"a@depth\",\"data\":{}}"),
                     VENUE_UNKNOWN);
}
END_TEST

START_TEST(coinbase_matches)
{
    static const char rest[] =
        "\"trade_id\":10,\"sequence\":50,\"maker_order_id\":\"ac928c66-ca53-498f-9c13-"
        "a110027a60e8\",\"taker_order_id\":\"132fb6ae-456b-4654-b4e0-d681ac05cea1\","
        "\"time\":\"2014-11-07T08:19:27.028459Z\",\"product_id\":\"BTC-USD\","
        "\"size\":\"5.23512\",\"price\":\"400.23\",\"side\":\"sell\"}";
    char text[600];
    snprintf(text, sizeof(text), "{\"type\":\"match\",%s", rest);
    ck_assert_int_eq(hear(VENUE_COINBASE, text), VENUE_TRADES);
    ck_assert_str_eq(trades, "BTC-USD 10 400.23 5.23512 2014-11-07T08:19:27.028459\n");
    snprintf(text, sizeof(text), "{\"type\":\"last_match\",%s", rest);
    ck_assert_int_eq(hear(VENUE_COINBASE, text), VENUE_TRADES);
    ck_assert_str_eq(trades, "BTC-USD 10 400.23 5.23512 2014-11-07T08:19:27.028459\n");
}
END_TEST

START_TEST(coinbase_answers)
{
    ck_assert_int_eq(hear(VENUE_COINBASE,
                          "{\"type\":\"subscriptions\",\"channels\":[{\"name\":"
                          "\"matches\",\"product_ids\":[\"BTC-USD\"]}]}"),
                     VENUE_SUBSCRIBED);
    ck_assert_int_eq(event.batch, 0);
    ck_assert_int_eq(hear(VENUE_COINBASE,
                          "{\"type\":\"error\",\"message\":\"Failed to subscribe\","
                          "\"reason\":\"FOO-USD is not a valid product\"}"),
                     VENUE_REFUSED);
    check_symbol("FOO-USD");
    ck_assert_str_eq(event.text, "Failed to subscribe: FOO-USD is not a valid product");
    ck_assert_int_eq(hear(VENUE_COINBASE,
                          "{\"type\":\"error\",\"message\":\"Failed to subscribe\","
                          "\"reason\":\"Invalid product ID provided\"}"),
                     VENUE_REFUSED);
    check_symbol("");
    ck_assert_int_eq(
        hear(VENUE_COINBASE, "{\"type\":\"error\",\"message\":\"error message\"}"),
        VENUE_TROUBLE);
    ck_assert_str_eq(event.text, "error message");
    ck_assert_int_eq(hear(VENUE_COINBASE,
                          "{\"type\":\"heartbeat\",\"sequence\":90,\"last_trade_id\":20,"
                          "\"product_id\":\"BTC-USD\","
                          "\"time\":\"2014-11-07T08:19:28.464459Z\"}"),
                     VENUE_ALIVE);
    ck_assert_int_eq(hear(VENUE_COINBASE, "{\"type\":\"status\",\"products\":[]}"),
                     VENUE_UNKNOWN);
}
END_TEST

#define KRAKEN_TRADE(price, qty, id)                                              \
    "{\"symbol\":\"MATIC/USD\",\"side\":\"buy\",\"price\":" price ",\"qty\":" qty \
    ",\"ord_type\":\"limit\",\"trade_id\":" id                                    \
    ",\"timestamp\":\"2023-09-25T07:48:36.925533Z\"}"
#define KRAKEN(type, data) \
    "{\"channel\":\"trade\",\"type\":\"" type "\",\"data\":[" data "]}"

START_TEST(kraken_trades)
{
    ck_assert_int_eq(
        hear(VENUE_KRAKEN,
             KRAKEN("snapshot",
                    KRAKEN_TRADE("0.5147", "6423.46326", "4665846") "," KRAKEN_TRADE(
                        "0.5147", "1136.19677815", "4665847"))),
        VENUE_TRADES);
    ck_assert_str_eq(
        trades, "MATIC/USD 4665846 0.5147 6423.46326 2023-09-25T07:48:36.925533\n"
                "MATIC/USD 4665847 0.5147 1136.19677815 2023-09-25T07:48:36.925533\n");
    hear(VENUE_KRAKEN,
         KRAKEN("snapshot", KRAKEN_TRADE("2", "1", "9") "," KRAKEN_TRADE("3", "1", "8")));
    ck_assert_str_eq(trades, "MATIC/USD 8 3 1 2023-09-25T07:48:36.925533\n"
                             "MATIC/USD 9 2 1 2023-09-25T07:48:36.925533\n");
    ck_assert_int_eq(hear(VENUE_KRAKEN, KRAKEN("update", "")), VENUE_TRADES);
    ck_assert_str_eq(trades, "");
    ck_assert_int_eq(
        hear(VENUE_KRAKEN, "{\"channel\":\"trade\",\"type\":\"update\",\"data\":3}"),
        VENUE_GARBAGE);
}
END_TEST

START_TEST(numbers_are_taken_digit_by_digit)
{
    static const struct {
        const char *number;
        const char *exact;
    } numbers[] = {
        {"0.1", "0.1"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"67890.12345678901", "67890.12345678901"},
        {"1234567890.123456789", "1234567890.123456789"},
        {"1e-8", "0.00000001"},
        {"5.0E-7", "0.0000005"},
        {"1.5e+3", "1500"},
        {"2E2", "200"},
        {"9007199254740993", "9007199254740993"},
        {"9223372036854775807", "9223372036854775807"},
        {"100.000000000000000000000", "100"},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char text[600];
        char line[200];
        snprintf(text, sizeof(text), KRAKEN("update", KRAKEN_TRADE("%s", "%s", "1")),
                 numbers[i].number, numbers[i].number);
        hear(VENUE_KRAKEN, text);
        snprintf(line, sizeof(line), "MATIC/USD 1 %s %s 2023-09-25T07:48:36.925533\n",
                 numbers[i].exact, numbers[i].exact);
        ck_assert_str_eq(trades, line);
    }
}
END_TEST

START_TEST(a_trade_that_makes_no_sense_is_left_out)
{
    static const char *const bad[] = {
        KRAKEN_TRADE("0", "1", "1"),
        KRAKEN_TRADE("-1", "1", "1"),
        KRAKEN_TRADE("1", "-1", "1"),
        KRAKEN_TRADE("1", "1", "0"),
        KRAKEN_TRADE("1", "1", "-5"),
        KRAKEN_TRADE("1", "1", "\"7\""),
        KRAKEN_TRADE("1", "1", "1.5"),
        KRAKEN_TRADE("1", "1", "99999999999999999999"),
        KRAKEN_TRADE("99999999999999999999", "1", "1"),
        KRAKEN_TRADE("1e30", "1", "1"),
        KRAKEN_TRADE("\"\"", "1", "1"),
        KRAKEN_TRADE("null", "1", "1"),
        KRAKEN_TRADE("[]", "1", "1"),
        KRAKEN_TRADE("\"1,5\"", "1", "1"),
        "{}",
        "7",
        "null",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[1000];
        snprintf(text, sizeof(text), KRAKEN("update", "%s," KRAKEN_TRADE("1", "1", "7")),
                 bad[i]);
        ck_assert_int_eq(hear(VENUE_KRAKEN, text), VENUE_TRADES);
        ck_assert_msg(event.bad == 1, "%s", bad[i]);
        ck_assert_str_eq(trades, "MATIC/USD 7 1 1 2023-09-25T07:48:36.925533\n");
    }
    hear(VENUE_BINANCE, "{\"e\":\"trade\",\"s\":\"A\",\"t\":1,\"p\":\"1\",\"q\":\"1\","
                        "\"T\":9223372036854775806}");
    ck_assert_uint_eq(event.bad, 1);
    hear(VENUE_BINANCE, "{\"e\":\"trade\",\"s\":\"A\",\"t\":1,\"p\":\"1\",\"q\":\"1\"}");
    ck_assert_uint_eq(event.bad, 1);
}
END_TEST

START_TEST(kraken_answers)
{
    ck_assert_int_eq(hear(VENUE_KRAKEN,
                          "{\"method\":\"subscribe\",\"result\":{\"channel\":\"trade\","
                          "\"snapshot\":true,\"symbol\":\"MATIC/USD\"},\"success\":true,"
                          "\"time_in\":\"2023-09-25T09:21:10.428340Z\","
                          "\"time_out\":\"2023-09-25T09:21:10.428375Z\",\"req_id\":2}"),
                     VENUE_SUBSCRIBED);
    check_symbol("MATIC/USD");
    ck_assert_int_eq(event.batch, 2);
    ck_assert_int_eq(hear(VENUE_KRAKEN,
                          "{\"error\":\"Currency pair not supported FOO/BAR\","
                          "\"method\":\"subscribe\",\"success\":false,"
                          "\"symbol\":\"FOO/BAR\"}"),
                     VENUE_REFUSED);
    check_symbol("FOO/BAR");
    ck_assert_int_eq(hear(VENUE_KRAKEN,
                          "{\"error\":\"Exceeded msg rate\",\"method\":\"subscribe\","
                          "\"success\":false,\"symbol\":\"BTC/USD\"}"),
                     VENUE_TROUBLE);
    ck_assert_int_eq(hear(VENUE_KRAKEN, "{\"error\":\"Unsupported field\",\"method\":"
                                        "\"subscribe\",\"success\":false}"),
                     VENUE_TROUBLE);
    ck_assert_int_eq(hear(VENUE_KRAKEN,
                          "{\"error\":\"Already subscribed to one or more symbols\","
                          "\"method\":\"subscribe\",\"success\":false}"),
                     VENUE_SUBSCRIBED);
    ck_assert_int_eq(hear(VENUE_KRAKEN, "{\"error\":\"Malformed request\"}"),
                     VENUE_TROUBLE);
}
END_TEST

START_TEST(kraken_speaks_of_its_market)
{
    ck_assert_int_eq(hear(VENUE_KRAKEN, "{\"channel\":\"heartbeat\"}"), VENUE_ALIVE);
    ck_assert_int_eq(hear(VENUE_KRAKEN, "{\"method\":\"pong\",\"req_id\":101}"),
                     VENUE_ALIVE);
    ck_assert_int_eq(hear(VENUE_KRAKEN,
                          "{\"channel\":\"status\",\"data\":[{\"api_version\":\"v2\","
                          "\"connection_id\":12393906104898154338,\"system\":"
                          "\"maintenance\",\"version\":\"2.0.0\"}],\"type\":\"update\"}"),
                     VENUE_STATUS);
    ck_assert_str_eq(event.text, "maintenance");
    ck_assert_int_eq(hear(VENUE_KRAKEN, "{\"channel\":\"status\",\"data\":[]}"),
                     VENUE_GARBAGE);
}
END_TEST

START_TEST(what_is_no_json_object_is_garbage)
{
    static const char *const bad[] = {
        "",     "hello",       "[]",      "{",    "3",
        "{}{}", "{\"a\":NaN}", "{'a':1}", "\xff", "{\"a\":\"\xff\"}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(hear(VENUE_BINANCE, bad[i]), VENUE_GARBAGE);
    }
    ck_assert_int_eq(hear(VENUE_BINANCE, " {} \n"), VENUE_UNKNOWN);
    ck_assert_int_eq(hear(VENUE_COINBASE, "{\"type\":7}"), VENUE_UNKNOWN);
    ck_assert_int_eq(hear(VENUE_KRAKEN, "{\"channel\":{}}"), VENUE_UNKNOWN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("venue");
    TCase *tcase = tcase_create("venue");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, venues_have_limits_and_an_address);
    tcase_add_test(tcase, a_batch_is_asked_for_in_the_venues_words);
    tcase_add_test(tcase, the_longest_batch_fits);
    tcase_add_test(tcase, binance_trades);
    tcase_add_test(tcase, binance_answers);
    tcase_add_test(tcase, coinbase_matches);
    tcase_add_test(tcase, coinbase_answers);
    tcase_add_test(tcase, kraken_trades);
    tcase_add_test(tcase, numbers_are_taken_digit_by_digit);
    tcase_add_test(tcase, a_trade_that_makes_no_sense_is_left_out);
    tcase_add_test(tcase, kraken_answers);
    tcase_add_test(tcase, kraken_speaks_of_its_market);
    tcase_add_test(tcase, what_is_no_json_object_is_garbage);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
