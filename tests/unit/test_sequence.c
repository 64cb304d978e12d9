/* SPDX-License-Identifier: MIT
 *
 * What comes next, and what is missing.
 */
#include "gateway/sequence.h"

#include <check.h>
#include <stdlib.h>

#include "sequence_scene.h"

/* ---- messages -----------------------------------------------------------------------
 */

START_TEST(the_first_message_is_delivered_whatever_came_before_it)
{
    ck_assert(message(5, 4));
    said_is("5 ");
    is_whole();
    newest_is(5);
}
END_TEST

START_TEST(a_message_that_names_the_last_one_is_the_next)
{
    message(5, 0);
    message(6, 5);
    message(90, 6);
    said_is("5 6 90 ");
    newest_is(90);
}
END_TEST

START_TEST(what_was_delivered_before_is_dropped)
{
    messages(5, 6);
    ck_assert(!message(6, 5));
    ck_assert(!message(5, 4));
    ck_assert(!message(3, 2));
    messages(7, 7);
    said_is("5 6 7 ");
}
END_TEST

START_TEST(a_message_behind_a_loss_is_held_back_until_the_history_is_read)
{
    messages(5, 5);
    ck_assert(message(7, 6));
    said_is("5 ");
    is_broken_behind(5);
    newest_is(5);
    ck_assert_uint_eq(HISTORY(5, 6, 7), 2);
    said_is("6 7 ");
    is_whole();
    ck_assert(!message(7, 6));
    messages(8, 8);
    said_is("8 ");
}
END_TEST

START_TEST(what_the_history_did_not_have_yet_is_taken_from_what_was_held)
{
    messages(5, 5);
    message(7, 6);
    message(8, 7);
    ck_assert_uint_eq(HISTORY(5, 6), 1);
    said_is("5 6 7 8 ");
    is_whole();
    newest_is(8);
}
END_TEST

START_TEST(a_history_that_is_ahead_of_the_messages_makes_them_repeated)
{
    messages(5, 5);
    message(7, 6);
    HISTORY(5, 6, 7, 8, 9);
    ck_assert(!message(8, 7));
    ck_assert(!message(9, 8));
    messages(10, 10);
    said_is("5 6 7 8 9 10 ");
}
END_TEST

START_TEST(a_second_loss_among_the_held_asks_for_the_history_again)
{
    messages(5, 5);
    message(7, 6);
    message(9, 8);
    HISTORY(5, 6, 7);
    said_is("5 6 7 ");
    is_broken_behind(7);
    HISTORY(7, 8);
    said_is("8 9 ");
    is_whole();
}
END_TEST

START_TEST(a_suspected_loss_that_was_none_delivers_nothing_twice)
{
    messages(5, 5);
    sequence_break(&sequence);
    is_broken_behind(5);
    message(6, 5);
    message(5, 4);
    said_is("5 ");
    ck_assert_uint_eq(HISTORY(5, 6), 1);
    said_is("6 ");
    is_whole();
}
END_TEST

START_TEST(what_was_held_before_a_break_is_read_again)
{
    messages(5, 5);
    message(7, 6);
    sequence_break(&sequence);
    ck_assert_uint_eq(sequence.held.count, 0);
    HISTORY(5, 6, 7, 8);
    said_is("5 6 7 8 ");
    is_whole();
}
END_TEST

START_TEST(where_nothing_was_known_nothing_can_be_missed)
{
    sequence_break(&sequence);
    ck_assert(!sequence.known && !sequence.broken);
    messages(5, 5);
    said_is("5 ");
}
END_TEST

START_TEST(more_than_may_be_held_back_is_read_from_the_history_instead)
{
    limits.items = 2;
    messages(5, 5);
    message(7, 6);
    message(8, 7);
    message(9, 8);
    ck_assert_uint_eq(sequence.held.count, 0);
    HISTORY(5, 6, 7);
    said_is("5 6 7 ");
    is_broken_behind(7);
    message(10, 9);
    HISTORY(7, 8, 9);
    said_is("8 9 10 ");
    is_whole();
}
END_TEST

START_TEST(what_is_held_back_is_bounded_in_bytes_too)
{
    limits.bytes = 3 * (sizeof(struct sequence_item) + 3) - 1;
    messages(5, 5);
    message(7, 6);
    message(8, 7);
    ck_assert_uint_eq(sequence.held.count, 2);
    message(9, 8);
    ck_assert_uint_eq(sequence.held.count, 0);
}
END_TEST

START_TEST(a_message_that_no_client_may_see_keeps_its_place)
{
    messages(5, 5);
    ck_assert(message(UNSEEN + 6, 5));
    newest_is(5);
    messages(7, 7);
    sequence_break(&sequence);
    ck_assert_uint_eq(HISTORY(7, UNSEEN + 8, 9), 2);
    said_is("5 7 9 ");
}
END_TEST

/* ---- the history --------------------------------------------------------------------
 */

START_TEST(the_first_history_tells_where_we_are_and_delivers_nothing)
{
    ck_assert_uint_eq(HISTORY(3), 0);
    newest_is(3);
    ck_assert(!message(3, 2));
    messages(4, 4);
    said_is("4 ");
    is_whole();
}
END_TEST

START_TEST(behind_the_first_history_a_loss_shows)
{
    HISTORY(3);
    message(5, 4);
    is_broken_behind(3);
    HISTORY(3, 4, 5);
    said_is("4 5 ");
}
END_TEST

START_TEST(an_empty_history_waits_for_the_first_message)
{
    HISTORY_EMPTY();
    newest_is(0);
    ck_assert(sequence.known);
    messages(1, 2);
    said_is("1 2 ");
    is_whole();
}
END_TEST

START_TEST(while_nothing_was_ever_published_a_break_mends_itself)
{
    HISTORY_EMPTY();
    sequence_break(&sequence);
    HISTORY_EMPTY();
    said_is("");
    is_whole();
}
END_TEST

START_TEST(the_whole_of_a_history_that_was_empty_is_no_gap)
{
    HISTORY_EMPTY();
    message(3, 2);
    is_broken_behind(0);
    ck_assert_uint_eq(HISTORY_WHOLE(1, 2, 3), 3);
    said_is("1 2 3 ");
    is_whole();
}
END_TEST

START_TEST(of_a_history_that_was_empty_the_first_entries_may_be_missing)
{
    HISTORY_EMPTY();
    sequence_break(&sequence);
    HISTORY(2, 3);
    said_is("gap0 ");
    newest_is(3);
}
END_TEST

START_TEST(what_no_history_has_when_it_was_asked_twice_is_thrown_away)
{
    messages(5, 5);
    message(8, 7); /* and 7 was never kept */
    HISTORY(5);
    said_is("5 ");
    is_broken_behind(5);
    HISTORY(5);
    said_is("unlinked ");
    newest_is(5);
    is_whole();
    messages(6, 6);
    said_is("6 ");
    is_whole();
}
END_TEST

START_TEST(what_was_held_and_let_go_is_read_from_the_history)
{
    messages(5, 5);
    message(7, 6);
    sequence_drop_held(&sequence);
    HISTORY(5, 6, 7);
    said_is("5 6 7 ");
    is_broken_behind(7); /* there may have been more */
    HISTORY(7);
    is_whole();
}
END_TEST

START_TEST(a_history_ahead_of_the_messages_is_delivered)
{
    messages(5, 5);
    ck_assert_uint_eq(HISTORY(4, 5, 6, 7), 2);
    ck_assert(!message(6, 5));
    ck_assert(!message(7, 6));
    said_is("5 6 7 ");
}
END_TEST

START_TEST(a_whole_sequence_is_not_disturbed_by_what_does_not_touch_it)
{
    messages(5, 5);
    ck_assert_uint_eq(HISTORY(4), 0);    /* read before 5 was published */
    ck_assert_uint_eq(HISTORY(8, 9), 0); /* 6 and 7 are on their way */
    newest_is(5);
    messages(6, 6);
    said_is("5 6 ");
    is_whole();
}
END_TEST

START_TEST(where_the_history_no_longer_reaches_back_there_is_a_gap)
{
    messages(5, 5);
    message(8, 7);
    ck_assert_uint_eq(HISTORY(7, 8), 0);
    said_is("5 gap5 ");
    newest_is(8);
    is_whole();
    ck_assert(!message(7, 6));
    messages(9, 9);
    said_is("9 ");
}
END_TEST

START_TEST(behind_a_gap_what_was_held_goes_on)
{
    messages(5, 5);
    message(8, 7);
    message(9, 8);
    message(10, 9);
    HISTORY(7, 8);
    said_is("5 gap5 9 10 ");
    is_whole();
}
END_TEST

START_TEST(a_history_that_is_gone_is_a_gap_without_a_newest_message)
{
    messages(5, 5);
    sequence_break(&sequence);
    HISTORY_EMPTY();
    said_is("5 gap5 ");
    newest_is(0);
    messages(6, 6);
    is_broken_behind(0);
    HISTORY(6);
    said_is("gap5 ");
    newest_is(6);
}
END_TEST

START_TEST(a_new_history_may_begin_behind_the_one_that_was_lost)
{
    messages(5, 5);
    sequence_break(&sequence);
    HISTORY_EMPTY();
    message(6, 0);
    messages(7, 7);
    said_is("5 gap5 6 7 ");
    is_whole();
}
END_TEST

START_TEST(ids_go_up_though_the_history_was_set_back)
{
    messages(9, 10);
    sequence_break(&sequence);
    HISTORY(4, 5);
    said_is("9 10 gap10 ");
    newest_is(10);
    ck_assert(!message(7, 5));
    sequence_break(&sequence);
    HISTORY(5, 7, 8);
    said_is("");
    is_whole();
    message(11, 8);
    said_is("11 ");
    is_whole();
}
END_TEST

START_TEST(a_history_that_cannot_be_read_is_a_gap_after_a_loss)
{
    messages(5, 5);
    message(7, 6);
    message(8, 7);
    no_history();
    said_is("5 gap5 7 8 ");
    is_whole();
    message(10, 9);
    is_broken_behind(8);
}
END_TEST

START_TEST(without_a_readable_history_the_next_message_is_believed)
{
    no_history();
    newest_is(0);
    message(5, 4);
    messages(6, 6);
    said_is("5 6 ");
    sequence_break(&sequence);
    no_history();
    message(9, 8);
    said_is("gap6 9 ");
    is_whole();
    message(11, 10);
    is_broken_behind(9);
}
END_TEST

START_TEST(an_unreadable_history_does_not_hide_a_loss)
{
    messages(5, 5);
    no_history();
    said_is("5 ");
    message(7, 6);
    said_is("");
    is_broken_behind(5);
}
END_TEST

START_TEST(a_history_that_can_be_read_again_is_believed_alone)
{
    no_history();
    sequence_break(&sequence);
    HISTORY(7, 8);
    newest_is(8);
    said_is("gap0 ");
    message(10, 9);
    said_is("");
    is_broken_behind(8);
}
END_TEST

static void add_messages(TCase *tcase)
{
    tcase_add_test(tcase, the_first_message_is_delivered_whatever_came_before_it);
    tcase_add_test(tcase, a_message_that_names_the_last_one_is_the_next);
    tcase_add_test(tcase, what_was_delivered_before_is_dropped);
    tcase_add_test(tcase, a_message_behind_a_loss_is_held_back_until_the_history_is_read);
    tcase_add_test(tcase, what_the_history_did_not_have_yet_is_taken_from_what_was_held);
    tcase_add_test(tcase, a_history_that_is_ahead_of_the_messages_makes_them_repeated);
    tcase_add_test(tcase, a_second_loss_among_the_held_asks_for_the_history_again);
    tcase_add_test(tcase, a_suspected_loss_that_was_none_delivers_nothing_twice);
    tcase_add_test(tcase, what_was_held_before_a_break_is_read_again);
    tcase_add_test(tcase, where_nothing_was_known_nothing_can_be_missed);
    tcase_add_test(tcase, more_than_may_be_held_back_is_read_from_the_history_instead);
    tcase_add_test(tcase, what_is_held_back_is_bounded_in_bytes_too);
    tcase_add_test(tcase, a_message_that_no_client_may_see_keeps_its_place);
}

static void add_history(TCase *tcase)
{
    tcase_add_test(tcase, the_first_history_tells_where_we_are_and_delivers_nothing);
    tcase_add_test(tcase, behind_the_first_history_a_loss_shows);
    tcase_add_test(tcase, an_empty_history_waits_for_the_first_message);
    tcase_add_test(tcase, while_nothing_was_ever_published_a_break_mends_itself);
    tcase_add_test(tcase, the_whole_of_a_history_that_was_empty_is_no_gap);
    tcase_add_test(tcase, of_a_history_that_was_empty_the_first_entries_may_be_missing);
    tcase_add_test(tcase, what_no_history_has_when_it_was_asked_twice_is_thrown_away);
    tcase_add_test(tcase, what_was_held_and_let_go_is_read_from_the_history);
    tcase_add_test(tcase, a_history_ahead_of_the_messages_is_delivered);
    tcase_add_test(tcase, a_whole_sequence_is_not_disturbed_by_what_does_not_touch_it);
    tcase_add_test(tcase, where_the_history_no_longer_reaches_back_there_is_a_gap);
    tcase_add_test(tcase, behind_a_gap_what_was_held_goes_on);
    tcase_add_test(tcase, a_history_that_is_gone_is_a_gap_without_a_newest_message);
    tcase_add_test(tcase, a_new_history_may_begin_behind_the_one_that_was_lost);
    tcase_add_test(tcase, ids_go_up_though_the_history_was_set_back);
    tcase_add_test(tcase, a_history_that_cannot_be_read_is_a_gap_after_a_loss);
    tcase_add_test(tcase, without_a_readable_history_the_next_message_is_believed);
    tcase_add_test(tcase, an_unreadable_history_does_not_hide_a_loss);
    tcase_add_test(tcase, a_history_that_can_be_read_again_is_believed_alone);
}

int main(void)
{
    Suite *suite = suite_create("sequence");
    TCase *tcase = tcase_create("sequence");
    tcase_add_checked_fixture(tcase, scene_setup, scene_teardown);
    add_messages(tcase);
    add_history(tcase);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
