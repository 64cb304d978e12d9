/* SPDX-License-Identifier: MIT */
#include "feeder/csv.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct csv_header header;
static struct row row;
static struct columns columns;
static char *held; /* what the row points into */

static void teardown(void)
{
    free(held);
    held = NULL;
}

/* In memory of exactly its size, so that a read beyond it is an error. */
static char *hold(const char *text)
{
    free(held);
    const size_t len = strlen(text);
    held = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(held);
    memcpy(held, text, len);
    return held;
}

static const char *parse_header(const char *text)
{
    return csv_parse_header(&columns, hold(text), strlen(text), &header);
}

static const char *parse_row(const char *text)
{
    return csv_parse_row(&header, hold(text), strlen(text), &row);
}

static void assert_number(struct decimal value, const char *expected)
{
    char text[DECIMAL_TEXT_MAX + 1];
    decimal_format(text, value);
    ck_assert_str_eq(text, expected);
}

static void assert_text(const char *text, size_t len, const char *expected)
{
    ck_assert_uint_eq(len, strlen(expected));
    ck_assert_mem_eq(text, expected, len);
}

START_TEST(a_row_of_prices_is_a_tick)
{
    ck_assert_ptr_null(parse_header("symbol,date,price"));
    ck_assert_ptr_null(parse_row("AAPL,2013-05-13,64.96"));
    ck_assert(!row.is_bar);
    ck_assert_int_eq(row.tick.type, TOPIC_STOCK);
    assert_text(row.tick.symbol, row.tick.symbol_len, "AAPL");
    assert_text(row.tick.market, row.tick.market_len, "");
    assert_number(row.tick.price, "64.96");
    assert_number(row.tick.size, "0");
    ck_assert_int_eq(row.tick.time_us, INT64_C(1368403200000000));
}
END_TEST

START_TEST(a_row_with_open_high_and_low_is_a_bar)
{
    ck_assert_ptr_null(
        parse_header("type,symbol,market,date,open,high,low,close,volume"));
    ck_assert_ptr_null(
        parse_row("futures,CL,US,2020-04-20,17.73,17.85,-40.32,-37.63,247947"));
    ck_assert(row.is_bar);
    ck_assert_int_eq(row.tick.type, TOPIC_FUTURES);
    assert_text(row.tick.market, row.tick.market_len, "US");
    assert_number(row.open, "17.73");
    assert_number(row.high, "17.85");
    assert_number(row.low, "-40.32");
    assert_number(row.tick.price, "-37.63");
    assert_number(row.tick.size, "247947");
}
END_TEST

START_TEST(columns_come_in_any_order_and_case_and_unknown_ones_are_ignored)
{
    ck_assert_ptr_null(parse_header("Volume,Adj Close,CLOSE,Time,note,Symbol"));
    ck_assert_ptr_null(parse_row("5,1.0,2.50,2013-05-13T09:30:00.5Z,,BRK.B"));
    assert_number(row.tick.price, "2.5");
    assert_number(row.tick.size, "5");
    assert_text(row.tick.symbol, row.tick.symbol_len, "BRK.B");
}
END_TEST

START_TEST(fields_may_stand_in_quotes)
{
    ck_assert_ptr_null(
        parse_header("\"symbol\",\"a \"\"note\"\", quoted\",\"date\",price"));
    ck_assert_ptr_null(parse_row("\"AAPL\",\"x,\"\"y\",\"2013-05-13\",\"1.5\""));
    assert_text(row.tick.symbol, row.tick.symbol_len, "AAPL");
    assert_number(row.tick.price, "1.5");
}
END_TEST

START_TEST(empty_optional_fields_mean_the_same_as_missing_columns)
{
    ck_assert_ptr_null(parse_header("type,symbol,market,date,price,size"));
    ck_assert_ptr_null(parse_row(",AAPL,,2013-05-13,1,"));
    ck_assert_int_eq(row.tick.type, TOPIC_STOCK);
    ck_assert_uint_eq(row.tick.market_len, 0);
    assert_number(row.tick.size, "0");
}
END_TEST

static void name_columns(const char *setting)
{
    char error[COLUMNS_ERROR_MAX];
    ck_assert(columns_parse(setting, &columns, error));
}

START_TEST(columns_may_have_names_of_their_own)
{
    name_columns("time=Trade Time,price=Last,size=Qty,symbol=Ticker,id=No.");
    ck_assert_ptr_null(parse_header("No.,Ticker,\"Trade Time\",Last,Qty,price,symbol"));
    ck_assert_ptr_null(parse_row("17,AAPL,1368403200000,64.96,3,x,y z"));
    assert_text(row.tick.symbol, row.tick.symbol_len, "AAPL");
    assert_number(row.tick.price, "64.96");
    assert_number(row.tick.size, "3");
    ck_assert_uint_eq(row.tick.id, 17);
    ck_assert_int_eq(row.tick.time_us, INT64_C(1368403200000000));
}
END_TEST

START_TEST(a_name_that_the_header_has_not_is_an_error)
{
    name_columns("size=Qty");
    ck_assert_str_eq(parse_header("symbol,date,price,size"),
                     "a column that --columns names is not in the header");
}
END_TEST

START_TEST(a_row_may_have_the_id_of_its_trade)
{
    ck_assert_ptr_null(parse_header("symbol,date,price,trade_id"));
    ck_assert_ptr_null(parse_row("AAPL,2013-05-13,64.96,18446744073709551615"));
    ck_assert_uint_eq(row.tick.id, UINT64_MAX);
    ck_assert_ptr_null(parse_row("AAPL,2013-05-13,64.96,"));
    ck_assert_uint_eq(row.tick.id, 0);
    ck_assert_str_eq(parse_row("AAPL,2013-05-13,64.96,0"), "no valid id");
    ck_assert_str_eq(parse_row("AAPL,2013-05-13,64.96,-1"), "no valid id");
    ck_assert_str_eq(parse_row("AAPL,2013-05-13,64.96,18446744073709551616"),
                     "no valid id");
}
END_TEST

START_TEST(useless_headers_are_refused)
{
    static const char *const texts[] = {"",
                                        "symbol,date",
                                        "date,price",
                                        "symbol,price",
                                        "symbol,date,close,price",
                                        "symbol,date,close,open",
                                        "symbol,date,close,high,low",
                                        "symbol,date,\"close",
                                        "symbol,date,\"close\"x"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_msg(parse_header(texts[i]) != NULL, "%s", texts[i]);
    }
    char wide[CSV_COLUMNS_MAX + 2];
    memset(wide, ',', sizeof(wide));
    wide[sizeof(wide) - 1] = '\0';
    ck_assert_str_eq(parse_header(wide), "too many columns");
}
END_TEST

START_TEST(bad_rows_are_refused_with_the_reason)
{
    static const char *const pairs[][2] = {
        {"AAPL,2013-05-13,1,2,0,1,5,stock", "not as many fields as the header has"},
        {"AAPL,2013-05-13,1,2,0,1,5,stock,US,", "not as many fields as the header has"},
        {"A PL,2013-05-13,1,2,0,1,5,stock,US", "no valid symbol"},
        {",2013-05-13,1,2,0,1,5,stock,US", "no valid symbol"},
        {"AAPL,2013-05-32,1,2,0,1,5,stock,US", "no valid date"},
        {"AAPL,2013-05-13,x,2,0,1,5,stock,US", "not a number"},
        {"AAPL,2013-05-13,1,2,0,,5,stock,US", "not a number"},
        {"AAPL,2013-05-13,1,2,0,1,-5,stock,US", "a size below zero"},
        {"AAPL,2013-05-13,1,2,0,1,5,bonds,US", "no valid type"},
        {"AAPL,2013-05-13,1,2,0,1,5,market,US", "no valid type"},
        {"AAPL,2013-05-13,1,2,0,1,5,stock,U S", "no valid market"},
        {"AAPL,2013-05-13,1,2,1.5,1,5,stock,US",
         "open or close is not between low and high"},
        {"AAPL,2013-05-13,1,2,0,2.5,5,stock,US",
         "open or close is not between low and high"},
        {"\"AAPL,2013-05-13,1,2,0,1,5,stock,US", "a quote is not closed"},
    };
    ck_assert_ptr_null(parse_header("symbol,date,open,high,low,close,size,type,market"));
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const char *why = parse_row(pairs[i][0]);
        ck_assert_msg(why != NULL, "%s", pairs[i][0]);
        ck_assert_str_eq(why, pairs[i][1]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv");
    TCase *tcase = tcase_create("csv");
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, a_row_of_prices_is_a_tick);
    tcase_add_test(tcase, a_row_with_open_high_and_low_is_a_bar);
    tcase_add_test(tcase,
                   columns_come_in_any_order_and_case_and_unknown_ones_are_ignored);
    tcase_add_test(tcase, fields_may_stand_in_quotes);
    tcase_add_test(tcase, empty_optional_fields_mean_the_same_as_missing_columns);
    tcase_add_test(tcase, columns_may_have_names_of_their_own);
    tcase_add_test(tcase, a_name_that_the_header_has_not_is_an_error);
    tcase_add_test(tcase, a_row_may_have_the_id_of_its_trade);
    tcase_add_test(tcase, useless_headers_are_refused);
    tcase_add_test(tcase, bad_rows_are_refused_with_the_reason);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
