/* SPDX-License-Identifier: MIT
 *
 * Requests, topics, the order of answers, and the close handshake.
 */
#include "gateway/session.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session_scene.h"

/* ---- requests and topics ------------------------------------------------------------
 */

START_TEST(requests_that_need_no_redis_are_answered_at_once)
{
    play(say("{'type':'ping','request_id':'p'}"), hear("{'type':'pong','request_id':'p'"),
         say("{'type':'heartbeat_response'}"), silence(),
         say("{'type':'get_subscriptions','request_id':1}"),
         hear(LISTED("") ",'request_id':1"));
    ck_assert_uint_eq(stats.connections_total, 1);
    ck_assert_uint_eq(stats.messages_received_total, 3);
    ck_assert_uint_eq(stats.bytes_received_total, 122);
    ck_assert_uint_eq(stats.errors_sent_total, 0);
    ends_as(STATS_END_GONE);
}
END_TEST

START_TEST(faulty_messages_are_answered_and_the_connection_stays)
{
    play(say("{'type':'dance','request_id':'d'}"),
         hear(BAD("unknown type") ",'request_id':'d'"), say("garbage"),
         hear(BAD("not a JSON object")), frame(0x82, "\1\2"), hear(BAD("binary frame")),
         is(SESSION_OPEN));
    ck_assert_uint_eq(stats.errors_sent_total, 3);
    ck_assert_uint_eq(stats.messages_received_total, 3);
}
END_TEST

START_TEST(a_clients_ping_is_answered_with_its_payload)
{
    play(frame(0x01, "{\"type\":"), frame(0x89, "in the middle"),
         hear("pong in the middle"), frame(0x8a, "unasked"), frame(0x80, "\"ping\"}"),
         hear(PONG), frame(0x89, ""), hear("pong "));
}
END_TEST

START_TEST(a_subscription_is_acknowledged_when_redis_has_confirmed_it)
{
    play(say("{'type':'subscribe','topic':'" A "','request_id':7}"),
         channels_are("+" A " "), pass(499), silence(), opened(A),
         hear(ACK(A) ",'request_id':7"));
}
END_TEST

START_TEST(nothing_is_delivered_before_the_acknowledgement)
{
    play(say(SUB(A)), say(SUB(B)), publish(A), opened(B), publish(B), silence(),
         opened(A), publish(A), publish(B), hear(ACK(A)), hear(ACK(B)), hear(DATA(A)),
         hear(DATA(B)));
}
END_TEST

START_TEST(a_topic_that_is_live_already_is_acknowledged_at_once)
{
    play(say(SUB(A)), opened(A), hear(ACK(A)));
    begin(1);
    play(say(SUB(A)), hear(ACK(A)), channels_are("+" A " "));
}
END_TEST

START_TEST(each_topic_of_a_request_is_answered_in_its_place)
{
    play(say("{'type':'subscribe','topics':['" A "','nonsense','" B "','']}"),
         channels_are("+" A " +" B " "), opened(B), silence(), opened(A), hear(ACK(A)),
         hear(NO_TOPIC("nonsense")), hear(ACK(B)), hear(NO_TOPIC("")));
    ck_assert_uint_eq(stats.errors_sent_total, 2);
}
END_TEST

START_TEST(only_answers_about_topics_wait_for_one_another)
{
    play(say(SUB(B)), opened(B), hear(ACK(B)), say(SUB(A)),
         say("{'type':'unsubscribe','topic':'" B "','request_id':2}"),
         say("{'type':'subscribe','topic':'bad','request_id':3}"), silence(), say(PING),
         hear(PONG), frame(0x89, "now"), hear("pong now"), publish(B), hear(DATA(B)),
         opened(A), hear(ACK(A)), hear(UNACK(B) ",'request_id':2"),
         hear(NO_TOPIC("bad") ",'request_id':3"));
}
END_TEST

START_TEST(a_topic_given_up_while_others_wait_can_be_had_again)
{
    play(say(SUB(B)), opened(B), hear(ACK(B)), say(SUB(A)), say(UNSUB(B)), say(SUB(B)),
         opened(A), hear(ACK(A)), hear(UNACK(B)), hear(ACK(B)),
         channels_are("+" B " +" A " "));
}
END_TEST

START_TEST(what_redis_does_not_confirm_in_time_fails_and_is_let_go)
{
    play(say("{'type':'subscribe','topic':'" A "','request_id':1}"), pass(499), silence(),
         pass(1), hear(UNREACHABLE ",'request_id':1"), pass(LINGER_MS),
         channels_are("+" A " -" A " "), is(SESSION_OPEN), say(SUB(A)), opened(A),
         hear(ACK(A)));
    ck_assert_uint_eq(stats.errors_sent_total, 1);
}
END_TEST

START_TEST(each_waiting_answer_has_its_own_deadline)
{
    play(say(SUB(A)), say(SUB(C)), opened(C), pass(100), say(SUB(B)), say(UNSUB(C)),
         pass(400), hear(UNREACHABLE), hear(ACK(C)), silence(), pass(100),
         hear(UNREACHABLE), hear(UNACK(C)));
}
END_TEST

START_TEST(a_held_topic_is_acknowledged_again_and_changes_nothing)
{
    play(say("{'type':'subscribe','topics':['" A "','" A "']}"), opened(A), hear(ACK(A)),
         hear(ACK(A)), say(SUB(A)), hear(ACK(A)), publish(A), hear(DATA(A)), silence(),
         channels_are("+" A " "));
}
END_TEST

START_TEST(a_held_topic_is_acknowledged_while_redis_is_away)
{
    play(say(SUB(A)), opened(A), hear(ACK(A)), hub_all_channels_lost(env.hub),
         say(SUB(A)), hear(ACK(A)), say(SUB(B)), silence(), opened(A), opened(B),
         hear(ACK(B)));
}
END_TEST

START_TEST(unsubscribing_is_acknowledged_whatever_is_held)
{
    play(say(SUB(A)), opened(A), hear(ACK(A)),
         say("{'type':'unsubscribe','topics':['" A "','" A "','no topic']}"),
         hear(UNACK(A)), hear(UNACK(A)), hear(UNACK("no topic")), publish(A), silence(),
         channels_are("+" A " "), pass(LINGER_MS), channels_are("+" A " -" A " "));
}
END_TEST

START_TEST(topics_beyond_the_limit_fail_and_the_others_stay)
{
    play(say("{'type':'subscribe','topics':['" A "','" B "','" C "','" D "']}"),
         opened(A), opened(B), opened(C), hear(ACK(A)), hear(ACK(B)), hear(ACK(C)),
         hear(FAILED("too many topics")), say(SUB(A)), hear(ACK(A)), say(UNSUB(B)),
         hear(UNACK(B)), say(SUB(D)), opened(D), hear(ACK(D)));
    begin(1);
    play(say(SUB(B)), hear(FAILED("this gateway holds too many different topics")),
         say(SUB(A)), hear(ACK(A)));
}
END_TEST

START_TEST(a_long_text_that_waits_is_echoed_as_one_that_does_not)
{
    char text[1024];
    char echo[1024];
    snprintf(text, sizeof(text), "{'type':'subscribe','topic':'%0600d'}", 0);
    snprintf(echo, sizeof(echo), NO_TOPIC("%0128d"), 0);
    play(say(text), hear(echo), say(SUB(A)), say(text), opened(A), hear(ACK(A)),
         hear(echo));
}
END_TEST

START_TEST(subscriptions_are_listed_sorted)
{
    play(say("{'type':'subscribe','topics':['" A ".1m','" A "','crypto.B.1M']}"),
         opened(A ".1m"), opened(A), opened("crypto.B.1M"), hear(ACK(A ".1m")),
         hear(ACK(A)), hear(ACK("crypto.B.1M")), say("{'type':'get_subscriptions'}"),
         hear(LISTED("'crypto.B.1M','" A "','" A ".1m'")));
}
END_TEST

START_TEST(a_session_asks_once_to_be_looked_at)
{
    woken = 0;
    say(PING);
    say(PING);
    ck_assert_int_eq(woken, 1);
    play(hear(PONG), hear(PONG), say(PING), hear(PONG));
    ck_assert_int_eq(woken, 2);
    play(session_input_ended(session));
    ck_assert_int_eq(woken, 3);
}
END_TEST

/* ---- the end ------------------------------------------------------------------------
 */

START_TEST(a_clients_close_is_answered_with_its_code_behind_what_waits)
{
    play(say(PING), frame(0x88, "\x03\xe8 bye"), say(PING), frame(0x88, "\x03\xe9"),
         is(SESSION_CLOSING), hear(PONG), hear("close 1000 "), silence(),
         session_all_sent(session), is(SESSION_OVER));
    ends_as(STATS_END_BY_CLIENT);
    restart();
    play(frame(0x88, ""), hear("close "));
}
END_TEST

START_TEST(our_close_waits_for_the_clients)
{
    play(say(PING), session_end(session, STATS_END_SHUTDOWN), hear(PONG),
         hear("close 1012 shutdown"), session_all_sent(session), pass(299),
         is(SESSION_CLOSING), frame(0x88, "\x03\xe9"), is(SESSION_OVER));
    ends_as(STATS_END_SHUTDOWN);
}
END_TEST

START_TEST(our_close_is_sent_though_the_clients_crosses_it)
{
    play(say(PING), session_end(session, STATS_END_SHUTDOWN), frame(0x88, "\x03\xe8"),
         is(SESSION_CLOSING), hear(PONG), hear("close 1012 shutdown"), silence(),
         is(SESSION_CLOSING), session_all_sent(session), is(SESSION_OVER));
    ends_as(STATS_END_SHUTDOWN);
}
END_TEST

START_TEST(whoever_does_not_finish_the_close_in_time_is_cut_off)
{
    play(session_end(session, STATS_END_SHUTDOWN), pass(299), is(SESSION_CLOSING),
         pass(1), is(SESSION_OVER), silence(), pass(1000));
    ends_as(STATS_END_SHUTDOWN);
    restart();
    play(frame(0x88, "\x03\xe8"), pass(299), is(SESSION_CLOSING), pass(1),
         is(SESSION_OVER), silence());
    ends_as(STATS_END_BY_CLIENT);
}
END_TEST

START_TEST(while_closing_requests_and_data_are_ignored)
{
    env.limits.heartbeat_interval_ms = 100;
    restart();
    play(say(SUB(A)), opened(A), hear(ACK(A)), say(SUB(B)),
         session_end(session, STATS_END_SHUTDOWN), say(PING), say(SUB(C)),
         frame(0x82, ""), frame(0x89, ""), publish(A), opened(B), pass(200),
         hear("close 1012 shutdown"), channels_are("+" A " +" B " "));
}
END_TEST

START_TEST(every_reason_to_end_has_its_code_and_is_counted)
{
    for (int i = 0; i < STATS_END_COUNT; i++) {
        const enum stats_end reason = (enum stats_end)i;
        char text[64];
        snprintf(text, sizeof(text), "close %u %s", stats_end_code(reason),
                 stats_end_label(reason));
        restart();
        session_end(session, reason);
        session_end(session, STATS_END_FLOODING); /* too late */
        if (stats_end_code(reason) == 0) {
            play(is(SESSION_OVER), silence());
        } else {
            play(is(SESSION_CLOSING), hear(text));
        }
        ends_as(reason);
    }
}
END_TEST

START_TEST(when_the_client_is_gone_the_session_is_over)
{
    play(say(PING), session_input_ended(session), is(SESSION_OVER), silence(), say(PING),
         silence(), session_input_ended(session));
    ends_as(STATS_END_GONE);
    restart();
    play(say(PING), session_end(session, STATS_END_SHUTDOWN),
         session_input_ended(session), is(SESSION_OVER), silence());
    ends_as(STATS_END_SHUTDOWN);
}
END_TEST

START_TEST(a_broken_stream_is_closed_with_its_code_and_not_read_further)
{
    static char big[2002];
    memset(big, 'x', sizeof(big) - 1);
    const struct {
        unsigned first;
        const char *payload;
        const char *answer;
        enum stats_end reason;
    } cases[] = {
        {0x83, "", "close 1002 reserved opcode", STATS_END_PROTOCOL},
        {0x81, "\xff", "close 1007 text is not UTF-8", STATS_END_NOT_UTF8},
        {0x82, big, "close 1009 message too long", STATS_END_TOO_BIG},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        restart();
        play(frame(cases[i].first, cases[i].payload), is(SESSION_CLOSING), say(PING),
             frame(0x88, "\x03\xe8"), is(SESSION_CLOSING), hear(cases[i].answer),
             pass(300), is(SESSION_OVER));
        ends_as(cases[i].reason);
    }
}
END_TEST

START_TEST(a_finished_session_holds_nothing)
{
    play(say(SUB(A)), opened(A), hear(ACK(A)), say(SUB(B)), say(SUB("x")));
    publish(A);
    frame(0x01, "half a message");
    ends_as(STATS_END_GONE);
    ck_assert_uint_eq(hub_topics(env.hub), 0);
    hub_tick(env.hub, env.now_ms + LINGER_MS);
    ck_assert_uint_eq(hub_lingering(env.hub), 0);
    channels_are("+" A " +" B " -" B " -" A " ");
}
END_TEST

static void add_requests(TCase *tcase)
{
    tcase_add_test(tcase, requests_that_need_no_redis_are_answered_at_once);
    tcase_add_test(tcase, faulty_messages_are_answered_and_the_connection_stays);
    tcase_add_test(tcase, a_clients_ping_is_answered_with_its_payload);
    tcase_add_test(tcase, a_subscription_is_acknowledged_when_redis_has_confirmed_it);
    tcase_add_test(tcase, nothing_is_delivered_before_the_acknowledgement);
    tcase_add_test(tcase, a_topic_that_is_live_already_is_acknowledged_at_once);
    tcase_add_test(tcase, each_topic_of_a_request_is_answered_in_its_place);
    tcase_add_test(tcase, only_answers_about_topics_wait_for_one_another);
    tcase_add_test(tcase, a_topic_given_up_while_others_wait_can_be_had_again);
    tcase_add_test(tcase, what_redis_does_not_confirm_in_time_fails_and_is_let_go);
    tcase_add_test(tcase, each_waiting_answer_has_its_own_deadline);
    tcase_add_test(tcase, a_held_topic_is_acknowledged_again_and_changes_nothing);
    tcase_add_test(tcase, a_held_topic_is_acknowledged_while_redis_is_away);
    tcase_add_test(tcase, unsubscribing_is_acknowledged_whatever_is_held);
    tcase_add_test(tcase, topics_beyond_the_limit_fail_and_the_others_stay);
    tcase_add_test(tcase, a_long_text_that_waits_is_echoed_as_one_that_does_not);
    tcase_add_test(tcase, subscriptions_are_listed_sorted);
    tcase_add_test(tcase, a_session_asks_once_to_be_looked_at);
}

static void add_ends(TCase *tcase)
{
    tcase_add_test(tcase, a_clients_close_is_answered_with_its_code_behind_what_waits);
    tcase_add_test(tcase, our_close_waits_for_the_clients);
    tcase_add_test(tcase, our_close_is_sent_though_the_clients_crosses_it);
    tcase_add_test(tcase, whoever_does_not_finish_the_close_in_time_is_cut_off);
    tcase_add_test(tcase, while_closing_requests_and_data_are_ignored);
    tcase_add_test(tcase, every_reason_to_end_has_its_code_and_is_counted);
    tcase_add_test(tcase, when_the_client_is_gone_the_session_is_over);
    tcase_add_test(tcase, a_broken_stream_is_closed_with_its_code_and_not_read_further);
    tcase_add_test(tcase, a_finished_session_holds_nothing);
}

int main(void)
{
    Suite *suite = suite_create("session");
    TCase *tcase = tcase_create("session");
    tcase_add_checked_fixture(tcase, scene_setup, scene_teardown);
    add_requests(tcase);
    add_ends(tcase);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
