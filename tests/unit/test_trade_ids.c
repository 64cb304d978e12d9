/* SPDX-License-Identifier: MIT */
#include "feeder/trade_ids.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct trade_ids ids;

static void setup(void)
{
    memset(&ids, 0, sizeof(ids));
}

START_TEST(at_first_none_has_been_seen)
{
    ck_assert_uint_eq(trade_ids_gap(&ids, 12345), 0);
    ck_assert(trade_ids_take(&ids, 12345));
}
END_TEST

START_TEST(an_id_is_taken_once)
{
    ck_assert(trade_ids_take(&ids, 7));
    ck_assert(!trade_ids_take(&ids, 7));
    ck_assert(trade_ids_take(&ids, 8));
    ck_assert(!trade_ids_take(&ids, 7));
    ck_assert(!trade_ids_take(&ids, 8));
}
END_TEST

START_TEST(an_older_id_is_taken_once_while_it_is_in_the_window)
{
    ck_assert(trade_ids_take(&ids, 1000));
    ck_assert(trade_ids_take(&ids, 1000 - TRADE_IDS_WINDOW + 1));
    ck_assert(!trade_ids_take(&ids, 1000 - TRADE_IDS_WINDOW + 1));
    ck_assert(!trade_ids_take(&ids, 1000 - TRADE_IDS_WINDOW));
    ck_assert(trade_ids_take(&ids, 1001));
    ck_assert(!trade_ids_take(&ids, 1000 - TRADE_IDS_WINDOW + 1));
    ck_assert(trade_ids_take(&ids, 1000 - TRADE_IDS_WINDOW + 2));
}
END_TEST

START_TEST(the_largest_ids_are_ids_too)
{
    ck_assert(trade_ids_take(&ids, 1));
    ck_assert(trade_ids_take(&ids, UINT64_MAX));
    ck_assert(trade_ids_take(&ids, UINT64_MAX - 255));
    ck_assert(!trade_ids_take(&ids, UINT64_MAX - 256));
    ck_assert(!trade_ids_take(&ids, UINT64_MAX));
}
END_TEST

START_TEST(after_a_beginning_all_of_before_have_been_seen)
{
    trade_ids_begin(&ids, 500, 520);
    for (uint64_t id = 1; id <= 500; id++) {
        ck_assert(!trade_ids_take(&ids, id));
    }
    for (uint64_t id = 501; id <= 600; id++) {
        ck_assert(trade_ids_take(&ids, id));
    }
}
END_TEST

START_TEST(a_beginning_with_nothing_has_seen_nothing)
{
    trade_ids_begin(&ids, 0, 0);
    ck_assert_uint_eq(trade_ids_gap(&ids, 12), 0);
    ck_assert(trade_ids_take(&ids, 3));
    ck_assert(trade_ids_take(&ids, 2));
}
END_TEST

START_TEST(a_gap_is_what_lies_between)
{
    trade_ids_take(&ids, 10);
    ck_assert_uint_eq(trade_ids_gap(&ids, 11), 0);
    ck_assert_uint_eq(trade_ids_gap(&ids, 14), 3);
    trade_ids_take(&ids, 14);
    ck_assert_uint_eq(trade_ids_gap(&ids, 12), 0);
    ck_assert_uint_eq(trade_ids_gap(&ids, 15), 0);
}
END_TEST

START_TEST(ids_that_only_some_have_seen_are_no_gap)
{
    trade_ids_begin(&ids, 500, 520);
    ck_assert_uint_eq(trade_ids_gap(&ids, 515), 0);
    ck_assert_uint_eq(trade_ids_gap(&ids, 521), 0);
    ck_assert_uint_eq(trade_ids_gap(&ids, 523), 2);
    trade_ids_begin(&ids, 500, 20);
    ck_assert_uint_eq(trade_ids_gap(&ids, 502), 1);
}
END_TEST

#define MODEL_IDS 100000

/* An array that remembers everything, but counts what is far behind as seen. */
START_TEST(it_does_what_an_array_of_all_ids_would)
{
    static bool seen[MODEL_IDS];
    uint64_t state = 7;
    uint64_t newest = 0;
    size_t wrong = 0;
    for (int i = 0; i < 200000 && newest < MODEL_IDS - 2000; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
        const uint64_t random = state >> 33;
        const uint64_t reach = random % 50 == 0 ? 700 : 300;
        uint64_t id = newest + (random >> 8) % 4;
        if (random % 3 == 0) {
            id = newest + 20 - (random >> 8) % (reach < newest ? reach : newest + 20);
        }
        if (id == 0) {
            continue;
        }
        newest = id > newest ? id : newest;
        const bool fresh = newest - id < TRADE_IDS_WINDOW && !seen[id];
        seen[id] = true;
        wrong += trade_ids_take(&ids, id) != fresh;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_gt(newest, MODEL_IDS / 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trade_ids");
    TCase *tcase = tcase_create("trade_ids");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, at_first_none_has_been_seen);
    tcase_add_test(tcase, an_id_is_taken_once);
    tcase_add_test(tcase, an_older_id_is_taken_once_while_it_is_in_the_window);
    tcase_add_test(tcase, the_largest_ids_are_ids_too);
    tcase_add_test(tcase, after_a_beginning_all_of_before_have_been_seen);
    tcase_add_test(tcase, a_beginning_with_nothing_has_seen_nothing);
    tcase_add_test(tcase, a_gap_is_what_lies_between);
    tcase_add_test(tcase, ids_that_only_some_have_seen_are_no_gap);
    tcase_add_test(tcase, it_does_what_an_array_of_all_ids_would);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
