/* SPDX-License-Identifier: MIT */
#include "feeder/tempo.h"

#include <check.h>
#include <stdlib.h>

START_TEST(real_time_is_real_time)
{
    const struct tempo tempo = {.speed = 1, .start_ms = 500, .start_us = -1000000};
    ck_assert_int_eq(tempo_position(&tempo, 500, INT64_MAX / 2), -1000000);
    ck_assert_int_eq(tempo_position(&tempo, 1750, INT64_MAX / 2), 250000);
    ck_assert_int_eq(tempo_position(&tempo, 1750, 100), 100);
    ck_assert_uint_eq(tempo_due_ms(&tempo, 0), 1501);
}
END_TEST

START_TEST(a_speed_multiplies_it)
{
    const struct tempo tempo = {.speed = 86400, .start_ms = 0, .start_us = 0};
    ck_assert_int_eq(tempo_position(&tempo, 1000, INT64_MAX / 2), INT64_C(86400000000));
    ck_assert_uint_eq(tempo_due_ms(&tempo, INT64_C(86400000000)), 1001);
}
END_TEST

START_TEST(speed_0_is_at_the_end_at_once)
{
    const struct tempo tempo = {.speed = 0, .start_ms = 7, .start_us = 0};
    ck_assert_int_eq(tempo_position(&tempo, 7, 12345), 12345);
    ck_assert_uint_eq(tempo_due_ms(&tempo, 12345), 7);
}
END_TEST

START_TEST(what_lies_before_the_start_is_due)
{
    const struct tempo tempo = {.speed = 0.5, .start_ms = 7, .start_us = 1000};
    ck_assert_uint_eq(tempo_due_ms(&tempo, -5), 7);
}
END_TEST

START_TEST(a_time_that_never_comes_stays_a_number)
{
    const struct tempo tempo = {.speed = 1e-300, .start_ms = 7, .start_us = 0};
    ck_assert_uint_gt(tempo_due_ms(&tempo, INT64_MAX / 4), UINT64_C(1) << 49);
    ck_assert_int_eq(tempo_position(&tempo, 1000000, INT64_MAX / 4), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tempo");
    TCase *tcase = tcase_create("tempo");
    tcase_add_test(tcase, real_time_is_real_time);
    tcase_add_test(tcase, a_speed_multiplies_it);
    tcase_add_test(tcase, speed_0_is_at_the_end_at_once);
    tcase_add_test(tcase, what_lies_before_the_start_is_due);
    tcase_add_test(tcase, a_time_that_never_comes_stays_a_number);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
