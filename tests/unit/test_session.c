/* SPDX-License-Identifier: MIT
 *
 * Each test plays a scene with one client: what it says and hears, what the house and the
 * clock do meanwhile. A scene ends with nothing left to hear.
 */
#include "gateway/session.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frame.h"
#include "gateway/proto.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define A "stock.A.1m"
#define B "stock.B.1m"
#define C "stock.C.1m"
#define D "stock.D.1m"

/* Messages, with ' for a double quote; those of the server without their timestamp. */
#define PING           "{'type':'ping'}"
#define SUB(topic)     "{'type':'subscribe','topic':'" topic "'}"
#define UNSUB(topic)   "{'type':'unsubscribe','topic':'" topic "'}"
#define GREETING       "{'type':'connection_ack','client_id':'tester'"
#define PONG           "{'type':'pong'"
#define ACK(topic)     "{'type':'subscribe_ack','topic':'" topic "'"
#define UNACK(topic)   "{'type':'unsubscribe_ack','topic':'" topic "'"
#define DATA(topic)    "{'type':'data','topic':'" topic "','data':{}"
#define HEARTBEAT      "{'type':'heartbeat','client_id':'tester'"
#define LISTED(topics) "{'type':'subscriptions_list','subscriptions':[" topics "]"
#define ERROR(code)    "{'type':'error','error_code':'" code "','error_message':"
#define BAD(what)      ERROR("invalid_message") "'无效的消息格式: " what "'"
#define NO_TOPIC(text) ERROR("invalid_topic") "'无效的主题格式: " text "'"
#define FAILED(why)    ERROR("subscription_failed") "'订阅失败: " why "'"
#define UNREACHABLE    FAILED("Redis is unreachable")
#define LIMITED        ERROR("rate_limited") "'请求过于频繁'"
#define STAMP          ",'timestamp':'1970-01-01T00:00:00.000000'}"

static struct session_env env;
static struct stats stats;
static struct session sessions[2];
static struct session *session; /* the client of the scene */
static char channels[1024];     /* "+stock.A.1m -stock.A.1m " */
static int woken;

/* ---- what goes in and comes out -----------------------------------------------------
 */

/* Sends a frame of any kind, given its first byte. */
static void frame(unsigned first, const char *payload)
{
    const size_t len = strlen(payload);
    unsigned char bytes[4096] = {(unsigned char)first, (unsigned char)(0x80 | len)};
    size_t at = 2;
    if (len > 125) {
        bytes[1] = 0x80 | 126;
        bytes[at++] = (unsigned char)(len >> 8);
        bytes[at++] = (unsigned char)len;
    }
    at += 4; /* a mask of zeros */
    ck_assert_uint_le(at + len, sizeof(bytes));
    for (size_t i = 0; i < len; i++) {
        bytes[at++] = (unsigned char)payload[i];
    }
    session_input(session, bytes, at);
}

static void swap_quotes(char *text, char from, char to)
{
    for (char *c = text; *c != '\0'; c++) {
        *c = (char)(*c == from ? to : *c);
    }
}

static void say(const char *text)
{
    char message[2048];
    snprintf(message, sizeof(message), "%s", text);
    swap_quotes(message, '\'', '"');
    frame(0x81, message);
}

/* A frame as words: "{'type':'pong'", "ping x", "pong x", "close 1000 reason". */
static void describe(char *out, size_t size, const struct frame *sent)
{
    const size_t header = sent->bytes[1] < 126 ? 2 : 4;
    const char *payload = (const char *)sent->bytes + header;
    const int len = (int)(sent->len - header);
    if (sent->bytes[0] == (0x80 | FRAME_TEXT)) {
        snprintf(out, size, "%.*s", len, payload);
        swap_quotes(out, '"', '\'');
        char *stamp = out + (size_t)len - strlen(STAMP);
        ck_assert_str_eq(stamp, STAMP);
        *stamp = '\0';
    } else if (sent->bytes[0] == (0x80 | FRAME_CLOSE) && len > 0) {
        snprintf(out, size, "close %d %.*s", sent->bytes[2] << 8 | sent->bytes[3],
                 len - 2, payload + 2);
    } else {
        const char *const names[] = {"close", "ping", "pong"};
        snprintf(out, size, "%s %.*s", names[sent->bytes[0] & 7], len, payload);
    }
}

static void hear(const char *expected)
{
    char text[2048];
    struct frame *sent = outq_pop(&session->queue);
    ck_assert_msg(sent != NULL, "silence instead of %s", expected);
    describe(text, sizeof(text), sent);
    frame_unref(sent);
    ck_assert_str_eq(text, expected);
}

static void silence(void)
{
    ck_assert_uint_eq(session->queue.count, 0);
}

/* NOLINTNEXTLINE(readability-identifier-naming): to the tests this is a function. */
#define play(...) ((__VA_ARGS__), silence())

static void opened(const char *topic)
{
    hub_channel_is_open(env.hub, topic, strlen(topic));
}

static void publish(const char *topic)
{
    const struct feed_message message = {.payload = "{}", .payload_len = 2};
    const struct proto_topic name = {.text = topic, .len = strlen(topic)};
    struct frame *data = proto_data(name, &message, 0);
    ck_assert_ptr_nonnull(data);
    hub_publish(env.hub, topic, strlen(topic), data);
    frame_unref(data);
}

static void pass(uint64_t ms)
{
    env.now_ms += ms;
    session_tick(session);
}

static void is(enum session_state state)
{
    ck_assert_int_eq(session->state, state);
}

static void channels_are(const char *expected)
{
    ck_assert_str_eq(channels, expected);
}

/* ---- the house ----------------------------------------------------------------------
 */

static void note(char sign, const char *topic, size_t len)
{
    const size_t at = strlen(channels);
    snprintf(channels + at, sizeof(channels) - at, "%c%.*s ", sign, (int)len, topic);
}

static bool open_channel(void *arg, const char *topic, size_t len)
{
    (void)arg;
    note('+', topic, len);
    return true;
}

static void close_channel(void *arg, const char *topic, size_t len)
{
    (void)arg;
    note('-', topic, len);
}

static const struct hub_ops hub_ops = {.open_channel = open_channel,
                                       .close_channel = close_channel,
                                       .deliver = session_deliver,
                                       .ready = session_ready};

static void wake(void *arg)
{
    ck_assert(arg == &sessions[0] || arg == &sessions[1]);
    woken++;
}

/* The client is now this one, who has just connected. */
static void begin(size_t number)
{
    session = &sessions[number];
    ck_assert(session_init(session, &env, session, "tester, cut here", 6, false));
    play(hear(GREETING));
}

static void finish(void)
{
    session_finish(session);
    session->env = NULL;
}

/* The session ends, and that is why. */
static void ends_as(enum stats_end reason)
{
    finish();
    for (int i = 0; i < STATS_END_COUNT; i++) {
        ck_assert_uint_eq(stats.closes[i], i == (int)reason ? 1 : 0);
    }
}

/* Starts anew with the limits as they are now. */
static void restart(void)
{
    if (sessions[0].env != NULL) {
        finish();
    }
    stats = (struct stats){0};
    begin(0);
}

static void setup(void)
{
    env = (struct session_env){
        .limits = {.max_message_bytes = 2000,
                   .max_topics = 3,
                   .requests = {.rate_per_s = 10, .burst = 1000},
                   .flood_limit = 3,
                   .backlog_soft_bytes = 2048,
                   .backlog_hard_bytes = 4096,
                   .backlog_age_ms = 1000,
                   .pong_timeout_ms = 200,
                   .subscribe_timeout_ms = 500,
                   .close_timeout_ms = 300},
        .hub = hub_create(&hub_ops, NULL, 3),
        .parser = proto_parser_create(),
        .stats = &stats,
        .now_ms = 1000000,
        .wake = wake,
    };
    ck_assert(env.hub != NULL && env.parser != NULL);
    channels[0] = '\0';
    restart();
}

static void teardown(void)
{
    for (size_t i = 0; i < COUNT(sessions); i++) {
        session = &sessions[i];
        if (session->env != NULL) {
            finish();
        }
    }
    hub_destroy(env.hub);
    proto_parser_destroy(env.parser);
}

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
         opened(A), hear(ACK(A)), hear(UNACK(B)), silence(), opened(B), hear(ACK(B)),
         channels_are("+" B " +" A " -" B " +" B " "));
}
END_TEST

START_TEST(what_redis_does_not_confirm_in_time_fails_and_is_let_go)
{
    play(say("{'type':'subscribe','topic':'" A "','request_id':1}"), pass(499), silence(),
         pass(1), hear(UNREACHABLE ",'request_id':1"), channels_are("+" A " -" A " "),
         is(SESSION_OPEN), say(SUB(A)), opened(A), hear(ACK(A)));
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
         channels_are("+" A " -" A " "));
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

START_TEST(a_finished_session_holds_nothing)
{
    play(say(SUB(A)), opened(A), hear(ACK(A)), say(SUB(B)), say(SUB("x")));
    publish(A);
    frame(0x01, "half a message");
    ends_as(STATS_END_GONE);
    ck_assert_uint_eq(hub_topics(env.hub), 0);
    ck_assert_str_eq(channels, "+" A " +" B " -" B " -" A " ");
}
END_TEST

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

/* ---- the clock and slow readers -----------------------------------------------------
 */

START_TEST(a_clients_ping_is_answered_with_its_payload)
{
    play(frame(0x01, "{\"type\":"), frame(0x89, "in the middle"),
         hear("pong in the middle"), frame(0x8a, "unasked"), frame(0x80, "\"ping\"}"),
         hear(PONG), frame(0x89, ""), hear("pong "));
}
END_TEST

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
         hear("close 1001 shutdown"), session_all_sent(session), pass(299),
         is(SESSION_CLOSING), frame(0x88, "\x03\xe9"), is(SESSION_OVER));
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
         hear("close 1001 shutdown"), channels_are("+" A " +" B " "));
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

static void add_requests(TCase *tcase)
{
    tcase_add_test(tcase, requests_that_need_no_redis_are_answered_at_once);
    tcase_add_test(tcase, faulty_messages_are_answered_and_the_connection_stays);
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
    tcase_add_test(tcase, a_finished_session_holds_nothing);
}

static void add_limits_and_ends(TCase *tcase)
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
    tcase_add_test(tcase, a_clients_ping_is_answered_with_its_payload);
    tcase_add_test(tcase, pings_are_sent_at_their_interval_and_a_pong_keeps_the_client);
    tcase_add_test(tcase, without_a_pong_in_time_the_client_is_cut_off);
    tcase_add_test(tcase, the_time_for_a_pong_runs_from_the_first_unanswered_ping);
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
    tcase_add_test(tcase, a_session_asks_once_to_be_looked_at);
    tcase_add_test(tcase, a_clients_close_is_answered_with_its_code_behind_what_waits);
    tcase_add_test(tcase, our_close_waits_for_the_clients);
    tcase_add_test(tcase, whoever_does_not_finish_the_close_in_time_is_cut_off);
    tcase_add_test(tcase, while_closing_requests_and_data_are_ignored);
    tcase_add_test(tcase, every_reason_to_end_has_its_code_and_is_counted);
    tcase_add_test(tcase, when_the_client_is_gone_the_session_is_over);
    tcase_add_test(tcase, a_broken_stream_is_closed_with_its_code_and_not_read_further);
}

int main(void)
{
    Suite *suite = suite_create("session");
    TCase *tcase = tcase_create("session");
    tcase_add_checked_fixture(tcase, setup, teardown);
    add_requests(tcase);
    add_limits_and_ends(tcase);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
