/* SPDX-License-Identifier: MIT */
#include "feeder/seen.h"

#include <check.h>
#include <stdlib.h>

START_TEST(a_number_is_new_once)
{
    struct seen seen = {.slots = NULL};
    for (uint64_t n = 1; n <= 100000; n++) {
        ck_assert_int_eq(seen_add(&seen, n * 7919), SEEN_NEW);
    }
    for (uint64_t n = 1; n <= 100000; n++) {
        ck_assert_int_eq(seen_add(&seen, n * 7919), SEEN_BEFORE);
    }
    ck_assert_int_eq(seen_add(&seen, UINT64_MAX), SEEN_NEW);
    ck_assert_int_eq(seen_add(&seen, UINT64_MAX), SEEN_BEFORE);
    ck_assert_uint_eq(seen.count, 100001);
    ck_assert_uint_le(seen.room * sizeof(uint64_t), seen.count * 22);
    seen_finish(&seen);
}
END_TEST

START_TEST(numbers_that_differ_in_their_upper_bits_take_no_longer)
{
    struct seen seen = {.slots = NULL};
    for (uint64_t n = 1; n <= 100000; n++) {
        ck_assert_int_eq(seen_add(&seen, n << 40), SEEN_NEW); /* 2^24 of them differ */
    }
    seen_finish(&seen);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seen");
    TCase *tcase = tcase_create("seen");
    tcase_add_test(tcase, a_number_is_new_once);
    tcase_add_test(tcase, numbers_that_differ_in_their_upper_bits_take_no_longer);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
