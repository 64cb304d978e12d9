/* SPDX-License-Identifier: MIT */
#include "feeder/refusal.h"

#include <check.h>
#include <stdlib.h>

START_TEST(a_full_or_busy_server_refuses_for_now)
{
    const struct refusal *refusal =
        refusal_find("OOM command not allowed when used memory > 'maxmemory'.");
    ck_assert_ptr_nonnull(refusal);
    ck_assert_str_eq(refusal->code, "OOM");
    ck_assert_ptr_nonnull(refusal->hint);
    ck_assert(!refusal->lasting);
    refusal = refusal_find("LOADING Redis is loading the dataset in memory");
    ck_assert_ptr_nonnull(refusal);
    ck_assert_ptr_null(refusal->hint);
    ck_assert(!refusal->lasting);
}
END_TEST

START_TEST(a_missing_permission_lasts)
{
    const struct refusal *refusal =
        refusal_find("NOPERM this user has no permissions to run the 'xrange' command");
    ck_assert_ptr_nonnull(refusal);
    ck_assert(refusal->lasting);
    refusal = refusal_find("ERR The user executing the script can't run this command or "
                           "subcommand script: chrono_lease, on @user_function:43.");
    ck_assert_ptr_nonnull(refusal);
    ck_assert(refusal->lasting);
}
END_TEST

START_TEST(other_errors_are_about_the_message)
{
    ck_assert_ptr_null(refusal_find("ERR chrono_publish: the payload is no JSON object"));
    ck_assert_ptr_null(refusal_find("WRONGTYPE Operation against a key"));
    ck_assert_ptr_null(refusal_find(""));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refusal");
    TCase *tcase = tcase_create("refusal");
    tcase_add_test(tcase, a_full_or_busy_server_refuses_for_now);
    tcase_add_test(tcase, a_missing_permission_lasts);
    tcase_add_test(tcase, other_errors_are_about_the_message);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
