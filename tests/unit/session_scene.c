/* SPDX-License-Identifier: MIT */
#include "session_scene.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "gateway/frame.h"
#include "gateway/proto.h"

struct session_env env;
struct stats stats;
struct session sessions[2];
struct session *session;
int woken;

static char channels[1024];

/* ---- what goes in and comes out -----------------------------------------------------
 */

void frame(unsigned first, const char *payload)
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

void say(const char *text)
{
    char message[2048];
    snprintf(message, sizeof(message), "%s", text);
    swap_quotes(message, '\'', '"');
    frame(0x81, message);
}

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

void hear(const char *expected)
{
    char text[2048];
    struct frame *sent = outq_pop(&session->queue);
    ck_assert_msg(sent != NULL, "silence instead of %s", expected);
    describe(text, sizeof(text), sent);
    frame_unref(sent);
    ck_assert_str_eq(text, expected);
}

void silence(void)
{
    ck_assert_uint_eq(session->queue.count, 0);
}

void opened(const char *topic)
{
    hub_channel_is_open(env.hub, topic, strlen(topic));
}

void publish(const char *topic)
{
    const struct feed_message message = {.payload = "{}", .payload_len = 2};
    const struct proto_topic name = {.text = topic, .len = strlen(topic)};
    struct frame *data = proto_data(name, &message, 0);
    ck_assert_ptr_nonnull(data);
    hub_publish(env.hub, topic, strlen(topic), data);
    frame_unref(data);
}

void pass(uint64_t ms)
{
    env.now_ms += ms;
    session_tick(session);
}

void is(enum session_state state)
{
    ck_assert_int_eq(session->state, state);
}

void channels_are(const char *expected)
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

void begin(size_t number)
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

void ends_as(enum stats_end reason)
{
    finish();
    for (int i = 0; i < STATS_END_COUNT; i++) {
        ck_assert_uint_eq(stats.closes[i], i == (int)reason ? 1 : 0);
    }
}

void restart(void)
{
    if (sessions[0].env != NULL) {
        finish();
    }
    stats = (struct stats){0};
    begin(0);
}

void scene_setup(void)
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

void scene_teardown(void)
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
