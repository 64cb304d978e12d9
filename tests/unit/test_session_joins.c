/* SPDX-License-Identifier: MIT
 *
 * What a subscription begins with, what a loss of Redis looks like, and the farewell.
 */
#include "gateway/session.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/proto.h"
#include "session_scene.h"

/* The client holds the topic, whose history has this many messages. */
static void hold(const char *topic, int messages, const char *subscribe, const char *ack)
{
    for (int i = 0; i < messages; i++) {
        message_elsewhere(topic);
    }
    play(say(subscribe), opened(topic), hear(ack));
}

static void tell_status(void)
{
    struct frame *status = proto_status(env.degraded, env.wall_us);
    session_tell(session, status);
    frame_unref(status);
}

#define HOLD(topic, messages) hold(topic, messages, SUB_SNAP(topic, "false"), ACK(topic))

/* ---- snapshots ----------------------------------------------------------------------
 */

START_TEST(a_subscription_begins_with_the_newest_message_of_the_history)
{
    message_elsewhere(A);
    message_elsewhere(A);
    play(say(SUB(A)), confirmed(A), silence(), answered(), hear(ACK(A)),
         hear(SNAP(A, "2")), message(A), hear(MSG(A, "3")));
}
END_TEST

START_TEST(without_a_history_there_is_no_snapshot)
{
    play(say(SUB_SNAP(A, "true")), opened(A), hear(ACK(A)), publish(A), hear(DATA(A)),
         message(A), hear(MSG(A, "1")));
}
END_TEST

START_TEST(who_wants_no_snapshot_gets_none_and_misses_nothing_behind_the_ack)
{
    message_elsewhere(A);
    play(say(SUB_SNAP(A, "false")), confirmed(A), silence(), answered(), hear(ACK(A)),
         message_elsewhere(A), message(A), silence(), answered(), hear(MSG(A, "2")),
         hear(MSG(A, "3")));
}
END_TEST

START_TEST(what_is_published_while_the_history_is_read_comes_once)
{
    message_elsewhere(A);
    play(say(SUB(A)), confirmed(A), message(A), silence(), answered(), hear(ACK(A)),
         hear(SNAP(A, "2")), message(A), hear(MSG(A, "3")));
}
END_TEST

START_TEST(the_next_subscriber_gets_the_newest_message_without_redis)
{
    message_elsewhere(A);
    play(say(SUB(A)), opened(A), hear(ACK(A)), hear(SNAP(A, "1")), message(A),
         hear(MSG(A, "2")));
    begin(1);
    play(say(SUB(A)), hear(ACK(A)), hear(SNAP(A, "2")), channels_are("+" A " "));
    ck_assert_uint_eq(stats.history_reads_total, 1);
}
END_TEST

START_TEST(a_topic_left_and_taken_again_soon_costs_redis_nothing)
{
    message_elsewhere(A);
    play(say(SUB(A)), opened(A), hear(ACK(A)), hear(SNAP(A, "1")), say(UNSUB(A)),
         hear(UNACK(A)), pass(LINGER_MS - 1), message(A), silence(), say(SUB(A)),
         hear(ACK(A)), hear(SNAP(A, "2")), pass(LINGER_MS), channels_are("+" A " "));
    ck_assert_uint_eq(stats.history_reads_total, 1);
}
END_TEST

/* ---- since --------------------------------------------------------------------------
 */

START_TEST(whoever_says_what_it_saw_last_gets_all_behind_that)
{
    for (int i = 0; i < 3; i++) {
        message_elsewhere(A);
    }
    play(say(SUB_SINCE(A, "1")), confirmed(A), silence(), answered(), hear(RECOVERED(A)),
         hear(MSG(A, "2")), hear(MSG(A, "3")), message(A), hear(MSG(A, "4")));
    ck_assert_uint_eq(stats.replays[STATS_REPLAY_RECOVERED], 1);
    ck_assert_uint_eq(stats.replays[STATS_REPLAY_NOT_RECOVERED], 0);
}
END_TEST

START_TEST(whoever_missed_nothing_is_told_so)
{
    message_elsewhere(A);
    play(say(SUB_SINCE(A, "1")), opened(A), hear(RECOVERED(A)), message(A),
         hear(MSG(A, "2")));
}
END_TEST

START_TEST(a_replay_and_the_messages_that_come_meanwhile_join_exactly)
{
    message_elsewhere(A);
    message_elsewhere(A);
    play(say(SUB_SINCE(A, "1")), confirmed(A), message(A), message(A), silence(),
         answered(), hear(RECOVERED(A)), hear(MSG(A, "2")), hear(MSG(A, "3")),
         hear(MSG(A, "4")), message(A), hear(MSG(A, "5")));
}
END_TEST

START_TEST(what_the_history_no_longer_has_is_not_recovered_and_a_snapshot_follows)
{
    for (int i = 0; i < 5; i++) {
        message_elsewhere(A);
    }
    trim(A);
    play(say(SUB_SINCE(A, "3")), opened(A), hear(NOT_RECOVERED(A)), hear(SNAP(A, "5")),
         message(A), hear(MSG(A, "6")));
    ck_assert_uint_eq(stats.replays[STATS_REPLAY_RECOVERED], 0);
    ck_assert_uint_eq(stats.replays[STATS_REPLAY_NOT_RECOVERED], 1);
}
END_TEST

START_TEST(an_id_that_never_was_is_not_recovered)
{
    message_elsewhere(A);
    play(say(SUB_SINCE(A, "7")), opened(A), hear(NOT_RECOVERED(A)), hear(SNAP(A, "1")),
         say(SUB_SINCE(B, "1")), opened(B), hear(NOT_RECOVERED(B)), message(B),
         hear(MSG(B, "1")));
}
END_TEST

START_TEST(who_wants_no_snapshot_gets_none_instead_of_a_replay_either)
{
    message_elsewhere(A);
    play(say("{'type':'subscribe','topic':'" A "','since':'7-0','snapshot':false}"),
         opened(A), hear(NOT_RECOVERED(A)), message(A), hear(MSG(A, "2")));
}
END_TEST

START_TEST(what_was_seen_at_a_gateway_ahead_of_this_one_is_recovered)
{
    hold(A, 3, SUB_SINCE(A, "3"), RECOVERED(A));
    message_elsewhere(A);
    message_elsewhere(A); /* both are still on their way to us */
    begin(1);
    play(say(SUB_SINCE(A, "4")), answered(), hear(RECOVERED(A)), hear(MSG(A, "5")));
    session = &sessions[0];
    play(hear(MSG(A, "4")), hear(MSG(A, "5")));
}
END_TEST

START_TEST(the_request_id_stands_behind_what_became_of_since)
{
    message_elsewhere(A);
    play(say("{'type':'subscribe','topic':'" A "','since':'1-0','request_id':9}"),
         opened(A), hear(RECOVERED(A) ",'request_id':9"));
}
END_TEST

START_TEST(since_is_about_one_topic)
{
    play(say("{'type':'subscribe','topics':['" A "'],'since':'1-0'}"), hear(BAD("since")),
         channels_are(""));
}
END_TEST

START_TEST(a_replay_for_which_there_is_no_room_becomes_a_snapshot)
{
    for (int i = 0; i < 20; i++) {
        message_elsewhere(A);
    }
    env.limits.backlog_hard_bytes = 1000;
    play(say(SUB_SINCE(A, "1")), opened(A), hear(NOT_RECOVERED(A)), hear(SNAP(A, "20")),
         is(SESSION_OPEN));
    ck_assert_uint_eq(stats.replays[STATS_REPLAY_NOT_RECOVERED], 1);
    ck_assert_uint_eq(stats.messages_conflated_total, 0);
}
END_TEST

START_TEST(half_of_what_may_wait_is_room_for_replays)
{
    const int64_t bytes = 2 * (int64_t)(2 + strlen(MSG(A, "2") STAMP));
    for (int i = 0; i < 3; i++) {
        message_elsewhere(A);
        message_elsewhere(B);
    }
    env.limits.backlog_hard_bytes = 2 * bytes;
    play(say(SUB_SINCE(A, "1")), opened(A), hear(RECOVERED(A)), hear(MSG(A, "2")),
         hear(MSG(A, "3")));
    env.limits.backlog_hard_bytes--;
    play(say(SUB_SINCE(B, "1")), opened(B), hear(NOT_RECOVERED(B)), hear(SNAP(B, "3")));
}
END_TEST

START_TEST(without_a_readable_history_there_is_neither_snapshot_nor_replay)
{
    message_elsewhere(A);
    message_elsewhere(A);
    play(say(SUB(A)), say(SUB_SINCE(B, "1")), confirmed(A), confirmed(B), silence(),
         refused(), hear(ACK(A)), hear(NOT_RECOVERED(B)), message(A), message(A),
         message(B), hear(MSG(A, "3")), hear(MSG(A, "4")), hear(MSG(B, "1")));
}
END_TEST

/* ---- order --------------------------------------------------------------------------
 */

START_TEST(answers_behind_one_that_waits_keep_their_order)
{
    message_elsewhere(A);
    message_elsewhere(A);
    message_elsewhere(B);
    play(say(SUB_SINCE(A, "1")), say(SUB(B)), say(UNSUB(C)), confirmed(B), answered(),
         message(B), silence(), opened(A), hear(RECOVERED(A)), hear(MSG(A, "2")),
         hear(ACK(B)), hear(SNAP(B, "2")), hear(UNACK(C)), message(B), hear(MSG(B, "3")));
}
END_TEST

START_TEST(histories_are_asked_for_before_their_turn_comes)
{
    message_elsewhere(B);
    message_elsewhere(B);
    play(say(SUB(A)), say(SUB_SINCE(B, "1")), opened(B), silence());
    ck_assert_uint_eq(stats.history_reads_total, 1);
    play(confirmed(A), silence(), answered(), hear(ACK(A)), hear(RECOVERED(B)),
         hear(MSG(B, "2")));
    ck_assert_uint_eq(stats.history_reads_total, 2);
}
END_TEST

START_TEST(a_history_that_is_not_read_in_time_fails_the_subscription)
{
    message_elsewhere(A);
    play(say(SUB_SINCE(A, "1")), say(SUB(B)), opened(B), pass(499), silence(), pass(1),
         hear(UNREACHABLE), hear(ACK(B)), opened(A), message(A), silence());
    ck_assert_uint_eq(hub_subscriptions(env.hub), 1);
}
END_TEST

/* ---- topics that are held -----------------------------------------------------------
 */

START_TEST(a_held_topic_is_only_acknowledged_when_nothing_else_was_said)
{
    HOLD(A, 2);
    play(say(SUB(A)), hear(ACK(A)), say(SUB_SNAP(A, "false")), hear(ACK(A)), message(A),
         hear(MSG(A, "3")));
    ck_assert_uint_eq(stats.history_reads_total, 1);
}
END_TEST

START_TEST(a_held_topic_gives_a_snapshot_to_whoever_asks_for_it)
{
    hold(A, 0, SUB(A), ACK(A));
    play(message(A), hear(MSG(A, "1")), say(SUB_SNAP(A, "true")), hear(ACK(A)),
         hear(SNAP(A, "1")), message(A), hear(MSG(A, "2")));
}
END_TEST

START_TEST(a_held_topic_is_replayed_to_whoever_says_what_it_saw)
{
    HOLD(A, 3);
    play(message(A), hear(MSG(A, "4")), say(SUB_SINCE(A, "2")), silence(), answered(),
         hear(RECOVERED(A)), hear(MSG(A, "3")), hear(MSG(A, "4")), message(A),
         hear(MSG(A, "5")), channels_are("+" A " "));
}
END_TEST

START_TEST(while_a_held_topic_is_read_again_its_messages_wait_for_the_replay)
{
    HOLD(A, 3);
    play(message(A), hear(MSG(A, "4")), say(SUB_SINCE(A, "3")), message(A), message(A),
         silence(), answered(), hear(RECOVERED(A)), hear(MSG(A, "4")), hear(MSG(A, "5")),
         hear(MSG(A, "6")), message(A), hear(MSG(A, "7")));
}
END_TEST

START_TEST(a_replay_does_not_disturb_the_other_subscribers)
{
    HOLD(A, 3);
    begin(1);
    play(say(SUB_SINCE(A, "1")), message(A), answered(), hear(RECOVERED(A)),
         hear(MSG(A, "2")), hear(MSG(A, "3")), hear(MSG(A, "4")), message(A),
         hear(MSG(A, "5")));
    session = &sessions[0];
    play(hear(MSG(A, "4")), hear(MSG(A, "5")));
}
END_TEST

/* ---- Redis away ---------------------------------------------------------------------
 */

START_TEST(what_was_published_while_redis_was_away_is_delivered)
{
    HOLD(A, 3);
    play(message(A), hear(MSG(A, "4")), hub_all_channels_lost(env.hub),
         message_elsewhere(A), message_elsewhere(A), confirmed(A), message(A), silence(),
         answered(), hear(MSG(A, "5")), hear(MSG(A, "6")), hear(MSG(A, "7")), message(A),
         hear(MSG(A, "8")));
    ck_assert_uint_eq(stats.gaps_total, 0);
    ck_assert_uint_eq(stats.repairs_total, 1);
    ck_assert_uint_eq(stats.repaired_messages_total, 3);
}
END_TEST

START_TEST(what_is_lost_for_good_is_a_gap_and_a_snapshot)
{
    HOLD(A, 3);
    play(message(A), hear(MSG(A, "4")), hub_all_channels_lost(env.hub),
         message_elsewhere(A), message_elsewhere(A), trim(A), opened(A),
         hear(GAP(A, "4")), hear(SNAP(A, "6")), message(A), hear(MSG(A, "7")));
    ck_assert_uint_eq(stats.gaps_total, 1);
}
END_TEST

START_TEST(what_is_lost_in_a_history_that_cannot_be_read_is_a_gap)
{
    HOLD(A, 3);
    play(message(A), hear(MSG(A, "4")), hub_all_channels_lost(env.hub),
         message_elsewhere(A), confirmed(A), message(A), silence(), refused(),
         hear(GAP(A, "4")), hear(MSG(A, "6")), message(A), hear(MSG(A, "7")));
    ck_assert(hub_is_whole(env.hub));
}
END_TEST

START_TEST(whoever_holds_a_topic_again_while_redis_is_away_misses_nothing)
{
    HOLD(A, 3);
    play(message(A), hear(MSG(A, "4")), hub_all_channels_lost(env.hub),
         message_elsewhere(A), say(SUB(A)), hear(ACK(A)), pass(1000), silence(),
         opened(A), hear(MSG(A, "5")), message(A), hear(MSG(A, "6")));
}
END_TEST

START_TEST(whoever_comes_while_redis_is_away_waits_until_the_topic_is_whole)
{
    HOLD(A, 3);
    play(message(A), hear(MSG(A, "4")), hub_all_channels_lost(env.hub),
         message_elsewhere(A));
    begin(1);
    play(say(SUB_SINCE(A, "4")), confirmed(A), silence(), answered(), hear(RECOVERED(A)),
         hear(MSG(A, "5")), message(A), hear(MSG(A, "6")));
    session = &sessions[0];
    play(hear(MSG(A, "5")), hear(MSG(A, "6")));
}
END_TEST

START_TEST(whoever_connects_while_redis_is_away_is_told_behind_the_greeting)
{
    env.degraded = true;
    restart(); /* hears it */
    env.degraded = false;
    play(tell_status(), hear(STATUS("live")));
    env.degraded = true;
    play(tell_status(), hear(STATUS("degraded")));
}
END_TEST

/* ---- the farewell -------------------------------------------------------------------
 */

START_TEST(a_client_is_asked_to_come_back_and_closed_with_1012)
{
    HOLD(A, 0);
    play(message(A), session_reconnect(session, 1730), message(A), hear(MSG(A, "1")),
         hear("{'type':'reconnect','after_ms':1730"), hear("close 1012 shutdown"),
         is(SESSION_CLOSING));
    ends_as(STATS_END_SHUTDOWN);
}
END_TEST

START_TEST(whoever_is_leaving_already_is_not_asked_to_come_back)
{
    play(frame(0x88, "\x03\xe8"), session_reconnect(session, 1), tell_status(),
         hear("close 1000 "));
    ends_as(STATS_END_BY_CLIENT);
}
END_TEST

static void add_beginnings(TCase *tcase)
{
    tcase_add_test(tcase, a_subscription_begins_with_the_newest_message_of_the_history);
    tcase_add_test(tcase, without_a_history_there_is_no_snapshot);
    tcase_add_test(tcase,
                   who_wants_no_snapshot_gets_none_and_misses_nothing_behind_the_ack);
    tcase_add_test(tcase, what_is_published_while_the_history_is_read_comes_once);
    tcase_add_test(tcase, the_next_subscriber_gets_the_newest_message_without_redis);
    tcase_add_test(tcase, a_topic_left_and_taken_again_soon_costs_redis_nothing);
    tcase_add_test(tcase, whoever_says_what_it_saw_last_gets_all_behind_that);
    tcase_add_test(tcase, whoever_missed_nothing_is_told_so);
    tcase_add_test(tcase, a_replay_and_the_messages_that_come_meanwhile_join_exactly);
    tcase_add_test(
        tcase, what_the_history_no_longer_has_is_not_recovered_and_a_snapshot_follows);
    tcase_add_test(tcase, an_id_that_never_was_is_not_recovered);
    tcase_add_test(tcase, who_wants_no_snapshot_gets_none_instead_of_a_replay_either);
    tcase_add_test(tcase, what_was_seen_at_a_gateway_ahead_of_this_one_is_recovered);
    tcase_add_test(tcase, the_request_id_stands_behind_what_became_of_since);
    tcase_add_test(tcase, since_is_about_one_topic);
    tcase_add_test(tcase, a_replay_for_which_there_is_no_room_becomes_a_snapshot);
    tcase_add_test(tcase,
                   without_a_readable_history_there_is_neither_snapshot_nor_replay);
    tcase_add_test(tcase, half_of_what_may_wait_is_room_for_replays);
}

static void add_the_rest(TCase *tcase)
{
    tcase_add_test(tcase, answers_behind_one_that_waits_keep_their_order);
    tcase_add_test(tcase, histories_are_asked_for_before_their_turn_comes);
    tcase_add_test(tcase, a_history_that_is_not_read_in_time_fails_the_subscription);
    tcase_add_test(tcase, a_held_topic_is_only_acknowledged_when_nothing_else_was_said);
    tcase_add_test(tcase, a_held_topic_gives_a_snapshot_to_whoever_asks_for_it);
    tcase_add_test(tcase, a_held_topic_is_replayed_to_whoever_says_what_it_saw);
    tcase_add_test(tcase,
                   while_a_held_topic_is_read_again_its_messages_wait_for_the_replay);
    tcase_add_test(tcase, a_replay_does_not_disturb_the_other_subscribers);
    tcase_add_test(tcase, what_was_published_while_redis_was_away_is_delivered);
    tcase_add_test(tcase, what_is_lost_for_good_is_a_gap_and_a_snapshot);
    tcase_add_test(tcase, what_is_lost_in_a_history_that_cannot_be_read_is_a_gap);
    tcase_add_test(tcase, whoever_holds_a_topic_again_while_redis_is_away_misses_nothing);
    tcase_add_test(tcase,
                   whoever_comes_while_redis_is_away_waits_until_the_topic_is_whole);
    tcase_add_test(tcase,
                   whoever_connects_while_redis_is_away_is_told_behind_the_greeting);
    tcase_add_test(tcase, a_client_is_asked_to_come_back_and_closed_with_1012);
    tcase_add_test(tcase, whoever_is_leaving_already_is_not_asked_to_come_back);
}

int main(void)
{
    Suite *suite = suite_create("session_joins");
    TCase *tcase = tcase_create("session_joins");
    tcase_add_checked_fixture(tcase, scene_setup, scene_teardown);
    add_beginnings(tcase);
    add_the_rest(tcase);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
