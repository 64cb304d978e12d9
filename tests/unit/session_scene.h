/* session_scene — one client and a house around it, for the tests of sessions.
 *
 * SPDX-License-Identifier: MIT
 *
 * Each test plays a scene: what the client says and hears, what the house and the clock
 * do meanwhile. A scene ends with nothing left to hear. The house is a real hub whose
 * channels open when the test says so; the client is a real session without a socket.
 * The histories are the scene's: message n of a topic has the id n-0.
 */
#ifndef TESTS_SESSION_SCENE_H
#define TESTS_SESSION_SCENE_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/session.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define A "stock.A.1m"
#define B "stock.B.1m"
#define C "stock.C.1m"
#define D "stock.D.1m"

/* Messages, with ' for a double quote; those of the server without their timestamp. */
#define PING                 "{'type':'ping'}"
#define SUB(topic)           "{'type':'subscribe','topic':'" topic "'}"
#define SUB_SINCE(topic, n)  "{'type':'subscribe','topic':'" topic "','since':'" n "-0'}"
#define SUB_SNAP(topic, yes) "{'type':'subscribe','topic':'" topic "','snapshot':" yes "}"
#define UNSUB(topic)         "{'type':'unsubscribe','topic':'" topic "'}"
#define GREETING             "{'type':'connection_ack','client_id':'tester'"
#define PONG                 "{'type':'pong'"
#define ACK(topic)           "{'type':'subscribe_ack','topic':'" topic "'"
#define RECOVERED(topic)     ACK(topic) ",'recovered':true"
#define NOT_RECOVERED(topic) ACK(topic) ",'recovered':false"
#define UNACK(topic)         "{'type':'unsubscribe_ack','topic':'" topic "'"
#define DATA(topic)          "{'type':'data','topic':'" topic "','data':{}"
#define MSG(topic, n)        DATA(topic) ",'id':'" n "-0'"
#define SNAP(topic, n)       MSG(topic, n) ",'snapshot':true"
#define GAP(topic, n)        "{'type':'gap','topic':'" topic "','after':'" n "-0'"
#define STATUS(state)        "{'type':'status','state':'" state "'"
#define HEARTBEAT            "{'type':'heartbeat','client_id':'tester'"
#define LISTED(topics)       "{'type':'subscriptions_list','subscriptions':[" topics "]"
#define ERROR(code)          "{'type':'error','error_code':'" code "','error_message':"
#define BAD(what)            ERROR("invalid_message") "'无效的消息格式: " what "'"
#define NO_TOPIC(text)       ERROR("invalid_topic") "'无效的主题格式: " text "'"
#define FAILED(why)          ERROR("subscription_failed") "'订阅失败: " why "'"
#define UNREACHABLE          FAILED("Redis is unreachable")
#define LIMITED              ERROR("rate_limited") "'请求过于频繁'"
#define LINGER_MS            3000 /* of topics */

#define STAMP ",'timestamp':'1970-01-01T00:00:00.000000'}"

/* Of all sessions; small limits, which a test may change before it calls restart(). */
extern struct session_env env;
extern struct stats stats;
extern struct session sessions[2];
extern struct session *session; /* the client of the scene */
extern int woken;               /* how often a session asked to be looked at */

/* Before and after each test. */
void scene_setup(void);
void scene_teardown(void);

/* ---- who is there -------------------------------------------------------------------
 */

/* The client is now this one, 0 or 1, who has just connected and heard its greeting, and
 * that Redis is away if it is. */
void begin(size_t number);

/* Starts anew with the limits as they are now. */
void restart(void);

/* The session ends, and that is why. */
void ends_as(enum stats_end reason);

/* ---- what goes in and comes out -----------------------------------------------------
 */

/* Nothing may be left to hear at its end.
 * NOLINTNEXTLINE(readability-identifier-naming): to the tests this is a function. */
#define play(...) ((__VA_ARGS__), silence())

/* The client sends a text, or a frame of any kind, given its first byte. */
void say(const char *text);
void frame(unsigned first, const char *payload);

/* The next frame in the queue, in words: "{'type':'pong'", "ping x", "pong x",
 * "close 1000 reason". */
void hear(const char *expected);
void silence(void);

/* Redis confirms the topic, and answers what is asked about histories. */
void opened(const char *topic);

/* Redis confirms the topic; it answers; it says that it can't. */
void confirmed(const char *topic);
void answered(void);
void refused(void);

/* Somebody publishes on the topic: what is not kept, its next message, or one that never
 * comes here but is in the history. The history loses all but the newest. */
void publish(const char *topic);
void message(const char *topic);
void message_elsewhere(const char *topic);
void trim(const char *topic);

/* Time passes, and hub and session look at the clock. */
void pass(uint64_t ms);

void is(enum session_state state);

/* What Redis was asked for: "+stock.A.1m -stock.A.1m ". */
void channels_are(const char *expected);

#endif
