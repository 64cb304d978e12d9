/* SPDX-License-Identifier: MIT */
#include "feeder/weights.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void assert_weight(const char *text, const char *symbol, const char *expected)
{
    char weight[DECIMAL_TEXT_MAX + 1];
    ck_assert_msg(weights_are(text), "%s", text);
    decimal_format(weight, weights_get(text, symbol, strlen(symbol)));
    ck_assert_str_eq(weight, expected);
}

START_TEST(a_symbol_has_the_weight_it_is_given)
{
    assert_weight("AAPL=2.5,MSFT=2", "AAPL", "2.5");
    assert_weight("AAPL=2.5,MSFT=2", "MSFT", "2");
    assert_weight("A=0.0001,B=1000000", "A", "0.0001");
    assert_weight("A=0.0001,B=1000000", "B", "1000000");
}
END_TEST

START_TEST(all_others_weigh_one)
{
    assert_weight("", "AAPL", "1");
    assert_weight("AAPL=2.5", "AAP", "1");
    assert_weight("AAPL=2.5", "AAPLE", "1");
    assert_weight("AAPL=2.5", "aapl", "1");
}
END_TEST

START_TEST(a_symbol_may_hold_an_equals_sign)
{
    assert_weight("ES=F=2,NQ=F=0.5", "ES=F", "2");
    assert_weight("ES=F=2,NQ=F=0.5", "NQ=F", "0.5");
    assert_weight("ES=F=2,NQ=F=0.5", "ES", "1");
}
END_TEST

START_TEST(what_is_no_list_of_weights_is_refused)
{
    static const char *const texts[] = {
        ",",         "A",           "A=",
        "=1",        "A=1,",        ",A=1",
        "A=1,,B=1",  "A=0",         "A=-1",
        "A=x",       "A=1 ",        "A=NaN",
        "A=01",      "A=1000000.1", "A=1e7",
        "A=0.00001", "A B=1",       ".A=1",
        "A=1;B=1",   "A=1=",        "A=99999999999999999999",
        "A\xff=1",   "A=0x10",      "A=+1",
        "A=1,B=no",  "A==",         "A=.5"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_assert_msg(!weights_are(texts[i]), "%s", texts[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("weights");
    TCase *tcase = tcase_create("weights");
    tcase_add_test(tcase, a_symbol_has_the_weight_it_is_given);
    tcase_add_test(tcase, all_others_weigh_one);
    tcase_add_test(tcase, a_symbol_may_hold_an_equals_sign);
    tcase_add_test(tcase, what_is_no_list_of_weights_is_refused);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
