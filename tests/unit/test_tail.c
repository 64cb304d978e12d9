/* SPDX-License-Identifier: MIT
 *
 * The end of a topic's sequence, kept for replays.
 */
#include "gateway/sequence.h"

#include <check.h>
#include <stdlib.h>

#include "gateway/frame.h"
#include "sequence_scene.h"

START_TEST(the_tail_has_what_came_since_it_is_kept)
{
    messages(4, 5);
    sequence_keep_tail(&sequence);
    messages(6, 8);
    tail_behind(5, "6 7 8 ");
    tail_behind(7, "8 ");
    tail_behind(8, "");
    tail_behind(4, "no");
    tail_behind(9, "no");
}
END_TEST

START_TEST(without_a_tail_only_the_last_message_is_found)
{
    messages(4, 5);
    tail_behind(5, "");
    tail_behind(4, "no");
    ck_assert_ptr_null(sequence.tail.items);
}
END_TEST

START_TEST(an_id_that_never_was_is_not_found)
{
    sequence_keep_tail(&sequence);
    tail_behind(5, "no"); /* nothing is known yet */
    message(2, 1);
    message(6, 2);
    message(9, 6);
    tail_behind(1, "2 6 9 ");
    tail_behind(4, "no");
    tail_behind(10, "no");
    tail_behind(0, "no");
}
END_TEST

START_TEST(nothing_is_behind_the_id_that_stands_for_none)
{
    HISTORY_EMPTY();
    sequence_keep_tail(&sequence);
    tail_behind(0, "no");
    messages(1, 2);
    tail_behind(0, "no");
    tail_behind(1, "2 ");
}
END_TEST

START_TEST(the_history_is_put_in_front_of_the_tail)
{
    messages(5, 5);
    sequence_keep_tail(&sequence);
    messages(6, 7);
    ck_assert_uint_eq(HISTORY_ALL(2, 3, 4, 5, 6, 7, 8), 1);
    said_is("5 6 7 8 ");
    tail_behind(2, "3 4 5 6 7 8 ");
    tail_behind(6, "7 8 ");
    tail_behind(1, "no");
    ck_assert(sequence.tail_is_all);
}
END_TEST

START_TEST(the_first_history_may_be_all_of_the_tail)
{
    sequence_keep_tail(&sequence);
    HISTORY_ALL(2, 3, 4);
    messages(5, 5);
    said_is("5 ");
    tail_behind(2, "3 4 5 ");
    tail_behind(4, "5 ");
}
END_TEST

START_TEST(a_history_that_does_not_touch_the_tail_leaves_it_as_it_is)
{
    messages(5, 5);
    sequence_keep_tail(&sequence);
    messages(6, 7);
    HISTORY_ALL(6, 7);
    tail_behind(5, "6 7 ");
    tail_behind(6, "7 ");
    HISTORY_ALL(2, 3);
    tail_behind(5, "6 7 ");
    tail_behind(3, "no");
}
END_TEST

START_TEST(a_history_for_the_newest_message_alone_is_not_all_there_is)
{
    sequence_keep_tail(&sequence);
    HISTORY(4);
    tail_behind(4, "");
    ck_assert(!sequence.tail_is_all);
}
END_TEST

START_TEST(the_tail_is_bounded_by_count_and_loses_the_oldest)
{
    limits.items = 3;
    messages(5, 5);
    sequence_keep_tail(&sequence);
    messages(6, 10);
    tail_behind(7, "8 9 10 ");
    tail_behind(6, "no");
    HISTORY_ALL(6, 7, 8, 9, 10);
    tail_behind(7, "8 9 10 ");
    tail_behind(6, "no");
}
END_TEST

START_TEST(the_tail_is_bounded_by_bytes_too)
{
    limits.bytes = 2 * (sizeof(struct sequence_item) + 3);
    sequence_keep_tail(&sequence);
    messages(5, 9);
    tail_behind(7, "8 9 ");
    tail_behind(6, "no");
    limits.bytes = 1;
    message(UNSEEN + 10, 9);
    tail_behind(10, "");
    ck_assert_uint_eq(sequence.tail.bytes, 0);
}
END_TEST

START_TEST(a_dropped_tail_takes_no_memory_and_may_begin_again)
{
    sequence_keep_tail(&sequence);
    HISTORY_ALL(2, 3, 4);
    sequence_drop_tail(&sequence);
    ck_assert_ptr_null(sequence.tail.items);
    ck_assert(!sequence.tail_is_all);
    tail_behind(4, "");
    tail_behind(3, "no");
    messages(5, 5);
    sequence_keep_tail(&sequence);
    messages(6, 6);
    tail_behind(5, "6 ");
    tail_behind(4, "no");
}
END_TEST

START_TEST(keeping_what_is_kept_changes_nothing)
{
    sequence_keep_tail(&sequence);
    messages(4, 6);
    sequence_keep_tail(&sequence);
    tail_behind(4, "5 6 ");
}
END_TEST

START_TEST(a_repair_lengthens_the_tail)
{
    messages(5, 5);
    sequence_keep_tail(&sequence);
    messages(6, 6);
    message(8, 7);
    HISTORY(6, 7, 8, 9);
    tail_behind(5, "6 7 8 9 ");
}
END_TEST

START_TEST(a_gap_ends_the_tail_and_it_begins_again)
{
    sequence_keep_tail(&sequence);
    HISTORY_ALL(2, 3);
    sequence_break(&sequence);
    HISTORY_ALL(7, 8);
    said_is("gap3 ");
    tail_behind(3, "no");
    tail_behind(8, "");
    messages(9, 9);
    tail_behind(8, "9 ");
}
END_TEST

START_TEST(a_message_that_is_only_believed_is_linked_to_nothing_before_it)
{
    messages(1, 5);
    sequence_break(&sequence);
    no_history();
    ck_assert(!message(1, 0));
    sequence_keep_tail(&sequence);
    message(9, 8);
    said_is("1 2 3 4 5 gap5 9 ");
    tail_behind(1, "no");
    tail_behind(5, "no");
    tail_behind(9, "");
}
END_TEST

START_TEST(what_no_client_may_see_has_its_place_in_the_tail)
{
    sequence_keep_tail(&sequence);
    messages(5, 5);
    message(UNSEEN + 6, 5);
    messages(7, 7);
    tail_behind(5, "6 7 ");
    tail_behind(6, "7 ");
}
END_TEST

static void add_tail(TCase *tcase)
{
    tcase_add_test(tcase, the_tail_has_what_came_since_it_is_kept);
    tcase_add_test(tcase, without_a_tail_only_the_last_message_is_found);
    tcase_add_test(tcase, an_id_that_never_was_is_not_found);
    tcase_add_test(tcase, nothing_is_behind_the_id_that_stands_for_none);
    tcase_add_test(tcase, the_history_is_put_in_front_of_the_tail);
    tcase_add_test(tcase, the_first_history_may_be_all_of_the_tail);
    tcase_add_test(tcase, a_history_that_does_not_touch_the_tail_leaves_it_as_it_is);
    tcase_add_test(tcase, a_history_for_the_newest_message_alone_is_not_all_there_is);
    tcase_add_test(tcase, the_tail_is_bounded_by_count_and_loses_the_oldest);
    tcase_add_test(tcase, the_tail_is_bounded_by_bytes_too);
    tcase_add_test(tcase, a_dropped_tail_takes_no_memory_and_may_begin_again);
    tcase_add_test(tcase, keeping_what_is_kept_changes_nothing);
    tcase_add_test(tcase, a_repair_lengthens_the_tail);
    tcase_add_test(tcase, a_gap_ends_the_tail_and_it_begins_again);
    tcase_add_test(tcase, a_message_that_is_only_believed_is_linked_to_nothing_before_it);
    tcase_add_test(tcase, what_no_client_may_see_has_its_place_in_the_tail);
}

int main(void)
{
    Suite *suite = suite_create("tail");
    TCase *tcase = tcase_create("tail");
    tcase_add_checked_fixture(tcase, scene_setup, scene_teardown);
    add_tail(tcase);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
