/* SPDX-License-Identifier: MIT */
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

/* Messages, with ' for a double quote; those of the server without their timestamp. */
#define PING           "{'type':'ping'}"
#define SUB(topic)     "{'type':'subscribe','topic':'" topic "'}"
#define UNSUB(topic)   "{'type':'unsubscribe','topic':'" topic "'}"
#define LIST           "{'type':'get_subscriptions'}"
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
#define LIMITED        ERROR("rate_limited") "'请求过于频繁'"
#define UNREACHABLE    FAILED("Redis is unreachable")
#define STAMP          ",'timestamp':'1970-01-01T00:00:00.000000'}"

static struct session_env env;
static struct stats stats;
static struct session sessions[2];
static bool running[2];
static struct session *session; /* the one that speaks and hears */
static char channels[1024];     /* "+stock.A.1m -stock.A.1m " */
static int woken;

/* ---- what goes in and comes out -----------------------------------------------------
 */

static void send_frame(unsigned first, const char *payload, size_t len)
{
    unsigned char bytes[4096] = {(unsigned char)first, (unsigned char)(0x80 | len)};
    size_t at = 2;
    if (len > 125) {
        bytes[1] = 0x80 | 126;
        bytes[at++] = (unsigned char)(len >> 8);
        bytes[at++] = (unsigned char)len;
    }
    at += 4; /* a mask of zeros */
    ck_assert_uint_le(at + len, sizeof(bytes));
    memcpy(bytes + at, payload, len);
    session_input(session, bytes, at + len);
}

static void swap_quotes(char *text, char from, char to)
{
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == from ? to : *c;
    }
}

static void say_all(const char *const texts[])
{
    for (; *texts != NULL; texts++) {
        char message[2048];
        snprintf(message, sizeof(message), "%s", *texts);
        swap_quotes(message, '\'', '"');
        send_frame(0x81, message, strlen(message));
    }
}

/* A frame as a line: "{'type':'pong'", "ping x", "pong x", "close 1000 reason". */
static void describe(char *out, size_t size, const struct frame *frame)
{
    const size_t header = frame->bytes[1] < 126 ? 2 : 4;
    const char *payload = (const char *)frame->bytes + header;
    const int len = (int)(frame->len - header);
    const unsigned code =
        len < 2 ? 0 : (unsigned)frame->bytes[2] << 8 | (unsigned)frame->bytes[3];
    switch (frame->bytes[0]) {
    case 0x81:
        snprintf(out, size, "%.*s", len, payload);
        swap_quotes(out, '"', '\'');
        ck_assert_str_eq(out + len - strlen(STAMP), STAMP);
        out[(size_t)len - strlen(STAMP)] = '\0';
        break;
    case 0x88:
        snprintf(out, size, "close %u %.*s", code, len < 2 ? 0 : len - 2, payload + 2);
        break;
    default:
        snprintf(out, size, "%s %.*s", frame->bytes[0] == 0x89 ? "ping" : "pong", len,
                 payload);
        break;
    }
}

/* These frames wait for the client, in this order, and nothing else. */
static void hears_all(const char *const texts[])
{
    for (; *texts != NULL; texts++) {
        char text[2048];
        struct frame *frame = outq_pop(&session->queue);
        ck_assert_msg(frame != NULL, "missing: %s", *texts);
        describe(text, sizeof(text), frame);
        frame_unref(frame);
        ck_assert_str_eq(text, *texts);
    }
    ck_assert_uint_eq(session->queue.count, 0);
}

static void hears_nothing(void)
{
    hears_all((const char *const[]){NULL});
}

/* NOLINTBEGIN(readability-identifier-naming): to the tests these are functions. */
#define say(...)   say_all((const char *const[]){__VA_ARGS__, NULL})
#define hears(...) hears_all((const char *const[]){__VA_ARGS__, NULL})
/* NOLINTEND(readability-identifier-naming) */

static void channel_is_open(const char *topic)
{
    hub_channel_is_open(env.hub, topic, strlen(topic));
}

static void publish(const char *topic)
{
    const struct feed_message message = {.payload = "{}", .payload_len = 2};
    const struct proto_topic name = {.text = topic, .len = strlen(topic)};
    struct frame *frame = proto_data(name, &message, 0);
    ck_assert_ptr_nonnull(frame);
    hub_publish(env.hub, topic, strlen(topic), frame);
    frame_unref(frame);
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

/* ---- the house around it ------------------------------------------------------------
 */

static bool on_open_channel(void *arg, const char *topic, size_t len)
{
    (void)arg;
    const size_t at = strlen(channels);
    snprintf(channels + at, sizeof(channels) - at, "+%.*s ", (int)len, topic);
    return true;
}

static void on_close_channel(void *arg, const char *topic, size_t len)
{
    (void)arg;
    const size_t at = strlen(channels);
    snprintf(channels + at, sizeof(channels) - at, "-%.*s ", (int)len, topic);
}

static const struct hub_ops hub_ops = {.open_channel = on_open_channel,
                                       .close_channel = on_close_channel,
                                       .deliver = session_deliver,
                                       .ready = session_ready};

static void on_wake(void *arg)
{
    ck_assert_ptr_eq(arg, session);
    woken++;
}

/* Starts session 0 or 1, which then is the one that speaks and hears. */
static void begin(size_t number)
{
    session = &sessions[number];
    ck_assert(session_init(session, &env, session, "tester, cut here", 6));
    running[number] = true;
    hears(GREETING);
}

/* The session ends, and that is why. */
static void ends_as(enum stats_end reason)
{
    session_finish(session);
    running[session - sessions] = false;
    for (int i = 0; i < STATS_END_COUNT; i++) {
        ck_assert_uint_eq(stats.closes[i], i == (int)reason ? 1 : 0);
    }
}

/* Starts anew with the limits as they are now. */
static void restart(void)
{
    if (running[0]) {
        session_finish(session);
    }
    stats = (struct stats){0};
    begin(0);
}

static void setup(void)
{
    env = (struct session_env){
        .limits = {.max_message_bytes = 2000,
                   .max_topics = 3,
                   .request_rate_per_s = 10,
                   .request_burst = 1000,
                   .flood_limit = 3,
                   .backlog_hard_bytes = 4096,
                   .backlog_age_ms = 1000,
                   .pong_timeout_ms = 200,
                   .subscribe_timeout_ms = 500,
                   .close_timeout_ms = 300},
        .hub = hub_create(&hub_ops, NULL),
        .parser = proto_parser_create(),
        .stats = &stats,
        .now_ms = 1000000,
        .wake = on_wake,
    };
    ck_assert(env.hub != NULL && env.parser != NULL);
    channels[0] = '\0';
    restart();
}

static void teardown(void)
{
    for (size_t i = 0; i < 2; i++) {
        session = &sessions[i];
        if (running[i]) {
            session_finish(session);
            running[i] = false;
        }
    }
    hub_destroy(env.hub);
    proto_parser_destroy(env.parser);
}

/* ---- requests -----------------------------------------------------------------------
 */

START_TEST(requests_that_need_no_redis_are_answered_at_once)
{
    say("{'type':'ping','request_id':'p'}", "{'type':'heartbeat_response'}",
        "{'type':'get_subscriptions','request_id':1}");
    hears("{'type':'pong','request_id':'p'", LISTED("") ",'request_id':1");
    ck_assert_uint_eq(stats.connections_total, 1);
    ck_assert_uint_eq(stats.messages_received_total, 3);
    ck_assert_uint_eq(stats.errors_sent_total, 0);
    ends_as(STATS_END_GONE);
}
END_TEST

START_TEST(faulty_messages_are_answered_and_the_connection_stays)
{
    say("{'type':'dance','request_id':'d'}", "garbage");
    send_frame(0x82, "\0\1", 2);
    hears(BAD("unknown type") ",'request_id':'d'", BAD("not a JSON object"),
          BAD("binary frame"));
    ck_assert_uint_eq(stats.errors_sent_total, 3);
    ck_assert_uint_eq(stats.messages_received_total, 3);
    is(SESSION_OPEN);
}
END_TEST

START_TEST(messages_may_come_several_in_a_piece_and_in_pieces)
{
    static const char bytes[] = "\x81\x8f\0\0\0\0{\"type\":\"ping\"}"
                                "\x81\x8f\0\0\0\0{\"type\":\"ping\"}";
    const size_t len = sizeof(bytes) - 1;
    session_input(session, (const unsigned char *)bytes, len - 1);
    hears(PONG);
    session_input(session, (const unsigned char *)bytes + len - 1, 1);
    hears(PONG);
    ck_assert_uint_eq(stats.bytes_received_total, len);
}
END_TEST

/* ---- topics -------------------------------------------------------------------------
 */

/* Holds the topic, acknowledged. */
static void hold(const char *topic)
{
    char text[128];
    snprintf(text, sizeof(text), "{'type':'subscribe','topic':'%s'}", topic);
    say(text);
    channel_is_open(topic);
    snprintf(text, sizeof(text), "{'type':'subscribe_ack','topic':'%s'", topic);
    hears(text);
}

START_TEST(a_subscription_is_acknowledged_when_redis_has_confirmed_it)
{
    say("{'type':'subscribe','topic':'" A "','request_id':7}");
    ck_assert_str_eq(channels, "+" A " ");
    pass(499);
    hears_nothing();
    channel_is_open(A);
    hears(ACK(A) ",'request_id':7");
}
END_TEST

START_TEST(nothing_is_delivered_before_the_acknowledgement)
{
    say(SUB(A), SUB(B));
    publish(A);
    channel_is_open(B);
    publish(B);
    hears_nothing();
    channel_is_open(A);
    publish(A);
    publish(B);
    hears(ACK(A), ACK(B), DATA(A), DATA(B));
}
END_TEST

START_TEST(a_topic_that_is_live_already_is_acknowledged_at_once)
{
    hold(A);
    begin(1);
    say(SUB(A));
    hears(ACK(A));
    ck_assert_str_eq(channels, "+" A " ");
}
END_TEST

START_TEST(each_topic_of_a_request_is_answered_in_its_place)
{
    say("{'type':'subscribe','topics':['" A "','nonsense','" B "','']}");
    ck_assert_str_eq(channels, "+" A " +" B " ");
    channel_is_open(B);
    hears_nothing();
    channel_is_open(A);
    hears(ACK(A), NO_TOPIC("nonsense"), ACK(B), NO_TOPIC(""));
    ck_assert_uint_eq(stats.errors_sent_total, 2);
}
END_TEST

START_TEST(only_answers_about_topics_wait_for_one_another)
{
    hold(B);
    say(SUB(A), "{'type':'unsubscribe','topic':'" B "','request_id':2}",
        "{'type':'subscribe','topic':'bad','request_id':3}", PING);
    send_frame(0x89, "now", 3);
    publish(B);
    hears(PONG, "pong now", DATA(B));
    channel_is_open(A);
    hears(ACK(A), UNACK(B) ",'request_id':2", NO_TOPIC("bad") ",'request_id':3");
}
END_TEST

START_TEST(a_topic_given_up_while_others_wait_can_be_had_again)
{
    hold(B);
    say(SUB(A), UNSUB(B), SUB(B));
    channel_is_open(A);
    hears(ACK(A), UNACK(B));
    channel_is_open(B);
    hears(ACK(B));
    ck_assert_str_eq(channels, "+" B " +" A " -" B " +" B " ");
}
END_TEST

START_TEST(what_redis_does_not_confirm_in_time_fails_and_is_let_go)
{
    say("{'type':'subscribe','topic':'" A "','request_id':1}");
    pass(499);
    hears_nothing();
    pass(1);
    hears(UNREACHABLE ",'request_id':1");
    ck_assert_str_eq(channels, "+" A " -" A " ");
    is(SESSION_OPEN);
    hold(A);
}
END_TEST

START_TEST(each_waiting_answer_has_its_own_deadline)
{
    say(SUB(A));
    pass(100);
    say(SUB(B), UNSUB(C));
    pass(400);
    hears(UNREACHABLE);
    pass(100);
    hears(UNREACHABLE, UNACK(C));
    ck_assert_uint_eq(stats.errors_sent_total, 2);
}
END_TEST

START_TEST(a_held_topic_is_acknowledged_again_and_changes_nothing)
{
    say("{'type':'subscribe','topics':['" A "','" A "']}");
    channel_is_open(A);
    hears(ACK(A), ACK(A));
    say(SUB(A));
    publish(A);
    hears(ACK(A), DATA(A));
    ck_assert_str_eq(channels, "+" A " ");
}
END_TEST

START_TEST(a_held_topic_is_acknowledged_while_redis_is_away)
{
    hold(A);
    hub_all_channels_lost(env.hub);
    say(SUB(A), SUB(B));
    hears(ACK(A));
    channel_is_open(A);
    channel_is_open(B);
    hears(ACK(B));
}
END_TEST

START_TEST(unsubscribing_is_acknowledged_whatever_is_held)
{
    hold(A);
    say("{'type':'unsubscribe','topics':['" A "','" A "','no topic']}");
    publish(A);
    hears(UNACK(A), UNACK(A), UNACK("no topic"));
    ck_assert_str_eq(channels, "+" A " -" A " ");
}
END_TEST

START_TEST(topics_beyond_the_limit_fail_and_the_others_stay)
{
    hold(A);
    hold(B);
    hold(C);
    say(SUB("stock.D.1m"), SUB(A), UNSUB(B));
    hears(FAILED("too many topics"), ACK(A), UNACK(B));
    hold("stock.D.1m");
}
END_TEST

START_TEST(subscriptions_are_listed_sorted)
{
    hold("stock.B.1w");
    hold(B);
    hold("crypto.B.1M");
    say(LIST);
    hears(LISTED("'crypto.B.1M','" B "','stock.B.1w'"));
}
END_TEST

START_TEST(a_finished_session_holds_nothing)
{
    hold(A);
    say(SUB(B), SUB("x"));
    publish(A);
    ends_as(STATS_END_GONE);
    ck_assert_uint_eq(hub_topics(env.hub), 0);
    ck_assert_str_eq(channels, "+" A " +" B " -" B " -" A " ");
}
END_TEST

/* ---- rates --------------------------------------------------------------------------
 */

static void set_rate(int64_t per_s, int64_t burst)
{
    env.limits.request_rate_per_s = per_s;
    env.limits.request_burst = burst;
    env.limits.flood_limit = 1000000;
    restart();
}

START_TEST(a_burst_is_allowed_and_what_is_beyond_it_refused)
{
    set_rate(10, 3);
    pass(1000000); /* does not make it more */
    say(PING, PING, PING, "{'type':'ping','request_id':'late'}");
    hears(PONG, PONG, PONG, LIMITED ",'request_id':'late'");
    ck_assert_uint_eq(stats.requests_limited_total, 1);
    is(SESSION_OPEN);
}
END_TEST

START_TEST(a_token_comes_back_at_the_rate_and_not_a_millisecond_earlier)
{
    static const int64_t rates[] = {1, 3, 7, 10, 50, 999, 1000};
    for (size_t i = 0; i < COUNT(rates); i++) {
        set_rate(rates[i], 1);
        const int64_t wait_ms = (1000 + rates[i] - 1) / rates[i];
        say(PING);
        pass((uint64_t)wait_ms - 1);
        say(PING);
        pass(1);
        say(PING);
        hears(PONG, LIMITED, PONG);
    }
}
END_TEST

START_TEST(a_rate_above_one_per_millisecond_is_a_limit_too)
{
    set_rate(2000, 3);
    say(PING, PING, PING, PING);
    hears(PONG, PONG, PONG, LIMITED);
    pass(1);
    say(PING, PING, PING);
    hears(PONG, PONG, LIMITED);
}
END_TEST

/* Against a bucket of thousandths that is filled millisecond by millisecond. */
START_TEST(over_any_time_the_bucket_is_exact)
{
    set_rate(7, 5);
    uint64_t random = 42;
    int64_t bucket = 5000;
    for (int i = 0; i < 1000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        const uint64_t ms = (random >> 33) % 400;
        for (uint64_t j = 0; j < ms; j++) {
            bucket = bucket + 7 < 5000 ? bucket + 7 : 5000;
        }
        pass(ms);
        say(PING);
        hears(bucket >= 1000 ? PONG : LIMITED);
        bucket -= bucket >= 1000 ? 1000 : 0;
    }
}
END_TEST

START_TEST(every_topic_takes_a_token_and_a_request_goes_whole_or_not_at_all)
{
    set_rate(10, 4);
    say("{'type':'unsubscribe','topics':['a','b','c']}",
        "{'type':'subscribe','topics':['" A "','" B "'],'request_id':1}");
    hears(UNACK("a"), UNACK("b"), UNACK("c"), LIMITED ",'request_id':1");
    ck_assert_str_eq(channels, "");
}
END_TEST

START_TEST(faulty_and_binary_messages_take_a_token_too)
{
    set_rate(10, 2);
    say("garbage");
    send_frame(0x82, "", 0);
    send_frame(0x82, "", 0);
    say("garbage");
    hears(BAD("not a JSON object"), BAD("binary frame"), LIMITED, LIMITED);
}
END_TEST

START_TEST(pings_beyond_the_rate_are_left_unanswered)
{
    set_rate(10, 1);
    send_frame(0x89, "1", 1);
    send_frame(0x89, "2", 1);
    hears("pong 1");
    ck_assert_uint_eq(stats.requests_limited_total, 0);
}
END_TEST

/* Refused requests: 3 in a row are too many. */
START_TEST(whoever_keeps_flooding_is_closed_with_4029)
{
    env.limits.request_burst = 1;
    restart();
    say(PING, PING, "garbage");
    is(SESSION_OPEN);
    say(PING, PING);
    hears(PONG, LIMITED, LIMITED, LIMITED, "close 4029 flooding");
    ends_as(STATS_END_FLOODING);
}
END_TEST

START_TEST(an_accepted_message_ends_the_row_of_refused_ones)
{
    static const unsigned opcodes[] = {0x81, 0x82};
    for (size_t i = 0; i < COUNT(opcodes); i++) {
        env.limits.request_burst = 1;
        restart();
        say(PING, PING, PING);
        pass(100);
        send_frame(opcodes[i], "garbage", 7);
        say(PING, PING);
        is(SESSION_OPEN);
        say(PING);
        is(SESSION_CLOSING);
    }
}
END_TEST

/* ---- the clock ----------------------------------------------------------------------
 */

START_TEST(a_clients_ping_is_answered_with_its_payload)
{
    send_frame(0x01, "{\"type\":", 8);
    send_frame(0x89, "in the middle", 13);
    send_frame(0x8a, "unasked", 7);
    send_frame(0x80, "\"ping\"}", 7);
    send_frame(0x89, "", 0);
    hears("pong in the middle", PONG, "pong ");
}
END_TEST

START_TEST(pings_are_sent_at_their_interval_and_a_pong_keeps_the_client)
{
    env.limits.ping_interval_ms = 1000;
    restart();
    pass(999);
    hears_nothing();
    for (int i = 0; i < 3; i++) {
        pass(1);
        hears("ping ");
        pass(199);
        send_frame(0x8a, "", 0);
        pass(800);
        hears_nothing();
    }
    is(SESSION_OPEN);
}
END_TEST

START_TEST(without_a_pong_in_time_the_client_is_cut_off)
{
    env.limits.ping_interval_ms = 1000;
    restart();
    pass(1000);
    say(PING); /* is no pong */
    pass(199);
    hears("ping ", PONG);
    pass(1);
    is(SESSION_OVER);
    hears_nothing();
    ends_as(STATS_END_NO_PONG);
}
END_TEST

START_TEST(the_time_for_a_pong_runs_from_the_first_unanswered_ping)
{
    env.limits.ping_interval_ms = 150;
    restart();
    pass(150);
    pass(150);
    hears("ping ", "ping ");
    is(SESSION_OPEN);
    pass(50);
    is(SESSION_OVER);
}
END_TEST

START_TEST(heartbeats_are_sent_at_their_interval)
{
    env.limits.heartbeat_interval_ms = 1000;
    restart();
    for (int i = 0; i < 3; i++) {
        pass(999);
        hears_nothing();
        pass(1);
        hears(HEARTBEAT);
    }
}
END_TEST

START_TEST(an_interval_of_zero_sends_neither_pings_nor_heartbeats)
{
    pass(86400000);
    hears_nothing();
    is(SESSION_OPEN);
}
END_TEST

/* ---- slow readers -------------------------------------------------------------------
 */

START_TEST(beyond_the_hard_limit_a_client_is_closed_and_its_backlog_dropped)
{
    hold(A);
    publish(A);
    env.limits.backlog_hard_bytes = 5 * (int64_t)session->queue.bytes;
    for (int i = 1; i < 5; i++) {
        publish(A);
    }
    is(SESSION_OPEN);
    ck_assert_uint_eq(session->queue.count, 5);
    publish(A);
    is(SESSION_CLOSING);
    publish(A);
    hears("close 4008 slow");
    ends_as(STATS_END_SLOW);
}
END_TEST

START_TEST(a_slow_client_costs_the_others_nothing)
{
    begin(1);
    hold(A);
    begin(0);
    hold(A);
    for (int i = 0; i < 100; i++) {
        session = sessions[1].state == SESSION_OPEN ? &sessions[1] : &sessions[0];
        publish(A);
        session = &sessions[0];
        hears(DATA(A));
    }
    is(SESSION_OPEN);
    ck_assert_int_eq(sessions[1].state, SESSION_CLOSING);
}
END_TEST

START_TEST(a_frame_beyond_the_limit_reaches_a_client_that_keeps_up)
{
    hold(A);
    env.limits.backlog_hard_bytes = 10;
    publish(A);
    hears(DATA(A));
    is(SESSION_OPEN);
}
END_TEST

START_TEST(a_client_blocked_for_too_long_is_closed_and_its_backlog_dropped)
{
    say(PING);
    session_set_blocked(session, true);
    pass(600);
    session_set_blocked(session, true);
    pass(399);
    is(SESSION_OPEN);
    pass(2);
    hears("close 4008 slow");
    ends_as(STATS_END_SLOW);
}
END_TEST

START_TEST(a_client_that_takes_everything_in_time_is_not_slow)
{
    for (int i = 0; i < 5; i++) {
        session_set_blocked(session, true);
        pass(900);
        session_set_blocked(session, false);
        pass(900);
    }
    is(SESSION_OPEN);
}
END_TEST

START_TEST(a_session_asks_once_to_be_looked_at)
{
    woken = 0;
    say(PING);
    ck_assert_int_eq(woken, 1);
    say(PING);
    ck_assert_int_eq(woken, 1);
    hears(PONG, PONG);
    say(PING);
    ck_assert_int_eq(woken, 2);
    session_input_ended(session);
    ck_assert_int_eq(woken, 3);
}
END_TEST

/* ---- the end ------------------------------------------------------------------------
 */

START_TEST(a_clients_close_is_answered_with_its_code_behind_what_waits)
{
    say(PING);
    send_frame(0x88, "\x03\xe8 bye", 6);
    is(SESSION_CLOSING);
    say(PING); /* after its close it has nothing more to say */
    hears(PONG, "close 1000 ");
    session_all_sent(session);
    is(SESSION_OVER);
    ends_as(STATS_END_BY_CLIENT);
    restart();
    send_frame(0x88, "", 0);
    hears("close 0 ");
}
END_TEST

START_TEST(our_close_waits_for_the_clients)
{
    say(PING);
    session_end(session, STATS_END_SHUTDOWN);
    hears(PONG, "close 1001 shutdown");
    session_all_sent(session);
    pass(299);
    is(SESSION_CLOSING);
    send_frame(0x88, "\x03\xe9", 2);
    is(SESSION_OVER);
    ends_as(STATS_END_SHUTDOWN);
}
END_TEST

START_TEST(whoever_does_not_finish_the_close_in_time_is_cut_off)
{
    for (int ours = 0; ours < 2; ours++) {
        restart();
        if (ours == 1) {
            session_end(session, STATS_END_SHUTDOWN);
        } else {
            send_frame(0x88, "\x03\xe8", 2);
        }
        pass(299);
        is(SESSION_CLOSING);
        pass(1);
        is(SESSION_OVER);
        hears_nothing();
        pass(1000);
        ends_as(ours == 1 ? STATS_END_SHUTDOWN : STATS_END_BY_CLIENT);
    }
}
END_TEST

START_TEST(while_closing_requests_and_data_are_ignored)
{
    env.limits.heartbeat_interval_ms = 100;
    restart();
    hold(A);
    say(SUB(B));
    session_end(session, STATS_END_SHUTDOWN);
    say(PING);
    send_frame(0x82, "", 0);
    send_frame(0x89, "", 0);
    publish(A);
    channel_is_open(B);
    pass(200);
    hears("close 1001 shutdown");
}
END_TEST

START_TEST(every_reason_to_end_has_its_code_and_is_counted)
{
    for (int i = 0; i < STATS_END_COUNT; i++) {
        const enum stats_end reason = (enum stats_end)i;
        restart();
        session_end(session, reason);
        session_end(session, STATS_END_FLOODING); /* too late */
        if (stats_end_code(reason) == 0) {
            is(SESSION_OVER);
            hears_nothing();
        } else {
            char text[64];
            is(SESSION_CLOSING);
            snprintf(text, sizeof(text), "close %u %s", stats_end_code(reason),
                     stats_end_label(reason));
            hears(text);
        }
        ends_as(reason);
    }
}
END_TEST

START_TEST(when_the_client_is_gone_the_session_is_over)
{
    for (int i = 0; i < 2; i++) {
        restart();
        say(PING);
        if (i == 1) {
            session_end(session, STATS_END_SHUTDOWN);
        }
        session_input_ended(session);
        is(SESSION_OVER);
        hears_nothing();
        say(PING);
        session_input_ended(session);
        ends_as(i == 1 ? STATS_END_SHUTDOWN : STATS_END_GONE);
    }
}
END_TEST

START_TEST(a_broken_stream_is_closed_with_its_code_and_not_read_further)
{
    static const struct {
        unsigned first;
        size_t len;
        enum stats_end reason;
        const char *text;
    } cases[] = {{0x83, 0, STATS_END_PROTOCOL, "close 1002 reserved opcode"},
                 {0x81, 1, STATS_END_NOT_UTF8, "close 1007 text is not UTF-8"},
                 {0x82, 2001, STATS_END_TOO_BIG, "close 1009 message too long"}};
    static char payload[2001] = "\xff";
    for (size_t i = 0; i < COUNT(cases); i++) {
        restart();
        send_frame(cases[i].first, payload, cases[i].len);
        say(PING);
        send_frame(0x88, "\x03\xe8", 2);
        is(SESSION_CLOSING);
        hears(cases[i].text);
        pass(300);
        is(SESSION_OVER);
        ends_as(cases[i].reason);
    }
}
END_TEST

static void add_requests(TCase *tcase)
{
    tcase_add_test(tcase, requests_that_need_no_redis_are_answered_at_once);
    tcase_add_test(tcase, faulty_messages_are_answered_and_the_connection_stays);
    tcase_add_test(tcase, messages_may_come_several_in_a_piece_and_in_pieces);
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
    tcase_add_test(tcase, subscriptions_are_listed_sorted);
    tcase_add_test(tcase, a_finished_session_holds_nothing);
    tcase_add_test(tcase, a_burst_is_allowed_and_what_is_beyond_it_refused);
    tcase_add_test(tcase, a_token_comes_back_at_the_rate_and_not_a_millisecond_earlier);
    tcase_add_test(tcase, a_rate_above_one_per_millisecond_is_a_limit_too);
    tcase_add_test(tcase, over_any_time_the_bucket_is_exact);
    tcase_add_test(tcase,
                   every_topic_takes_a_token_and_a_request_goes_whole_or_not_at_all);
}

static void add_ends(TCase *tcase)
{
    tcase_add_test(tcase, faulty_and_binary_messages_take_a_token_too);
    tcase_add_test(tcase, pings_beyond_the_rate_are_left_unanswered);
    tcase_add_test(tcase, whoever_keeps_flooding_is_closed_with_4029);
    tcase_add_test(tcase, an_accepted_message_ends_the_row_of_refused_ones);
    tcase_add_test(tcase, a_clients_ping_is_answered_with_its_payload);
    tcase_add_test(tcase, pings_are_sent_at_their_interval_and_a_pong_keeps_the_client);
    tcase_add_test(tcase, without_a_pong_in_time_the_client_is_cut_off);
    tcase_add_test(tcase, the_time_for_a_pong_runs_from_the_first_unanswered_ping);
    tcase_add_test(tcase, heartbeats_are_sent_at_their_interval);
    tcase_add_test(tcase, an_interval_of_zero_sends_neither_pings_nor_heartbeats);
    tcase_add_test(tcase,
                   beyond_the_hard_limit_a_client_is_closed_and_its_backlog_dropped);
    tcase_add_test(tcase, a_slow_client_costs_the_others_nothing);
    tcase_add_test(tcase, a_frame_beyond_the_limit_reaches_a_client_that_keeps_up);
    tcase_add_test(tcase,
                   a_client_blocked_for_too_long_is_closed_and_its_backlog_dropped);
    tcase_add_test(tcase, a_client_that_takes_everything_in_time_is_not_slow);
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
    add_ends(tcase);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
