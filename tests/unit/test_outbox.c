/* SPDX-License-Identifier: MIT */
#include "feeder/outbox.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct outbox *outbox;

static void setup(void)
{
    outbox = outbox_create(4, 3);
    ck_assert_ptr_nonnull(outbox);
}

static void teardown(void)
{
    outbox_destroy(outbox);
}

static void push(const char *channel, const char *payload)
{
    outbox_push(outbox, channel, strlen(channel), payload, strlen(payload));
}

/* With more room than setup() gives it. */
static void enlarge(void)
{
    outbox_destroy(outbox);
    outbox = outbox_create(20, 10);
    ck_assert_ptr_nonnull(outbox);
}

/* Sends the next message, which must be this one. */
static void send(const char *channel, const char *payload)
{
    const struct outbox_message *message = outbox_next(outbox);
    ck_assert_ptr_nonnull(message);
    ck_assert_uint_eq(message->channel_len, strlen(channel));
    ck_assert_uint_eq(message->payload_len, strlen(payload));
    ck_assert_int_eq(memcmp(message->bytes, channel, strlen(channel)), 0);
    const char *bytes = message->bytes + message->channel_len;
    ck_assert_int_eq(memcmp(bytes, payload, strlen(payload)), 0);
    outbox_sent(outbox);
}

static void assert_counts(size_t waiting, size_t in_flight, uint64_t published,
                          uint64_t dropped)
{
    ck_assert_uint_eq(outbox_waiting(outbox), waiting);
    ck_assert_uint_eq(outbox_in_flight(outbox), in_flight);
    ck_assert_uint_eq(outbox_count(outbox, OUTBOX_PUBLISHED), published);
    ck_assert_uint_eq(outbox_count(outbox, OUTBOX_DROPPED), dropped);
}

START_TEST(messages_leave_in_the_order_they_came)
{
    ck_assert_ptr_null(outbox_next(outbox));
    push("a", "1");
    push("b", "2");
    send("a", "1");
    send("b", "2");
    ck_assert_ptr_null(outbox_next(outbox));
    assert_counts(0, 2, 0, 0);
    outbox_answered(outbox, OUTBOX_PUBLISHED);
    outbox_answered(outbox, OUTBOX_PUBLISHED);
    assert_counts(0, 0, 2, 0);
}
END_TEST

START_TEST(no_more_are_in_flight_than_allowed)
{
    push("a", "1");
    push("a", "2");
    push("a", "3");
    push("a", "4");
    send("a", "1");
    send("a", "2");
    send("a", "3");
    ck_assert_ptr_null(outbox_next(outbox));
    outbox_answered(outbox, OUTBOX_PUBLISHED);
    send("a", "4");
}
END_TEST

START_TEST(when_too_many_wait_the_oldest_is_dropped)
{
    push("a", "1");
    send("a", "1");
    push("a", "2");
    push("a", "3");
    push("a", "4");
    push("a", "5");
    push("a", "6");
    assert_counts(4, 1, 0, 1);
    send("a", "3");
}
END_TEST

START_TEST(refused_messages_wait_again_before_the_others)
{
    push("a", "1");
    push("b", "2");
    push("a", "3");
    push("b", "4");
    send("a", "1");
    send("b", "2");
    send("a", "3");
    outbox_refused(outbox);
    ck_assert_ptr_null(outbox_next(outbox));
    outbox_refused(outbox);
    ck_assert_ptr_null(outbox_next(outbox));
    assert_counts(3, 1, 0, 0);
    outbox_refused(outbox);
    assert_counts(4, 0, 0, 0);
    send("a", "1");
    send("b", "2");
    send("a", "3");
    outbox_answered(outbox, OUTBOX_PUBLISHED);
    send("b", "4");
}
END_TEST

START_TEST(a_refused_message_that_a_newer_one_of_its_topic_overtook_is_dropped)
{
    push("a", "1");
    push("b", "2");
    push("a", "3");
    send("a", "1");
    send("b", "2");
    send("a", "3");
    outbox_refused(outbox);
    outbox_refused(outbox);
    outbox_answered(outbox, OUTBOX_PUBLISHED);
    assert_counts(1, 0, 1, 1);
    send("b", "2");
}
END_TEST

START_TEST(refused_messages_are_the_first_to_be_dropped_when_too_many_wait)
{
    push("a", "1");
    push("a", "2");
    send("a", "1");
    send("a", "2");
    push("a", "3");
    push("a", "4");
    push("a", "5");
    outbox_refused(outbox);
    outbox_refused(outbox);
    assert_counts(4, 0, 0, 1);
    send("a", "2");
}
END_TEST

START_TEST(a_rejected_message_is_not_sent_again)
{
    push("a", "1");
    push("b", "2");
    send("a", "1");
    send("b", "2");
    outbox_refused(outbox);
    outbox_answered(outbox, OUTBOX_REJECTED);
    assert_counts(1, 0, 0, 0);
    ck_assert_uint_eq(outbox_count(outbox, OUTBOX_REJECTED), 1);
    send("a", "1");
}
END_TEST

/* Messages in doubt. Entry N of a history has the id N-0. */

static struct feed_id id(uint64_t ms)
{
    return (struct feed_id){ms, 0};
}

/* Pushes and sends messages on channel "a", whose payloads are the characters. */
static void fly(const char *payloads)
{
    enlarge();
    for (const char *at = payloads; *at != '\0'; at++) {
        const char payload[] = {*at, '\0'};
        push("a", payload);
        send("a", payload);
    }
}

/* Shows the channel that is to be judged, which must be this one, its history. */
static void show(const char *channel, uint64_t first, const char *payloads)
{
    const struct outbox_message *doubt = outbox_doubt(outbox);
    ck_assert_ptr_nonnull(doubt);
    ck_assert_uint_eq(doubt->channel_len, strlen(channel));
    ck_assert_int_eq(memcmp(doubt->bytes, channel, strlen(channel)), 0);
    for (const char *at = payloads; *at != '\0'; at++) {
        outbox_seen(outbox, id(first++), at, 1);
    }
}

static void assert_sends(const char *payloads)
{
    for (const char *at = payloads; *at != '\0'; at++) {
        const char payload[] = {*at, '\0'};
        send("a", payload);
    }
    ck_assert_ptr_null(outbox_next(outbox));
}

static void assert_judged(uint64_t published, uint64_t unknown, uint64_t dropped)
{
    ck_assert_ptr_null(outbox_doubt(outbox));
    ck_assert_uint_eq(outbox_in_doubt(outbox), 0);
    ck_assert_uint_eq(outbox_in_flight(outbox), 0);
    ck_assert_uint_eq(outbox_count(outbox, OUTBOX_PUBLISHED), published);
    ck_assert_uint_eq(outbox_count(outbox, OUTBOX_UNKNOWN), unknown);
    ck_assert_uint_eq(outbox_count(outbox, OUTBOX_DROPPED), dropped);
}

START_TEST(what_has_no_answer_is_in_doubt_and_waits)
{
    fly("123");
    outbox_answered(outbox, OUTBOX_PUBLISHED);
    push("b", "4");
    outbox_lost(outbox);
    assert_counts(3, 0, 1, 0);
    ck_assert_uint_eq(outbox_in_doubt(outbox), 2);
    ck_assert_ptr_null(outbox_next(outbox));
}
END_TEST

START_TEST(losing_a_connection_with_nothing_in_flight_is_no_doubt)
{
    push("a", "1");
    outbox_lost(outbox);
    ck_assert_ptr_null(outbox_doubt(outbox));
    assert_counts(1, 0, 0, 0);
    send("a", "1");
}
END_TEST

START_TEST(what_the_history_has_was_published_and_the_rest_goes_again_first)
{
    fly("1234");
    push("a", "5");
    outbox_lost(outbox);
    show("a", 7, "12");
    ck_assert(!outbox_all_seen(outbox));
    outbox_judge(outbox, id(6), id(6));
    assert_judged(2, 0, 0);
    assert_sends("345");
}
END_TEST

START_TEST(all_may_have_been_published)
{
    fly("123");
    outbox_lost(outbox);
    show("a", 7, "12");
    ck_assert(!outbox_all_seen(outbox));
    show("a", 9, "3");
    ck_assert(outbox_all_seen(outbox));
    outbox_judge(outbox, id(6), id(1));
    assert_judged(3, 0, 0);
    ck_assert_uint_eq(outbox_waiting(outbox), 0);
}
END_TEST

START_TEST(entries_of_others_do_not_matter)
{
    fly("1234");
    outbox_lost(outbox);
    show("a", 7, "x1yz2x");
    outbox_judge(outbox, id(6), id(6));
    assert_judged(2, 0, 0);
    assert_sends("34");
}
END_TEST

START_TEST(equal_payloads_count_one_by_one)
{
    fly("11112");
    outbox_lost(outbox);
    show("a", 7, "11");
    outbox_judge(outbox, id(6), id(6));
    assert_judged(2, 0, 0);
    assert_sends("112");
}
END_TEST

START_TEST(payloads_and_channels_are_compared_whole)
{
    enlarge();
    push("a", "1");
    push("ab", "1");
    push("a", "12");
    send("a", "1");
    send("ab", "1");
    send("a", "12");
    outbox_lost(outbox);
    show("a", 7, "1");
    ck_assert(!outbox_all_seen(outbox));
    outbox_seen(outbox, id(8), "12", 2);
    ck_assert(outbox_all_seen(outbox));
    outbox_judge(outbox, id(6), id(6));
    show("ab", 1, "");
    outbox_judge(outbox, id(6), id(6));
    assert_judged(2, 0, 0);
    send("ab", "1");
}
END_TEST

START_TEST(channels_are_judged_one_by_one_and_order_is_kept)
{
    enlarge();
    push("a", "1");
    push("b", "1");
    push("a", "2");
    push("b", "2");
    push("c", "1");
    send("a", "1");
    send("b", "1");
    send("a", "2");
    send("b", "2");
    send("c", "1");
    outbox_lost(outbox);
    show("a", 7, "1");
    outbox_judge(outbox, id(6), id(6));
    ck_assert_uint_eq(outbox_in_doubt(outbox), 5);
    show("b", 3, "1");
    outbox_judge(outbox, id(2), id(1));
    ck_assert_ptr_null(outbox_next(outbox));
    show("c", 3, "");
    outbox_judge(outbox, id(0), id(0));
    assert_judged(2, 0, 0);
    send("a", "2");
    send("b", "2");
    send("c", "1");
}
END_TEST

/* Nothing is left of the base; and nothing ever left the history, so there never was. */
START_TEST(where_the_history_was_lost_all_goes_again)
{
    fly("123");
    outbox_lost(outbox);
    show("a", 7, "");
    outbox_judge(outbox, id(6), id(0));
    assert_judged(0, 0, 0);
    assert_sends("123");
}
END_TEST

/* It must have been refused: Redis carries out what it reads in order. */
START_TEST(one_that_is_missing_before_a_newer_one_is_too_late)
{
    fly("1234");
    outbox_lost(outbox);
    show("a", 7, "13");
    outbox_judge(outbox, id(6), id(6));
    assert_judged(2, 0, 1);
    assert_sends("4");
}
END_TEST

START_TEST(one_refused_before_the_loss_is_too_late_if_a_newer_one_was_published)
{
    fly("123");
    outbox_refused(outbox);
    push("b", "1");
    outbox_lost(outbox);
    assert_counts(4, 0, 0, 0);
    show("a", 7, "2");
    outbox_judge(outbox, id(6), id(6));
    assert_judged(1, 0, 1);
    send("a", "3");
    send("b", "1");
}
END_TEST

START_TEST(one_refused_before_the_loss_goes_again_first)
{
    fly("123");
    outbox_refused(outbox);
    outbox_lost(outbox);
    show("a", 7, "");
    outbox_judge(outbox, id(6), id(6));
    assert_judged(0, 0, 0);
    assert_sends("123");
}
END_TEST

/* The entry 8 is the oldest: what was before it may have been anything, but ours were
 * carried out before the one that is still there. */
START_TEST(what_left_the_history_before_one_that_is_there_was_published)
{
    fly("1234");
    outbox_lost(outbox);
    show("a", 8, "x3y");
    outbox_judge(outbox, id(2), id(8));
    assert_judged(3, 0, 0);
    assert_sends("4");
}
END_TEST

START_TEST(where_entries_may_be_missing_and_none_is_ours_all_stay_unknown)
{
    fly("12");
    push("a", "3");
    outbox_lost(outbox);
    show("a", 8, "xyz");
    outbox_judge(outbox, id(6), id(8));
    assert_judged(0, 2, 0);
    assert_sends("3");
}
END_TEST

START_TEST(where_what_was_seen_last_has_left_meanwhile_newer_ones_stay_unknown)
{
    fly("123");
    outbox_lost(outbox);
    show("a", 8, "1x");
    outbox_judge(outbox, id(6), id(9));
    assert_judged(1, 2, 0);
    ck_assert_uint_eq(outbox_waiting(outbox), 0);
}
END_TEST

START_TEST(a_loss_amid_the_judging_begins_the_channel_anew)
{
    enlarge();
    push("b", "1");
    push("a", "1");
    push("a", "1");
    push("a", "2");
    send("b", "1");
    send("a", "1");
    send("a", "1");
    send("a", "2");
    outbox_lost(outbox);
    show("b", 3, "1");
    outbox_judge(outbox, id(2), id(1));
    show("a", 7, "1");
    outbox_lost(outbox);
    ck_assert_uint_eq(outbox_in_doubt(outbox), 4);
    show("a", 7, "1");
    outbox_judge(outbox, id(6), id(6));
    assert_judged(2, 0, 0);
    assert_sends("12");
}
END_TEST

START_TEST(a_message_can_be_in_doubt_again_and_again)
{
    fly("123");
    outbox_lost(outbox);
    show("a", 7, "1");
    outbox_judge(outbox, id(6), id(6));
    assert_sends("23");
    outbox_lost(outbox);
    show("a", 8, "2");
    outbox_judge(outbox, id(7), id(6));
    assert_judged(2, 0, 0);
    assert_sends("3");
    outbox_answered(outbox, OUTBOX_PUBLISHED);
    assert_judged(3, 0, 0);
}
END_TEST

START_TEST(what_goes_again_is_the_first_to_be_dropped_when_too_many_wait)
{
    push("a", "1");
    push("a", "2");
    send("a", "1");
    send("a", "2");
    outbox_lost(outbox);
    push("a", "3");
    push("a", "4");
    push("a", "5");
    show("a", 7, "");
    outbox_judge(outbox, id(6), id(6));
    assert_counts(4, 0, 0, 1);
    send("a", "2");
}
END_TEST

START_TEST(what_is_abandoned_is_dropped_or_unknown)
{
    enlarge();
    push("a", "1");
    push("b", "2");
    push("a", "3");
    push("c", "4");
    send("a", "1");
    send("b", "2");
    send("a", "3");
    outbox_refused(outbox);
    outbox_answered(outbox, OUTBOX_PUBLISHED);
    outbox_lost(outbox);
    ck_assert_uint_eq(outbox_abandon(outbox), 3);
    assert_counts(0, 0, 1, 2);
    ck_assert_uint_eq(outbox_count(outbox, OUTBOX_UNKNOWN), 1);
    ck_assert_ptr_null(outbox_doubt(outbox));
    ck_assert_ptr_null(outbox_next(outbox));
    push("a", "5");
    send("a", "5");
    outbox_answered(outbox, OUTBOX_PUBLISHED);
    assert_counts(0, 0, 2, 2);
    ck_assert_uint_eq(outbox_abandon(outbox), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outbox");
    TCase *tcase = tcase_create("outbox");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, messages_leave_in_the_order_they_came);
    tcase_add_test(tcase, no_more_are_in_flight_than_allowed);
    tcase_add_test(tcase, when_too_many_wait_the_oldest_is_dropped);
    tcase_add_test(tcase, refused_messages_wait_again_before_the_others);
    tcase_add_test(tcase,
                   a_refused_message_that_a_newer_one_of_its_topic_overtook_is_dropped);
    tcase_add_test(tcase,
                   refused_messages_are_the_first_to_be_dropped_when_too_many_wait);
    tcase_add_test(tcase, a_rejected_message_is_not_sent_again);
    tcase_add_test(tcase, what_is_abandoned_is_dropped_or_unknown);
    suite_add_tcase(suite, tcase);

    TCase *doubt = tcase_create("doubt");
    tcase_add_checked_fixture(doubt, setup, teardown);
    tcase_add_test(doubt, what_has_no_answer_is_in_doubt_and_waits);
    tcase_add_test(doubt, losing_a_connection_with_nothing_in_flight_is_no_doubt);
    tcase_add_test(doubt,
                   what_the_history_has_was_published_and_the_rest_goes_again_first);
    tcase_add_test(doubt, all_may_have_been_published);
    tcase_add_test(doubt, entries_of_others_do_not_matter);
    tcase_add_test(doubt, equal_payloads_count_one_by_one);
    tcase_add_test(doubt, payloads_and_channels_are_compared_whole);
    tcase_add_test(doubt, channels_are_judged_one_by_one_and_order_is_kept);
    tcase_add_test(doubt, where_the_history_was_lost_all_goes_again);
    tcase_add_test(doubt, one_that_is_missing_before_a_newer_one_is_too_late);
    tcase_add_test(doubt,
                   one_refused_before_the_loss_is_too_late_if_a_newer_one_was_published);
    tcase_add_test(doubt, one_refused_before_the_loss_goes_again_first);
    tcase_add_test(doubt, what_left_the_history_before_one_that_is_there_was_published);
    tcase_add_test(doubt, where_entries_may_be_missing_and_none_is_ours_all_stay_unknown);
    tcase_add_test(doubt,
                   where_what_was_seen_last_has_left_meanwhile_newer_ones_stay_unknown);
    tcase_add_test(doubt, a_loss_amid_the_judging_begins_the_channel_anew);
    tcase_add_test(doubt, a_message_can_be_in_doubt_again_and_again);
    tcase_add_test(doubt, what_goes_again_is_the_first_to_be_dropped_when_too_many_wait);
    suite_add_tcase(suite, doubt);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
