/* SPDX-License-Identifier: MIT */
#include "common/topic.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SYMBOL_32 "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

static bool parses(const char *text)
{
    struct topic topic;
    return topic_parse(text, strlen(text), &topic);
}

static void has_symbol(const char *text, const char *symbol)
{
    struct topic topic;
    ck_assert_msg(topic_parse(text, strlen(text), &topic), "refused: %s", text);
    ck_assert_uint_eq(topic.symbol_len, strlen(symbol));
    ck_assert_mem_eq(topic.symbol, symbol, topic.symbol_len);
}

START_TEST(a_topic_is_a_type_a_symbol_and_an_interval)
{
    struct topic topic;
    ck_assert(topic_parse("stock.AAPL.1m", 13, &topic));
    ck_assert_int_eq(topic.type, TOPIC_STOCK);
    ck_assert_int_eq(topic.interval, TOPIC_1M);
    ck_assert_uint_eq(topic.symbol_len, 4);
    ck_assert_mem_eq(topic.symbol, "AAPL", 4);
}
END_TEST

START_TEST(all_types_go_with_all_intervals_but_market_with_summary_only)
{
    for (int type = 0; type < TOPIC_TYPES; type++) {
        for (int interval = 0; interval <= TOPIC_SUMMARY; interval++) {
            char text[TOPIC_MAX + 1];
            snprintf(text, sizeof(text), "%s.X.%s",
                     topic_type_name((enum topic_type)type),
                     topic_interval_name((enum topic_interval)interval));
            bool good = (type == TOPIC_MARKET) == (interval == TOPIC_SUMMARY);
            ck_assert_msg(parses(text) == good, "%s", text);
        }
    }
}
END_TEST

START_TEST(a_minute_is_not_a_month)
{
    struct topic minute;
    struct topic month;
    ck_assert(topic_parse("stock.A.1m", 10, &minute));
    ck_assert(topic_parse("stock.A.1M", 10, &month));
    ck_assert_int_eq(minute.interval, TOPIC_1M);
    ck_assert_int_eq(month.interval, TOPIC_1MO);
}
END_TEST

START_TEST(a_symbol_may_hold_dots)
{
    has_symbol("stock.600519.SH.1d", "600519.SH");
    has_symbol("stock.BRK.B.1m", "BRK.B");
    has_symbol("stock.A..B.1m", "A..B");
    has_symbol("stock.1m.1m.1m", "1m.1m");
}
END_TEST

START_TEST(real_symbols_are_symbols)
{
    has_symbol("crypto.BTC-USDT.5m", "BTC-USDT");
    has_symbol("futures.ES=F.1h", "ES=F");
    has_symbol("stock.^GSPC.1d", "^GSPC");
    has_symbol("options.AAPL250117C00150000.1m", "AAPL250117C00150000");
    has_symbol("crypto.BTC/USD:PERP.4h", "BTC/USD:PERP");
    has_symbol("commodity.A_b+c@d&e.1w", "A_b+c@d&e");
    has_symbol("market.US.summary", "US");
}
END_TEST

START_TEST(a_symbol_neither_begins_nor_ends_with_a_dot)
{
    ck_assert(!parses("stock..A.1m"));
    ck_assert(!parses("stock.A..1m"));
    ck_assert(!parses("stock...1m"));
}
END_TEST

START_TEST(a_symbol_has_1_to_32_bytes)
{
    ck_assert(!parses("stock..1m"));
    ck_assert(parses("stock.A.1m"));
    ck_assert(parses("stock." SYMBOL_32 ".1m"));
    ck_assert(!parses("stock." SYMBOL_32 "6.1m"));
    ck_assert(!topic_is_symbol("", 0));
    ck_assert(topic_is_symbol(SYMBOL_32, TOPIC_SYMBOL_MAX));
    ck_assert(!topic_is_symbol(SYMBOL_32 "6", TOPIC_SYMBOL_MAX + 1));
}
END_TEST

START_TEST(a_symbol_holds_only_the_bytes_of_its_grammar)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_-^=/:+@&.";
    for (int c = 0; c < 256; c++) {
        char symbol[] = {'A', (char)c, 'B'};
        bool good = c != 0 && strchr(allowed, c) != NULL;
        ck_assert_msg(topic_is_symbol(symbol, sizeof(symbol)) == good, "byte %d", c);
    }
}
END_TEST

START_TEST(what_is_not_a_topic_is_refused)
{
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "stock",
        "stock.",
        "stock.AAPL",
        ".AAPL.1m",
        "stock.AAPL.",
        "stock_data",
        "Stock.AAPL.1m",
        "STOCK.A.1m",
        "bond.A.1m",
        "stocks.A.1m",
        "stoc.A.1m",
        "stock.A.2m",
        "stock.A.1",
        "stock.A.1mm",
        "stock.A.1H",
        " stock.A.1m",
        "stock.A.1m ",
        "stock.*.1m",
        "stock.A.*",
        "stock. A.1m",
        "stock.A\n.1m",
        "stock.\xE8\x82\xA1.1m",
        "stock.A.summary",
        "market.US.1d",
        "market.US.Summary",
        "stock,A,1m",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_msg(!parses(texts[i]), "accepted: %s", texts[i]);
    }
}
END_TEST

START_TEST(a_zero_byte_is_no_end)
{
    struct topic topic;
    ck_assert(!topic_parse("stock.A\0B.1m", 12, &topic));
    ck_assert(!topic_parse("stock.A.1m\0", 11, &topic));
    ck_assert(!topic_parse("stock\0.A.1m", 11, &topic));
}
END_TEST

START_TEST(only_the_given_length_is_read)
{
    struct topic topic;
    char text[] = {'s', 't', 'o', 'c', 'k', '.', 'A', '.', '1', 'm'};
    ck_assert(topic_parse(text, sizeof(text), &topic));
    ck_assert(!topic_parse(text, sizeof(text) - 1, &topic));
    ck_assert(!topic_parse(NULL, 0, &topic));
}
END_TEST

START_TEST(a_refused_text_leaves_the_topic_untouched)
{
    struct topic topic = {.type = TOPIC_CRYPTO, .interval = TOPIC_1W};
    ck_assert(!topic_parse("stock.A.2m", 10, &topic));
    ck_assert_int_eq(topic.type, TOPIC_CRYPTO);
    ck_assert_int_eq(topic.interval, TOPIC_1W);
    ck_assert_ptr_null(topic.symbol);
}
END_TEST

START_TEST(a_formatted_topic_is_the_text_it_came_from)
{
    static const char *const texts[] = {
        "stock.600519.SH.1d",
        "crypto.BTC-USDT.1M",
        "commodity." SYMBOL_32 ".30m",
        "market." SYMBOL_32 ".summary",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct topic topic;
        char text[TOPIC_MAX + 1];
        ck_assert(topic_parse(texts[i], strlen(texts[i]), &topic));
        ck_assert_uint_eq(topic_format(text, &topic), strlen(texts[i]));
        ck_assert_str_eq(text, texts[i]);
    }
}
END_TEST

START_TEST(formatting_what_is_no_topic_is_our_mistake)
{
    struct topic topic = {TOPIC_STOCK, TOPIC_SUMMARY, "A", 1};
    char text[TOPIC_MAX + 1];
    topic_format(text, &topic);
}
END_TEST

START_TEST(the_longest_topic_has_the_promised_length)
{
    size_t longest = 0;
    for (int type = 0; type < TOPIC_TYPES; type++) {
        for (int interval = 0; interval <= TOPIC_SUMMARY; interval++) {
            struct topic topic = {(enum topic_type)type, (enum topic_interval)interval,
                                  SYMBOL_32, TOPIC_SYMBOL_MAX};
            char text[TOPIC_MAX + 1];
            if ((type == TOPIC_MARKET) == (interval == TOPIC_SUMMARY)) {
                size_t len = topic_format(text, &topic);
                longest = len > longest ? len : longest;
            }
        }
    }
    ck_assert_uint_eq(longest, TOPIC_MAX);
}
END_TEST

START_TEST(types_have_names_both_ways)
{
    for (int type = 0; type < TOPIC_TYPES; type++) {
        enum topic_type found = TOPIC_TYPES;
        const char *name = topic_type_name((enum topic_type)type);
        ck_assert(topic_type_parse(name, strlen(name), &found));
        ck_assert_int_eq(found, type);
    }
    enum topic_type untouched = TOPIC_MARKET;
    ck_assert(!topic_type_parse("stoc", 4, &untouched));
    ck_assert(!topic_type_parse("", 0, &untouched));
    ck_assert_int_eq(untouched, TOPIC_MARKET);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("topic");
    TCase *tcase = tcase_create("topic");
    tcase_add_test(tcase, a_topic_is_a_type_a_symbol_and_an_interval);
    tcase_add_test(tcase, all_types_go_with_all_intervals_but_market_with_summary_only);
    tcase_add_test(tcase, a_minute_is_not_a_month);
    tcase_add_test(tcase, a_symbol_may_hold_dots);
    tcase_add_test(tcase, real_symbols_are_symbols);
    tcase_add_test(tcase, a_symbol_neither_begins_nor_ends_with_a_dot);
    tcase_add_test(tcase, a_symbol_has_1_to_32_bytes);
    tcase_add_test(tcase, a_symbol_holds_only_the_bytes_of_its_grammar);
    tcase_add_test(tcase, what_is_not_a_topic_is_refused);
    tcase_add_test(tcase, a_zero_byte_is_no_end);
    tcase_add_test(tcase, only_the_given_length_is_read);
    tcase_add_test(tcase, a_refused_text_leaves_the_topic_untouched);
    tcase_add_test(tcase, a_formatted_topic_is_the_text_it_came_from);
    tcase_add_test_raise_signal(tcase, formatting_what_is_no_topic_is_our_mistake,
                                SIGABRT);
    tcase_add_test(tcase, the_longest_topic_has_the_promised_length);
    tcase_add_test(tcase, types_have_names_both_ways);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
