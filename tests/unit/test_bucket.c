/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "gateway/bucket.h"

static const struct bucket_limits limits = {.rate_per_s = 3, .burst = 5};

START_TEST(a_new_bucket_is_full_and_holds_no_more_than_the_burst)
{
    struct bucket bucket;
    bucket_init(&bucket, &limits, 1000);
    ck_assert(bucket_take(&bucket, &limits, 5, 1000));
    ck_assert(!bucket_take(&bucket, &limits, 1, 1000));
    ck_assert(bucket_take(&bucket, &limits, 5, 100000));
    ck_assert(!bucket_take(&bucket, &limits, 1, 100000));
}
END_TEST

START_TEST(too_few_tokens_are_left_where_they_are)
{
    struct bucket bucket;
    bucket_init(&bucket, &limits, 0);
    ck_assert(!bucket_take(&bucket, &limits, 6, 0));
    ck_assert(bucket_take(&bucket, &limits, 5, 0));
}
END_TEST

START_TEST(a_token_comes_back_at_its_time_and_not_before)
{
    struct bucket bucket;
    bucket_init(&bucket, &limits, 0);
    ck_assert(bucket_take(&bucket, &limits, 5, 0));
    ck_assert(!bucket_take(&bucket, &limits, 1, 333));
    ck_assert(bucket_take(&bucket, &limits, 1, 334));
}
END_TEST

START_TEST(asking_often_loses_no_fraction)
{
    struct bucket bucket;
    bucket_init(&bucket, &limits, 0);
    ck_assert(bucket_take(&bucket, &limits, 5, 0));
    int taken = 0;
    for (uint64_t now_ms = 1; now_ms <= 10000; now_ms++) {
        taken += bucket_take(&bucket, &limits, 1, now_ms);
    }
    ck_assert_int_eq(taken, 30);
}
END_TEST

START_TEST(what_is_owed_comes_in_first_and_is_no_more_than_a_full_bucket)
{
    struct bucket bucket;
    bucket_init(&bucket, &limits, 0);
    bucket_charge(&bucket, &limits, 1000);
    ck_assert_int_eq(bucket.millitokens, -5000);
    ck_assert(!bucket_take(&bucket, &limits, 1, 1999));
    ck_assert(bucket_take(&bucket, &limits, 1, 2000));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bucket");
    TCase *tcase = tcase_create("bucket");
    tcase_add_test(tcase, a_new_bucket_is_full_and_holds_no_more_than_the_burst);
    tcase_add_test(tcase, too_few_tokens_are_left_where_they_are);
    tcase_add_test(tcase, a_token_comes_back_at_its_time_and_not_before);
    tcase_add_test(tcase, asking_often_loses_no_fraction);
    tcase_add_test(tcase, what_is_owed_comes_in_first_and_is_no_more_than_a_full_bucket);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
