/* SPDX-License-Identifier: MIT
 *
 * Only the sums of bytes matter here, so the sequences are written by hand.
 */
#include "gateway/shelf.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 3

static struct shelf shelf;
static struct sequence sequences[PLACES];
static struct shelf_place places[PLACES];

static void setup(void)
{
    shelf = (struct shelf){.max_bytes = 100, .keep_ms = 1000};
    memset(sequences, 0, sizeof(sequences));
    memset(places, 0, sizeof(places));
    for (size_t i = 0; i < PLACES; i++) {
        places[i].sequence = &sequences[i];
    }
}

/* The tail of the place has grown to so many bytes. */
static void grow(size_t place, size_t bytes)
{
    sequences[place].tail.bytes = bytes;
    shelf_bound_tails(&shelf, &places[place]);
    for (size_t i = 0; i < PLACES; i++) {
        if (!sequences[i].keeps_tail) {
            ck_assert_uint_eq(places[i].tail_bytes, 0);
        }
    }
}

/* Which places keep a tail: "012". */
static void kept_are(const char *expected)
{
    char kept[PLACES + 1] = "";
    for (size_t i = 0; i < PLACES; i++) {
        if (sequences[i].keeps_tail) {
            kept[strlen(kept)] = (char)('0' + i);
        }
    }
    ck_assert_str_eq(kept, expected);
}

static void use_all(void)
{
    for (size_t i = 0; i < PLACES; i++) {
        shelf_use(&shelf, &places[i]);
    }
}

START_TEST(beyond_the_bound_the_longest_unused_tail_goes)
{
    use_all();
    shelf_use(&shelf, &places[0]); /* now 1 is the longest unused */
    grow(0, 40);
    grow(1, 40);
    kept_are("012");
    grow(2, 40);
    kept_are("02");
    ck_assert_uint_eq(shelf.tail_bytes, 80);
}
END_TEST

START_TEST(the_tail_that_was_used_last_stays_however_big)
{
    use_all();
    grow(2, 1000);
    kept_are("2");
}
END_TEST

START_TEST(a_tail_that_is_being_read_for_stays)
{
    use_all();
    places[0].busy = true;
    grow(2, 1000);
    kept_are("02");
}
END_TEST

START_TEST(a_tail_goes_some_time_after_its_last_use)
{
    shelf_tick(&shelf, 5000);
    use_all();
    shelf_tick(&shelf, 5500);
    shelf_use(&shelf, &places[1]);
    places[2].busy = true;
    shelf_tick(&shelf, 6000);
    kept_are("012");
    shelf_tick(&shelf, 6001);
    kept_are("12");
    places[2].busy = false; /* used when it was seen busy */
    shelf_tick(&shelf, 6501);
    kept_are("2");
    shelf_tick(&shelf, 7002);
    kept_are("");
}
END_TEST

START_TEST(a_topic_that_keeps_no_tail_is_not_counted)
{
    sequences[0].tail.bytes = 1000;
    shelf_bound_tails(&shelf, &places[0]);
    ck_assert_uint_eq(shelf.tail_bytes, 0);
}
END_TEST

START_TEST(what_is_held_back_beyond_the_bound_goes_from_the_topic_that_holds_more)
{
    sequences[0].held.bytes = 60;
    shelf_bound_held(&shelf, &places[0]);
    sequences[1].held.bytes = 60;
    shelf_bound_held(&shelf, &places[1]);
    ck_assert_uint_eq(sequences[1].held.bytes, 0);
    ck_assert_uint_eq(sequences[0].held.bytes, 60);
    ck_assert_uint_eq(shelf.held_bytes, 60);
    sequences[0].held.bytes = 0;
    shelf_count_held(&shelf, &places[0]);
    ck_assert_uint_eq(shelf.held_bytes, 0);
}
END_TEST

START_TEST(a_place_that_is_cleared_leaves_nothing)
{
    use_all();
    grow(0, 40);
    sequences[0].held.bytes = 30;
    shelf_bound_held(&shelf, &places[0]);
    shelf_clear(&shelf, &places[0]);
    kept_are("12");
    ck_assert_uint_eq(shelf.tail_bytes, 0);
    ck_assert_uint_eq(shelf.held_bytes, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shelf");
    TCase *tcase = tcase_create("shelf");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, beyond_the_bound_the_longest_unused_tail_goes);
    tcase_add_test(tcase, the_tail_that_was_used_last_stays_however_big);
    tcase_add_test(tcase, a_tail_that_is_being_read_for_stays);
    tcase_add_test(tcase, a_tail_goes_some_time_after_its_last_use);
    tcase_add_test(tcase, a_topic_that_keeps_no_tail_is_not_counted);
    tcase_add_test(
        tcase, what_is_held_back_beyond_the_bound_goes_from_the_topic_that_holds_more);
    tcase_add_test(tcase, a_place_that_is_cleared_leaves_nothing);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
