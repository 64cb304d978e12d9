/* SPDX-License-Identifier: MIT */
#include "feeder/columns.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct columns columns;
static char error[COLUMNS_ERROR_MAX];

static bool parse(const char *text)
{
    return columns_parse(text, &columns, error);
}

static enum column find(const char *name)
{
    return columns_find(&columns, name, strlen(name));
}

START_TEST(without_a_setting_our_names_count_in_any_case)
{
    ck_assert(parse(""));
    ck_assert_int_eq(find("symbol"), COLUMN_SYMBOL);
    ck_assert_int_eq(find("Date"), COLUMN_TIME);
    ck_assert_int_eq(find("TIME"), COLUMN_TIME);
    ck_assert_int_eq(find("close"), COLUMN_PRICE);
    ck_assert_int_eq(find("Volume"), COLUMN_SIZE);
    ck_assert_int_eq(find("trade_id"), COLUMN_ID);
    ck_assert_int_eq(find("id"), COLUMN_ID);
    ck_assert_int_eq(find("Adj Close"), COLUMNS);
    ck_assert_int_eq(find(""), COLUMNS);
}
END_TEST

START_TEST(a_given_name_is_the_only_one_and_known_by_the_letter)
{
    ck_assert(parse("time=T,id=t,price=p=q,size=Qty. (lots)"));
    ck_assert_int_eq(find("T"), COLUMN_TIME);
    ck_assert_int_eq(find("t"), COLUMN_ID);
    ck_assert_int_eq(find("p=q"), COLUMN_PRICE);
    ck_assert_int_eq(find("Qty. (lots)"), COLUMN_SIZE);
    ck_assert_int_eq(find("time"), COLUMNS);
    ck_assert_int_eq(find("date"), COLUMNS);
    ck_assert_int_eq(find("price"), COLUMNS);
    ck_assert_int_eq(find("qty. (lots)"), COLUMNS);
    ck_assert_int_eq(find("symbol"), COLUMN_SYMBOL);
}
END_TEST

START_TEST(a_name_of_ours_may_be_given_another_meaning)
{
    ck_assert(parse("symbol=date,close=volume"));
    ck_assert_int_eq(find("date"), COLUMN_SYMBOL);
    ck_assert_int_eq(find("time"), COLUMN_TIME);
    ck_assert_int_eq(find("volume"), COLUMN_PRICE);
}
END_TEST

START_TEST(settings_without_sense_are_refused_with_the_reason)
{
    static const char *const pairs[][2] = {
        {"time", "--columns: \"time\" is not of the form time=Date"},
        {"time=", "--columns: \"time=\" is not of the form time=Date"},
        {"=Date", "--columns: \"=Date\" is not of the form time=Date"},
        {",", "--columns: \"\" is not of the form time=Date"},
        {"time=Date,", "--columns: \"\" is not of the form time=Date"},
        {"when=Date", "--columns: \"when=Date\" does not begin with symbol, time, price, "
                      "open, high, low, size, type, market or id"},
        {"time=a,date=b", "--columns: \"date=b\" gives a second name"},
        {"time=a,price=a", "--columns: \"price=a\" gives a name a second meaning"},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        ck_assert_msg(!parse(pairs[i][0]), "%s", pairs[i][0]);
        ck_assert_str_eq(error, pairs[i][1]);
    }
}
END_TEST

START_TEST(an_error_has_room_for_any_setting)
{
    char text[4096];
    memset(text, 'x', sizeof(text));
    text[4] = '=';
    text[sizeof(text) - 1] = '\0';
    ck_assert(!parse(text));
    ck_assert_uint_lt(strlen(error), COLUMNS_ERROR_MAX - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("columns");
    TCase *tcase = tcase_create("columns");
    tcase_add_test(tcase, without_a_setting_our_names_count_in_any_case);
    tcase_add_test(tcase, a_given_name_is_the_only_one_and_known_by_the_letter);
    tcase_add_test(tcase, a_name_of_ours_may_be_given_another_meaning);
    tcase_add_test(tcase, settings_without_sense_are_refused_with_the_reason);
    tcase_add_test(tcase, an_error_has_room_for_any_setting);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
