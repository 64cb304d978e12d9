/* SPDX-License-Identifier: MIT
 *
 * How much a client may ask for, how slowly it may read, and how long it may be silent.
 */
#include "gateway/session.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "session_scene.h"

/* ---- rates --------------------------------------------------------------------------
 */

static void set_rate(int64_t per_s, int64_t burst)
{
    env.limits.requests.rate_per_s = per_s;
    env.limits.requests.burst = burst;
    env.limits.flood_limit = 1000000;
    restart();
}

START_TEST(a_burst_is_allowed_and_what_is_beyond_it_refused)
{
    set_rate(10, 3);
    play(pass(1000000), say(PING), say(PING), say(PING), hear(PONG), hear(PONG),
         hear(PONG), say("{'type':'ping','request_id':'late'}"),
         hear(LIMITED ",'request_id':'late'"), is(SESSION_OPEN));
    ck_assert_uint_eq(stats.requests_limited_total, 1);
}
END_TEST

START_TEST(a_token_comes_back_at_the_rate_and_not_a_millisecond_earlier)
{
    static const int64_t rates[] = {1, 3, 7, 10, 50, 999, 1000, 1001, 5000, 1000000};
    for (size_t i = 0; i < COUNT(rates); i++) {
        const int64_t wait_ms = (1000 + rates[i] - 1) / rates[i];
        set_rate(rates[i], 1);
        play(say(PING), hear(PONG), pass((uint64_t)wait_ms - 1), say(PING), hear(LIMITED),
             pass(1), say(PING), hear(PONG));
    }
}
END_TEST

/* Against a bucket of thousandths that is filled millisecond by millisecond. */
START_TEST(over_any_time_the_bucket_is_exact)
{
    set_rate(7, 2);
    uint64_t random = 42;
    int64_t bucket = 2000;
    for (int i = 0; i < 1000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        const uint64_t ms = (random >> 33) % 300;
        for (uint64_t j = 0; j < ms; j++) {
            bucket = bucket + 7 < 2000 ? bucket + 7 : 2000;
        }
        play(pass(ms), say(PING), hear(bucket >= 1000 ? PONG : LIMITED));
        bucket -= bucket >= 1000 ? 1000 : 0;
    }
}
END_TEST

START_TEST(every_topic_takes_a_token_and_a_request_goes_whole_or_not_at_all)
{
    set_rate(10, 4);
    play(say("{'type':'unsubscribe','topics':['a','b','c']}"), hear(UNACK("a")),
         hear(UNACK("b")), hear(UNACK("c")), say(PING), hear(PONG), pass(100),
         say("{'type':'subscribe','topics':['" A "','" B "'],'request_id':1}"),
         hear(LIMITED ",'request_id':1"), channels_are(""));
}
END_TEST

START_TEST(faulty_and_binary_messages_take_a_token_too)
{
    set_rate(10, 2);
    play(say("garbage"), hear(BAD("not a JSON object")), frame(0x82, ""),
         hear(BAD("binary frame")), frame(0x82, ""), hear(LIMITED), say("garbage"),
         hear(LIMITED));
}
END_TEST

START_TEST(control_frames_take_a_token_too_and_beyond_the_rate_are_passed_over)
{
    set_rate(10, 1);
    play(frame(0x89, "1"), hear("pong 1"), frame(0x89, "2"), silence());
    play(pass(100), frame(0x8a, "unasked"), frame(0x89, "3"), silence());
    ck_assert_uint_eq(stats.requests_limited_total, 2);
    env.limits.flood_limit = 3;
    play(frame(0x89, ""), hear("close 4029 flooding"));
}
END_TEST

/* Refused requests: 3 in a row are too many. */
START_TEST(whoever_keeps_flooding_is_closed_with_4029)
{
    env.limits.requests.burst = 1;
    restart();
    play(say(PING), hear(PONG), say(PING), hear(LIMITED), say("garbage"), hear(LIMITED),
         is(SESSION_OPEN), say(PING), hear(LIMITED), hear("close 4029 flooding"),
         say(PING), is(SESSION_CLOSING));
    ends_as(STATS_END_FLOODING);
}
END_TEST

START_TEST(an_accepted_message_ends_the_row_of_refused_ones)
{
    static const unsigned firsts[] = {0x81, 0x82};
    for (size_t i = 0; i < COUNT(firsts); i++) {
        env.limits.requests.burst = 1;
        restart();
        play(say(PING), hear(PONG), say(PING), hear(LIMITED), say(PING), hear(LIMITED),
             pass(100), frame(firsts[i], "garbage"),
             hear(i == 0 ? BAD("not a JSON object") : BAD("binary frame")), say(PING),
             hear(LIMITED), say(PING), hear(LIMITED), is(SESSION_OPEN));
    }
}
END_TEST

/* ---- the clock ----------------------------------------------------------------------
 */

START_TEST(pings_are_sent_at_their_interval_and_a_pong_keeps_the_client)
{
    env.limits.ping_interval_ms = 1000;
    restart();
    for (int i = 0; i < 3; i++) {
        play(pass(999), silence(), pass(1), hear("ping "), frame(0x8a, ""));
    }
    play(pass(999), is(SESSION_OPEN));
}
END_TEST

START_TEST(without_a_pong_in_time_the_client_is_cut_off)
{
    env.limits.ping_interval_ms = 1000;
    restart();
    play(pass(1000), hear("ping "), say(PING), hear(PONG), pass(199), is(SESSION_OPEN),
         say(PING), pass(1), is(SESSION_OVER), silence());
    ends_as(STATS_END_NO_PONG);
}
END_TEST

START_TEST(the_time_for_a_pong_runs_from_the_first_unanswered_ping)
{
    env.limits.ping_interval_ms = 150;
    restart();
    play(pass(150), hear("ping "), pass(150), hear("ping "), pass(49), is(SESSION_OPEN),
         pass(1), is(SESSION_OVER));
}
END_TEST

START_TEST(the_time_for_a_pong_does_not_run_while_the_socket_is_blocked)
{
    env.limits.ping_interval_ms = 1000;
    env.limits.backlog_age_ms = 900;
    restart();
    play(pass(900), session_set_blocked(session, true), pass(100), pass(500), pass(300),
         is(SESSION_OPEN), session_set_blocked(session, false), hear("ping "), pass(199),
         is(SESSION_OPEN), pass(1), is(SESSION_OVER));
    ends_as(STATS_END_NO_PONG);
}
END_TEST

START_TEST(heartbeats_are_sent_at_their_interval)
{
    play(pass(86400000), silence()); /* an interval of 0 */
    env.limits.heartbeat_interval_ms = 1000;
    restart();
    for (int i = 0; i < 3; i++) {
        play(pass(999), silence(), pass(1), hear(HEARTBEAT));
    }
}
END_TEST

/* ---- slow readers -------------------------------------------------------------------
 */

START_TEST(beyond_the_hard_limit_a_client_is_closed_and_its_backlog_dropped)
{
    env.limits.backlog_hard_bytes = 3 * (2 + (int64_t)strlen(PONG STAMP));
    play(say(PING), say(PING), say(PING), is(SESSION_OPEN), hear(PONG), hear(PONG),
         hear(PONG), say(PING), say(PING), say(PING), say(PING), is(SESSION_CLOSING),
         say(PING), hear("close 4008 slow"));
    ends_as(STATS_END_SLOW);
}
END_TEST

START_TEST(above_the_soft_limit_the_newest_of_each_topic_is_kept_and_the_rest_counted)
{
    play(say(SUB(A)), opened(A), hear(ACK(A)));
    env.limits.backlog_soft_bytes = (int64_t)(3 * (4 + strlen(DATA(A) STAMP)));
    for (int i = 0; i < 10; i++) {
        publish(A);
    }
    play(hear(DATA(A)), hear(DATA(A)), hear(DATA(A)));
    ck_assert_uint_eq(stats.messages_conflated_total, 7);
    play(session_all_sent(session), hear("{'type':'conflated','dropped':7"));
    play(session_all_sent(session));
}
END_TEST

START_TEST(a_client_that_wants_all_is_closed_and_never_conflated)
{
    play(say(SUB(A)), opened(A), hear(ACK(A)));
    env.limits.backlog_soft_bytes = 1;
    session->wants_all = true;
    play(publish(A), publish(A), publish(A), hear(DATA(A)), hear(DATA(A)), hear(DATA(A)));
    env.limits.backlog_hard_bytes = 1;
    play(publish(A), publish(A), hear("close 4008 slow"));
    ends_as(STATS_END_SLOW);
}
END_TEST

START_TEST(whoever_is_over_the_budget_is_closed_and_its_backlog_dropped)
{
    say(PING);
    say(PING);
    ck_assert_uint_gt(env.queued_bytes, 0);
    ck_assert_uint_eq(env.queued_bytes, session->queue.bytes);
    play(session_end(session, STATS_END_OVER_BUDGET), hear("close 4008 over_budget"));
    ck_assert_uint_eq(env.queued_bytes, 0);
    ends_as(STATS_END_OVER_BUDGET);
}
END_TEST

START_TEST(a_slow_client_costs_the_others_nothing)
{
    env.limits.backlog_soft_bytes = INT64_MAX;
    play(say(SUB(A)), opened(A), hear(ACK(A)));
    begin(1);
    play(say(SUB(A)), hear(ACK(A)));
    for (int i = 0; i < 100; i++) {
        play(publish(A), hear(DATA(A)), is(SESSION_OPEN));
    }
    session = &sessions[0];
    play(is(SESSION_CLOSING), hear("close 4008 slow"));
}
END_TEST

START_TEST(a_client_blocked_for_too_long_is_closed_and_its_backlog_dropped)
{
    play(say(PING), session_set_blocked(session, true), pass(900),
         session_set_blocked(session, false), pass(900),
         session_set_blocked(session, true), pass(600),
         session_set_blocked(session, true), pass(399), is(SESSION_OPEN), pass(2),
         hear("close 4008 slow"));
    ends_as(STATS_END_SLOW);
}
END_TEST

static void add_rates(TCase *tcase)
{
    tcase_add_test(tcase, a_burst_is_allowed_and_what_is_beyond_it_refused);
    tcase_add_test(tcase, a_token_comes_back_at_the_rate_and_not_a_millisecond_earlier);
    tcase_add_test(tcase, over_any_time_the_bucket_is_exact);
    tcase_add_test(tcase,
                   every_topic_takes_a_token_and_a_request_goes_whole_or_not_at_all);
    tcase_add_test(tcase, faulty_and_binary_messages_take_a_token_too);
    tcase_add_test(tcase,
                   control_frames_take_a_token_too_and_beyond_the_rate_are_passed_over);
    tcase_add_test(tcase, whoever_keeps_flooding_is_closed_with_4029);
    tcase_add_test(tcase, an_accepted_message_ends_the_row_of_refused_ones);
}

static void add_clock_and_slow_readers(TCase *tcase)
{
    tcase_add_test(tcase, pings_are_sent_at_their_interval_and_a_pong_keeps_the_client);
    tcase_add_test(tcase, without_a_pong_in_time_the_client_is_cut_off);
    tcase_add_test(tcase, the_time_for_a_pong_runs_from_the_first_unanswered_ping);
    tcase_add_test(tcase, the_time_for_a_pong_does_not_run_while_the_socket_is_blocked);
    tcase_add_test(tcase, heartbeats_are_sent_at_their_interval);
    tcase_add_test(tcase,
                   beyond_the_hard_limit_a_client_is_closed_and_its_backlog_dropped);
    tcase_add_test(
        tcase,
        above_the_soft_limit_the_newest_of_each_topic_is_kept_and_the_rest_counted);
    tcase_add_test(tcase, a_client_that_wants_all_is_closed_and_never_conflated);
    tcase_add_test(tcase, whoever_is_over_the_budget_is_closed_and_its_backlog_dropped);
    tcase_add_test(tcase, a_slow_client_costs_the_others_nothing);
    tcase_add_test(tcase,
                   a_client_blocked_for_too_long_is_closed_and_its_backlog_dropped);
}

int main(void)
{
    Suite *suite = suite_create("session_limits");
    TCase *tcase = tcase_create("session_limits");
    tcase_add_checked_fixture(tcase, scene_setup, scene_teardown);
    add_rates(tcase);
    add_clock_and_slow_readers(tcase);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
