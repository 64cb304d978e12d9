/* SPDX-License-Identifier: MIT */
#include "feeder/decimal.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct decimal number(const char *text)
{
    struct decimal value;
    ck_assert_msg(decimal_parse(text, strlen(text), &value), "%s", text);
    return value;
}

static void assert_text(struct decimal value, const char *text)
{
    char out[DECIMAL_TEXT_MAX + 1];
    ck_assert_uint_eq(decimal_format(out, value), strlen(text));
    ck_assert_str_eq(out, text);
}

START_TEST(a_number_is_printed_in_its_shortest_exact_form)
{
    static const char *const pairs[][2] = {
        {"149", "149"},
        {"149.0", "149"},
        {"150.250", "150.25"},
        {"0", "0"},
        {"-0", "0"},
        {"0.000", "0"},
        {"-0.5", "-0.5"},
        {"0.00001234", "0.00001234"},
        {"1e3", "1000"},
        {"12.5E+1", "125"},
        {"1.5e-7", "0.00000015"},
        {"1000000", "1000000"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775807", "-9223372036854775807"},
        {"-9.223372036854775807", "-9.223372036854775807"},
        {"0.000000000000000001", "0.000000000000000001"},
        {"-0.999999999999999999", "-0.999999999999999999"},
        {"1.00000000000000000000000000", "1"},
        {"0e999", "0"},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_text(number(pairs[i][0]), pairs[i][1]);
    }
}
END_TEST

START_TEST(what_is_no_json_number_is_refused)
{
    static const char *const texts[] = {"",    "-",   "+1",  ".5",   "1.",    "01",
                                        "-01", "1e",  "1e+", "0x1",  "1 ",    " 1",
                                        "1,5", "NaN", "--1", "1.-2", "1e1.5", "1.2.3"};
    struct decimal value;
    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_msg(!decimal_parse(texts[i], strlen(texts[i]), &value), "%s", texts[i]);
    }
}
END_TEST

START_TEST(what_does_not_fit_exactly_is_refused)
{
    static const char *const texts[] = {"9223372036854775808",
                                        "-9223372036854775808",
                                        "0.0000000000000000001",
                                        "12345678901.123456789",
                                        "1e19",
                                        "1e-19",
                                        "1e99999999999",
                                        "1e1001",
                                        "1e-1001",
                                        "99999999999999999999999999999999999999999999"};
    struct decimal value = {7, 1};
    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_msg(!decimal_parse(texts[i], strlen(texts[i]), &value), "%s", texts[i]);
    }
    assert_text(value, "0.7");
}
END_TEST

START_TEST(only_the_given_bytes_are_read)
{
    char *text = strdup("1.5 and more");
    ck_assert_ptr_nonnull(text);
    struct decimal value;
    ck_assert(decimal_parse(text, 3, &value));
    assert_text(value, "1.5");
    ck_assert(!decimal_parse(text, 2, &value));
    ck_assert(decimal_parse(text, 1, &value));
    assert_text(value, "1");
    free(text);
}
END_TEST

START_TEST(a_tenth_and_two_tenths_are_three_tenths)
{
    struct decimal sum;
    ck_assert(decimal_add(number("0.1"), number("0.2"), &sum));
    assert_text(sum, "0.3");
    ck_assert_int_eq(decimal_compare(sum, number("0.30")), 0);
}
END_TEST

START_TEST(sums_align_different_scales)
{
    struct decimal sum;
    ck_assert(decimal_add(number("100"), number("0.00000001"), &sum));
    assert_text(sum, "100.00000001");
    ck_assert(decimal_subtract(number("150.25"), number("149"), &sum));
    assert_text(sum, "1.25");
    ck_assert(decimal_subtract(number("-37.63"), number("18.27"), &sum));
    assert_text(sum, "-55.9");
}
END_TEST

START_TEST(a_sum_that_does_not_fit_is_refused)
{
    struct decimal sum = {1, 0};
    const struct decimal largest = number("9223372036854775807");
    ck_assert(!decimal_add(largest, number("1"), &sum));
    ck_assert(!decimal_subtract(number("-9223372036854775807"), number("1"), &sum));
    ck_assert(!decimal_add(largest, number("0.1"), &sum));
    assert_text(sum, "1");
    ck_assert(decimal_add(largest, number("0.0"), &sum));
    assert_text(sum, "9223372036854775807");
}
END_TEST

START_TEST(numbers_compare_by_value_whatever_their_form)
{
    ck_assert_int_eq(decimal_compare(number("1.50"), number("1.5")), 0);
    ck_assert_int_lt(decimal_compare(number("1.49"), number("1.5")), 0);
    ck_assert_int_gt(decimal_compare(number("2"), number("1.999999999999999999")), 0);
    ck_assert_int_lt(decimal_compare(number("-2"), number("1")), 0);
    ck_assert_int_gt(
        decimal_compare(number("9223372036854775807"), number("9.223372036854775807")),
        0);
}
END_TEST

START_TEST(a_quotient_is_rounded_with_halves_away_from_zero)
{
    struct decimal out;
    ck_assert(decimal_divide(number("1"), number("3"), 4, &out));
    assert_text(out, "0.3333");
    ck_assert(decimal_divide(number("2"), number("3"), 4, &out));
    assert_text(out, "0.6667");
    ck_assert(decimal_divide(number("0.125"), number("1"), 2, &out));
    assert_text(out, "0.13");
    ck_assert(decimal_divide(number("-0.125"), number("1"), 2, &out));
    assert_text(out, "-0.13");
    ck_assert(decimal_divide(number("0.125"), number("-1"), 2, &out));
    assert_text(out, "-0.13");
    ck_assert(decimal_divide(number("7"), number("0.5"), 0, &out));
    assert_text(out, "14");
}
END_TEST

START_TEST(a_percentage_has_two_decimals)
{
    struct decimal out;
    ck_assert(decimal_percent(number("1.25"), number("149"), &out));
    assert_text(out, "0.84");
    ck_assert(decimal_percent(number("-1.25"), number("149"), &out));
    assert_text(out, "-0.84");
    ck_assert(decimal_percent(number("1"), number("0.00001"), &out));
    assert_text(out, "10000000");
}
END_TEST

START_TEST(a_percentage_of_a_negative_price_keeps_the_sign_of_the_change)
{
    struct decimal out;
    ck_assert(decimal_percent(number("47.64"), number("-37.63"), &out));
    assert_text(out, "126.6");
}
END_TEST

START_TEST(dividing_by_zero_or_beyond_the_range_is_refused)
{
    struct decimal out = {5, 0};
    ck_assert(!decimal_percent(number("1"), number("0"), &out));
    ck_assert(!decimal_divide(number("1"), number("0.00"), 2, &out));
    ck_assert(!decimal_percent(number("9223372036854775807"),
                               number("0.000000000000000001"), &out));
    assert_text(out, "5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decimal");
    TCase *tcase = tcase_create("decimal");
    tcase_add_test(tcase, a_number_is_printed_in_its_shortest_exact_form);
    tcase_add_test(tcase, what_is_no_json_number_is_refused);
    tcase_add_test(tcase, what_does_not_fit_exactly_is_refused);
    tcase_add_test(tcase, only_the_given_bytes_are_read);
    tcase_add_test(tcase, a_tenth_and_two_tenths_are_three_tenths);
    tcase_add_test(tcase, sums_align_different_scales);
    tcase_add_test(tcase, a_sum_that_does_not_fit_is_refused);
    tcase_add_test(tcase, numbers_compare_by_value_whatever_their_form);
    tcase_add_test(tcase, a_quotient_is_rounded_with_halves_away_from_zero);
    tcase_add_test(tcase, a_percentage_has_two_decimals);
    tcase_add_test(tcase, a_percentage_of_a_negative_price_keeps_the_sign_of_the_change);
    tcase_add_test(tcase, dividing_by_zero_or_beyond_the_range_is_refused);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
