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

/* The topics' histories, as Redis has them. */
#define HISTORIES 4
#define ENTRIES   100

static struct history {
    const char *topic;
    uint64_t first; /* numbers: 0 if there is none */
    uint64_t last;
} histories[HISTORIES];

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

/* The topic's history; an empty one if nothing was published on it yet. */
static struct history *history_of(const char *topic, size_t len)
{
    static struct history empty;
    empty = (struct history){0};
    for (size_t i = 0; i < HISTORIES; i++) {
        if (strlen(histories[i].topic) == len &&
            memcmp(histories[i].topic, topic, len) == 0) {
            return &histories[i];
        }
    }
    return &empty;
}

/* A message with its number, or 0 for one that is not kept. */
static struct frame *encode(const char *topic, uint64_t number)
{
    const struct feed_message message = {.sequenced = number != 0,
                                         .id = {.ms = number},
                                         .payload = "{}",
                                         .payload_len = 2};
    const struct proto_topic name = {.text = topic, .len = strlen(topic)};
    struct frame *data = proto_data(name, &message, 0);
    ck_assert_ptr_nonnull(data);
    return data;
}

static void describe(char *out, size_t size, const struct frame *sent)
{
    const char *payload = frame_payload(sent).bytes;
    const int len = (int)frame_payload(sent).len;
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

void publish(const char *topic)
{
    struct frame *data = encode(topic, 0);
    hub_publish(env.hub, topic, strlen(topic), data);
    frame_unref(data);
}

void message_elsewhere(const char *topic)
{
    struct history *history = history_of(topic, strlen(topic));
    history->last++;
    if (history->first == 0) {
        history->first = 1;
    }
}

void message(const char *topic)
{
    message_elsewhere(topic);
    const uint64_t number = history_of(topic, strlen(topic))->last;
    const struct sequence_item item = {
        .id = {.ms = number}, .prev = {.ms = number - 1}, .frame = encode(topic, number)};
    hub_message(env.hub, topic, strlen(topic), &item);
    frame_unref(item.frame);
}

void trim(const char *topic)
{
    struct history *history = history_of(topic, strlen(topic));
    history->first = history->last;
}

void confirmed(const char *topic)
{
    hub_channel_is_open(env.hub, topic, strlen(topic));
}

static void answer_read(const struct hub_read *read)
{
    const struct history *history = history_of(read->topic, read->len);
    struct sequence_item items[ENTRIES];
    size_t count = 0;
    for (uint64_t number = history->first; number != 0 && number <= history->last;
         number++) {
        if (number >= read->from.ms && number + read->max > history->last) {
            ck_assert_uint_lt(count, ENTRIES);
            items[count++] = (struct sequence_item){
                .id = {.ms = number}, .frame = encode(history->topic, number)};
        }
    }
    hub_history(env.hub, read, items, count);
    for (size_t i = 0; i < count; i++) {
        frame_unref(items[i].frame);
    }
}

void answered(void)
{
    struct hub_read read;
    while (hub_next_read(env.hub, &read)) {
        answer_read(&read);
    }
}

void refused(void)
{
    struct hub_read read;
    while (hub_next_read(env.hub, &read)) {
        hub_no_history(env.hub, &read);
    }
}

void opened(const char *topic)
{
    confirmed(topic);
    answered();
}

void pass(uint64_t ms)
{
    env.now_ms += ms;
    hub_tick(env.hub, env.now_ms);
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
    hear(GREETING);
    if (env.degraded) {
        hear(STATUS("degraded"));
    }
    silence();
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
    static const char *const topics[HISTORIES] = {A, B, C, D};
    static const struct hub_config hub_config = {.max_topics = 3,
                                                 .linger_ms = LINGER_MS,
                                                 .replay_keep_ms = 10000,
                                                 .replay_max = 20,
                                                 .replay_bytes = 100000,
                                                 .replay_total_bytes = 1000000};
    for (size_t i = 0; i < HISTORIES; i++) {
        histories[i] = (struct history){.topic = topics[i]};
    }
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
        .hub = hub_create(&hub_config, &hub_ops, NULL, &stats, &env.wall_us),
        .parser = proto_parser_create(),
        .stats = &stats,
        .now_ms = 1000000,
        .wake = wake,
    };
    ck_assert(env.hub != NULL && env.parser != NULL);
    hub_tick(env.hub, env.now_ms);
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
