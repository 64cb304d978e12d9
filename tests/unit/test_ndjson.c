/* SPDX-License-Identifier: MIT */
#include "feeder/ndjson.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct columns columns;
static struct row row;
static char *held; /* what is parsed */

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
    return ndjson_parse_row(&columns, held, len, &row);
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

START_TEST(an_object_is_a_tick)
{
    ck_assert_ptr_null(parse(" {\"symbol\":\"BTC\\/USDT\",\"time\":1368403200.5,"
                             "\"price\":64.960,\"size\":1e-8,\"type\":\"crypto\","
                             "\"market\":\"X\",\"id\":7,\"more\":{\"price\":[1]}} "));
    ck_assert(!row.is_bar);
    ck_assert_int_eq(row.tick.type, TOPIC_CRYPTO);
    assert_text(row.tick.symbol, row.tick.symbol_len, "BTC/USDT");
    assert_text(row.tick.market, row.tick.market_len, "X");
    assert_number(row.tick.price, "64.96");
    assert_number(row.tick.size, "0.00000001");
    ck_assert_uint_eq(row.tick.id, 7);
    ck_assert_int_eq(row.tick.time_us, INT64_C(1368403200500000));
}
END_TEST

START_TEST(open_high_and_low_make_it_a_bar)
{
    ck_assert_ptr_null(parse("{\"symbol\":\"A\",\"Date\":\"2013-05-13\",\"open\":1,"
                             "\"high\":3,\"low\":0.5,\"close\":2,\"volume\":9}"));
    ck_assert(row.is_bar);
    assert_number(row.open, "1");
    assert_number(row.high, "3");
    assert_number(row.low, "0.5");
    assert_number(row.tick.price, "2");
    assert_number(row.tick.size, "9");
}
END_TEST

START_TEST(members_may_have_names_of_their_own_and_numbers_stand_in_strings)
{
    char error[COLUMNS_ERROR_MAX];
    ck_assert(columns_parse("symbol=s,time=T,price=p,size=q,id=t", &columns, error));
    ck_assert_ptr_null(parse("{\"e\":\"trade\",\"E\":1672515782136,\"s\":\"BNBBTC\","
                             "\"t\":12345,\"p\":\"0.00100\",\"q\":\"100\","
                             "\"T\":1672515782136,\"m\":true,\"M\":true}"));
    assert_text(row.tick.symbol, row.tick.symbol_len, "BNBBTC");
    assert_number(row.tick.price, "0.001");
    assert_number(row.tick.size, "100");
    ck_assert_uint_eq(row.tick.id, 12345);
    ck_assert_int_eq(row.tick.time_us, INT64_C(1672515782136000));
}
END_TEST

START_TEST(null_and_empty_texts_are_what_empty_fields_are)
{
    ck_assert_ptr_null(parse("{\"symbol\":\"A\",\"time\":0,\"price\":1,\"size\":null,"
                             "\"type\":\"\",\"market\":null,\"id\":null}"));
    ck_assert_int_eq(row.tick.type, TOPIC_STOCK);
    ck_assert_uint_eq(row.tick.market_len, 0);
    ck_assert_uint_eq(row.tick.id, 0);
    assert_number(row.tick.size, "0");
}
END_TEST

START_TEST(bad_objects_are_refused_with_the_reason)
{
    static const char *const pairs[][2] = {
        {"", "not one JSON object in UTF-8"},
        {"[]", "not one JSON object in UTF-8"},
        {"{\"symbol\":\"A\",\"time\":0,\"price\":1", "not one JSON object in UTF-8"},
        {"{}", "symbol, time or price is missing"},
        {"{\"symbol\":\"A\",\"time\":0}", "symbol, time or price is missing"},
        {"{\"symbol\":\"A\",\"time\":0,\"price\":null}", "not a number"},
        {"{\"symbol\":\"A\",\"time\":0,\"price\":\"x\"}", "not a number"},
        {"{\"symbol\":\"A\",\"time\":0,\"price\":true}",
         "a value is neither a text nor a number"},
        {"{\"symbol\":[\"A\"],\"time\":0,\"price\":1}",
         "a value is neither a text nor a number"},
        {"{\"symbol\":\"A\",\"time\":\"now\",\"price\":1}", "no valid date"},
        {"{\"symbol\":\"\",\"time\":0,\"price\":1}", "no valid symbol"},
        {"{\"symbol\":\"\\u00e9\",\"time\":0,\"price\":1}",
         "a text is too long or not printable ASCII"},
        {"{\"symbol\":\"A\",\"time\":0,\"date\":0,\"price\":1}",
         "two values of the same meaning"},
        {"{\"symbol\":\"A\",\"time\":0,\"price\":1,\"open\":1}",
         "open, high and low belong together"},
        {"{\"symbol\":\"A\",\"time\":0,\"price\":1,\"size\":-1}", "a size below zero"},
        {"{\"symbol\":\"A\",\"time\":0,\"price\":1,\"id\":1.5}", "no valid id"},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const char *why = parse(pairs[i][0]);
        ck_assert_msg(why != NULL, "%s", pairs[i][0]);
        ck_assert_msg(strcmp(why, pairs[i][1]) == 0, "%s: %s", pairs[i][0], why);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ndjson");
    TCase *tcase = tcase_create("ndjson");
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, an_object_is_a_tick);
    tcase_add_test(tcase, open_high_and_low_make_it_a_bar);
    tcase_add_test(tcase,
                   members_may_have_names_of_their_own_and_numbers_stand_in_strings);
    tcase_add_test(tcase, null_and_empty_texts_are_what_empty_fields_are);
    tcase_add_test(tcase, bad_objects_are_refused_with_the_reason);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
