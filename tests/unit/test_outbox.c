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

/* Sends the next message, which must be this one. */
static void send(const char *channel, const char *payload)
{
    const struct outbox_message *message = outbox_next(outbox);
    ck_assert_ptr_nonnull(message);
    ck_assert_uint_eq(message->channel_len, strlen(channel));
    ck_assert_uint_eq(message->payload_len, strlen(payload));
    ck_assert_mem_eq(message->bytes, channel, message->channel_len);
    ck_assert_mem_eq(message->bytes + message->channel_len, payload,
                     message->payload_len);
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

START_TEST(a_lost_answer_is_counted_and_the_message_is_not_sent_again)
{
    push("a", "1");
    send("a", "1");
    outbox_answered(outbox, OUTBOX_UNKNOWN);
    ck_assert_ptr_null(outbox_next(outbox));
    assert_counts(0, 0, 0, 0);
    ck_assert_uint_eq(outbox_count(outbox, OUTBOX_UNKNOWN), 1);
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

int main(void)
{
    Suite *suite = suite_create("outbox");
    TCase *tcase = tcase_create("outbox");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, messages_leave_in_the_order_they_came);
    tcase_add_test(tcase, no_more_are_in_flight_than_allowed);
    tcase_add_test(tcase, when_too_many_wait_the_oldest_is_dropped);
    tcase_add_test(tcase, a_lost_answer_is_counted_and_the_message_is_not_sent_again);
    tcase_add_test(tcase, refused_messages_wait_again_before_the_others);
    tcase_add_test(tcase,
                   a_refused_message_that_a_newer_one_of_its_topic_overtook_is_dropped);
    tcase_add_test(tcase,
                   refused_messages_are_the_first_to_be_dropped_when_too_many_wait);
    tcase_add_test(tcase, a_rejected_message_is_not_sent_again);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
