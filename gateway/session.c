/* SPDX-License-Identifier: MIT */
#include "gateway/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/topic.h"
#include "gateway/frame.h"
#include "gateway/proto.h"

/* Beyond its rate a client's message is looked into only if that is cheap. */
#define ECHO_ID_MAX_BYTES 1024

struct session_answer {
    struct session_answer *next;
    enum proto_request_kind kind;
    uint64_t deadline_ms;
    struct proto_request_id id;
    size_t len;
    char topic[];
};

/* ---- state and sending --------------------------------------------------------------
 */

static void set_state(struct session *session, enum session_state state)
{
    assert(state > session->state);
    session->state = (uint8_t)state;
    session->env->wake(session->arg);
}

static void cut(struct session *session, enum stats_end reason)
{
    if (session->state == SESSION_OPEN) {
        session->reason = (uint8_t)reason;
    }
    if (session->state != SESSION_OVER) {
        outq_finish(&session->queue);
        set_state(session, SESSION_OVER);
    }
}

/* Queues a close frame and waits for the peer's answer. */
static void begin_close(struct session *session, enum stats_end reason, unsigned code,
                        const char *words)
{
    session->reason = (uint8_t)reason;
    struct frame *frame = frame_create_close(code, words);
    const struct outq_limits no_limits = {.soft_bytes = SIZE_MAX, .hard_bytes = SIZE_MAX};
    if (frame == NULL || outq_push(&session->queue, frame, NULL, &no_limits) != OUTQ_OK) {
        frame_unref(frame);
        cut(session, reason);
        return;
    }
    frame_unref(frame);
    session->deadline_ms =
        session->env->now_ms + (uint64_t)session->env->limits.close_timeout_ms;
    set_state(session, SESSION_CLOSING);
}

void session_end(struct session *session, enum stats_end reason)
{
    if (session->state != SESSION_OPEN) {
        return;
    }
    const unsigned code = stats_end_code(reason);
    if (code == 0) {
        session->reason = (uint8_t)reason;
        cut(session, reason);
        return;
    }
    if (reason == STATS_END_SLOW || reason == STATS_END_OVER_BUDGET ||
        reason == STATS_END_NO_MEMORY) {
        outq_finish(&session->queue); /* what waits is why it must go */
    }
    begin_close(session, reason, code, stats_end_label(reason));
}

/* `topic` as in outq_push(). */
static void queue_frame(struct session *session, struct frame *frame, const void *topic)
{
    if (session->state != SESSION_OPEN) {
        return;
    }
    const struct session_limits *limits = &session->env->limits;
    const struct outq_limits bounds = {
        .soft_bytes = session->wants_all ? SIZE_MAX : (size_t)limits->backlog_soft_bytes,
        .hard_bytes = (size_t)limits->backlog_hard_bytes};
    const bool was_empty = session->queue.count == 0;
    switch (outq_push(&session->queue, frame, topic, &bounds)) {
    case OUTQ_OK:
        if (was_empty) {
            session->env->wake(session->arg);
        }
        break;
    case OUTQ_CONFLATED:
        session->skipped++;
        session->env->stats->messages_conflated_total++;
        break;
    case OUTQ_FULL:
        session_end(session, STATS_END_SLOW);
        break;
    case OUTQ_NO_MEMORY:
        session_end(session, STATS_END_NO_MEMORY);
        break;
    }
}

/* Queues a frame made for this client alone, and gives the reference back. */
static void send_own(struct session *session, struct frame *frame)
{
    if (frame == NULL) {
        session_end(session, STATS_END_NO_MEMORY);
        return;
    }
    queue_frame(session, frame, NULL);
    frame_unref(frame);
}

void session_deliver(void *owner, struct frame *frame, const void *topic)
{
    queue_frame(owner, frame, topic);
}

static void send_error(struct session *session, enum proto_error error,
                       struct proto_topic what, const struct proto_request_id *id)
{
    session->env->stats->errors_sent_total++;
    send_own(session, proto_error(error, what.text, what.len, id, session->env->wall_us));
}

static struct proto_topic words(const char *text)
{
    return (struct proto_topic){.text = text, .len = strlen(text)};
}

/* ---- answers about topics -----------------------------------------------------------
 */

/* Returns false if the answer must wait for Redis. */
static bool answer_subscribe(struct session *session, struct proto_topic topic,
                             const struct proto_request_id *id)
{
    struct session_env *env = session->env;
    struct topic parsed;
    if (!topic_parse(topic.text, topic.len, &parsed)) {
        send_error(session, PROTO_INVALID_TOPIC, topic, id);
        return true;
    }
    switch (hub_subscribe(env->hub, &session->client, topic.text, topic.len,
                          (size_t)env->limits.max_topics)) {
    case HUB_WAITING:
        return false;
    case HUB_LIMIT:
        send_error(session, PROTO_SUBSCRIPTION_FAILED, words("too many topics"), id);
        return true;
    case HUB_FULL:
        send_error(session, PROTO_SUBSCRIPTION_FAILED,
                   words("this gateway holds too many different topics"), id);
        return true;
    case HUB_NO_MEMORY:
        send_error(session, PROTO_SUBSCRIPTION_FAILED, words("out of memory"), id);
        return true;
    case HUB_LIVE:
        hub_activate(env->hub, &session->client, topic.text, topic.len);
        break;
    case HUB_ACTIVE:
        break;
    }
    send_own(session, proto_subscribe_ack(topic, id, env->wall_us));
    return true;
}

static bool answer(struct session *session, enum proto_request_kind kind,
                   struct proto_topic topic, const struct proto_request_id *id)
{
    if (kind == PROTO_SUBSCRIBE) {
        return answer_subscribe(session, topic, id);
    }
    hub_unsubscribe(session->env->hub, &session->client, topic.text, topic.len);
    send_own(session, proto_unsubscribe_ack(topic, id, session->env->wall_us));
    return true;
}

/* Of a text too long for a topic only so much is kept as is echoed; what is left is still
 * too long. */
static void answer_later(struct session *session, enum proto_request_kind kind,
                         struct proto_topic topic, const struct proto_request_id *id)
{
    _Static_assert(PROTO_ECHO_MAX >= TOPIC_MAX + 4, "a cut text must stay no topic");
    topic.len = json_cut(topic.text, topic.len, PROTO_ECHO_MAX);
    struct session_answer *waiting = malloc(sizeof(*waiting) + topic.len);
    if (waiting == NULL) {
        session_end(session, STATS_END_NO_MEMORY);
        return;
    }
    waiting->next = NULL;
    waiting->kind = kind;
    waiting->deadline_ms =
        session->env->now_ms + (uint64_t)session->env->limits.subscribe_timeout_ms;
    waiting->id = *id;
    waiting->len = topic.len;
    memcpy(waiting->topic, topic.text, topic.len);
    if (session->last_answer == NULL) {
        session->first_answer = waiting;
    } else {
        session->last_answer->next = waiting;
    }
    session->last_answer = waiting;
}

static void drop_first_answer(struct session *session)
{
    struct session_answer *first = session->first_answer;
    session->first_answer = first->next;
    if (session->first_answer == NULL) {
        session->last_answer = NULL;
    }
    free(first);
}

/* Gives the waiting answers that are due, and those behind them. */
void session_ready(void *owner)
{
    struct session *session = owner;
    while (session->first_answer != NULL && session->state == SESSION_OPEN) {
        const struct session_answer *first = session->first_answer;
        const struct proto_topic topic = {.text = first->topic, .len = first->len};
        if (!answer(session, first->kind, topic, &first->id)) {
            if (first->deadline_ms > session->env->now_ms) {
                return;
            }
            hub_unsubscribe(session->env->hub, &session->client, topic.text, topic.len);
            send_error(session, PROTO_SUBSCRIPTION_FAILED, words("Redis is unreachable"),
                       &first->id);
        }
        drop_first_answer(session);
    }
}

static void handle_topics(struct session *session, const struct proto_request *request)
{
    for (size_t i = 0; i < request->topic_count; i++) {
        const struct proto_topic topic = request->topics[i];
        if (session->first_answer == NULL) {
            if (!answer(session, request->kind, topic, &request->id)) {
                answer_later(session, request->kind, topic, &request->id);
            }
            continue;
        }
        answer_later(session, request->kind, topic, &request->id);
        struct topic parsed;
        if (request->kind == PROTO_SUBSCRIBE &&
            topic_parse(topic.text, topic.len, &parsed)) {
            /* Redis can be asked already; the answer is given when its turn comes. */
            (void)hub_subscribe(session->env->hub, &session->client, topic.text,
                                topic.len, (size_t)session->env->limits.max_topics);
        }
    }
}

/* ---- requests -----------------------------------------------------------------------
 */

static int compare_topics(const void *a, const void *b)
{
    const struct proto_topic *one = a;
    const struct proto_topic *other = b;
    const size_t shorter = one->len < other->len ? one->len : other->len;
    const int order = memcmp(one->text, other->text, shorter);
    return order != 0 ? order : (one->len > other->len) - (one->len < other->len);
}

static void list_subscriptions(struct session *session, const struct proto_request_id *id)
{
    const size_t count = session->client.held_count;
    struct proto_topic *topics = malloc((count + 1) * sizeof(*topics));
    if (topics == NULL) {
        session_end(session, STATS_END_NO_MEMORY);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        topics[i].text = hub_held_topic(&session->client, i, &topics[i].len);
    }
    qsort(topics, count, sizeof(*topics), compare_topics);
    send_own(session, proto_subscriptions_list(topics, count, id, session->env->wall_us));
    free(topics);
}

/* Takes tokens from the client's bucket; false if it has too few. */
static bool take_tokens(struct session *session, size_t tokens)
{
    return bucket_take(&session->bucket, &session->env->limits.requests, tokens,
                       session->env->now_ms);
}

static void refuse_request(struct session *session, const struct proto_request_id *id)
{
    session->env->stats->requests_limited_total++;
    session->refused_in_row++;
    send_error(session, PROTO_RATE_LIMITED, words(""), id);
    if (session->refused_in_row >= session->env->limits.flood_limit) {
        session_end(session, STATS_END_FLOODING);
    }
}

static void handle_request(struct session *session, const struct proto_request *request)
{
    switch (request->kind) {
    case PROTO_SUBSCRIBE:
    case PROTO_UNSUBSCRIBE:
        handle_topics(session, request);
        break;
    case PROTO_PING:
        send_own(session, proto_pong(&request->id, session->env->wall_us));
        break;
    case PROTO_GET_SUBSCRIPTIONS:
        list_subscriptions(session, &request->id);
        break;
    case PROTO_HEARTBEAT_RESPONSE:
        break;
    }
}

static void handle_text(struct session *session, const char *text, size_t len)
{
    struct proto_request request;
    request.id.len = 0;
    const bool allowed = take_tokens(session, 1);
    const char *fault = NULL;
    if (allowed || len <= ECHO_ID_MAX_BYTES) {
        fault = proto_parse(session->env->parser, text, len, &request);
    }
    if (!allowed || (fault == NULL && request.topic_count > 1 &&
                     !take_tokens(session, request.topic_count - 1))) {
        refuse_request(session, &request.id);
        return;
    }
    session->refused_in_row = 0;
    if (fault != NULL) {
        send_error(session, PROTO_INVALID_MESSAGE, words(fault), &request.id);
        return;
    }
    handle_request(session, &request);
}

static void handle_binary(struct session *session)
{
    const struct proto_request_id no_id = {.len = 0};
    if (take_tokens(session, 1)) {
        session->refused_in_row = 0;
        send_error(session, PROTO_INVALID_MESSAGE, words("binary frame"), &no_id);
    } else {
        refuse_request(session, &no_id);
    }
}

/* Control frames count as requests. One beyond the rate is passed over: RFC 6455 section
 * 5.5.3 wants no more than the last ping answered. */
static bool take_control_frame(struct session *session)
{
    if (take_tokens(session, 1)) {
        return true;
    }
    session->env->stats->requests_limited_total++;
    session->refused_in_row++;
    if (session->refused_in_row >= session->env->limits.flood_limit) {
        session_end(session, STATS_END_FLOODING);
    }
    return false;
}

static void handle_ping(struct session *session, const struct reader_message *message)
{
    if (take_control_frame(session)) {
        const struct frame_part payload = {.bytes = message->bytes, .len = message->len};
        send_own(session, frame_create(FRAME_PONG, &payload, 1));
    }
}

/* Only a pong that was asked for is free. */
static void handle_pong(struct session *session)
{
    if (session->deadline_ms != 0) {
        session->deadline_ms = 0;
    } else {
        (void)take_control_frame(session);
    }
}

/* ---- input --------------------------------------------------------------------------
 */

static enum stats_end end_of_code(unsigned code)
{
    switch (code) {
    case 1007:
        return STATS_END_NOT_UTF8;
    case 1009:
        return STATS_END_TOO_BIG;
    case 1011:
        return STATS_END_NO_MEMORY;
    default:
        return STATS_END_PROTOCOL;
    }
}

/* Our close frame, as an answer or crossing the peer's, is all that is left to send. */
static void handle_close(struct session *session, unsigned code)
{
    session->deaf = true;
    session->peer_closed = true;
    if (session->state == SESSION_OPEN) {
        begin_close(session, STATS_END_BY_CLIENT, code, "");
    } else if (session->queue.count == 0 && session->blocked_since_ms == 0) {
        cut(session, (enum stats_end)session->reason);
    }
}

static void handle_event(struct session *session, enum reader_event event,
                         const struct reader_message *message)
{
    if (event == READER_CLOSE) {
        handle_close(session, message->code);
        return;
    }
    if (event == READER_BROKEN) {
        session->deaf = true;
        if (session->state == SESSION_OPEN) {
            const enum stats_end reason = end_of_code(message->code);
            begin_close(session, reason, stats_end_code(reason), message->reason);
        }
        return;
    }
    if (session->state != SESSION_OPEN) {
        return; /* only the peer's close frame is of interest now */
    }
    if (event == READER_PING) {
        handle_ping(session, message);
    } else if (event == READER_PONG) {
        handle_pong(session);
    } else if (event == READER_BINARY) {
        session->env->stats->messages_received_total++;
        handle_binary(session);
    } else if (event == READER_TEXT) {
        session->env->stats->messages_received_total++;
        handle_text(session, message->bytes, message->len);
    }
}

void session_input(struct session *session, const unsigned char *bytes, size_t len)
{
    session->env->stats->bytes_received_total += len;
    const unsigned char *at = bytes;
    const unsigned char *end = bytes + len;
    enum reader_event event = READER_BINARY;
    while (event != READER_MORE && !session->deaf && session->state != SESSION_OVER) {
        struct reader_message message;
        event = reader_next(&session->reader, &at, end,
                            (size_t)session->env->limits.max_message_bytes, &message);
        handle_event(session, event, &message);
    }
}

void session_input_ended(struct session *session)
{
    cut(session, STATS_END_GONE);
}

void session_set_blocked(struct session *session, bool blocked)
{
    if (!blocked) {
        if (session->blocked_since_ms != 0 && session->state == SESSION_OPEN &&
            session->deadline_ms != 0) {
            /* The ping may have waited until now. */
            session->deadline_ms =
                session->env->now_ms + (uint64_t)session->env->limits.pong_timeout_ms;
        }
        session->blocked_since_ms = 0;
    } else if (session->blocked_since_ms == 0) {
        session->blocked_since_ms = session->env->now_ms;
    }
}

void session_all_sent(struct session *session)
{
    if (session->state == SESSION_OPEN && session->skipped > 0) {
        const uint64_t skipped = session->skipped;
        session->skipped = 0;
        send_own(session, proto_conflated(skipped, session->env->wall_us));
    } else if (session->state == SESSION_CLOSING && session->peer_closed) {
        cut(session, (enum stats_end)session->reason);
    }
}

/* ---- the clock ----------------------------------------------------------------------
 */

static bool is_past(const struct session *session, uint64_t when_ms)
{
    return when_ms != 0 && session->env->now_ms >= when_ms;
}

static void tick_open(struct session *session)
{
    const struct session_limits *limits = &session->env->limits;
    const uint64_t now_ms = session->env->now_ms;
    if (session->blocked_since_ms == 0 && is_past(session, session->deadline_ms)) {
        session_end(session, STATS_END_NO_PONG);
        return;
    }
    if (session->blocked_since_ms != 0 &&
        now_ms - session->blocked_since_ms > (uint64_t)limits->backlog_age_ms) {
        session_end(session, STATS_END_SLOW);
        return;
    }
    if (is_past(session, session->heartbeat_due_ms)) {
        session->heartbeat_due_ms = now_ms + (uint64_t)limits->heartbeat_interval_ms;
        send_own(session, proto_heartbeat(session->client_id, session->env->wall_us));
    }
    if (is_past(session, session->ping_due_ms)) {
        session->ping_due_ms = now_ms + (uint64_t)limits->ping_interval_ms;
        if (session->deadline_ms == 0) {
            session->deadline_ms = now_ms + (uint64_t)limits->pong_timeout_ms;
        }
        send_own(session, frame_create(FRAME_PING, NULL, 0));
    }
}

void session_tick(struct session *session)
{
    switch ((enum session_state)session->state) {
    case SESSION_OPEN:
        tick_open(session);
        session_ready(session);
        break;
    case SESSION_CLOSING:
        if (is_past(session, session->deadline_ms)) {
            cut(session, (enum stats_end)session->reason);
        }
        break;
    case SESSION_OVER:
        break;
    }
}

/* ---- life ---------------------------------------------------------------------------
 */

static uint64_t due(uint64_t now_ms, int64_t interval_ms)
{
    return interval_ms == 0 ? 0 : now_ms + (uint64_t)interval_ms;
}

bool session_init(struct session *session, struct session_env *env, void *arg,
                  const char *client_id, size_t len, bool wants_all)
{
    *session = (struct session){.env = env, .arg = arg, .wants_all = wants_all};
    session->client.owner = session;
    outq_init(&session->queue, &env->queued_bytes);
    session->client_id = strndup(client_id, len);
    if (session->client_id == NULL) {
        return false;
    }
    bucket_init(&session->bucket, &env->limits.requests, env->now_ms);
    session->heartbeat_due_ms = due(env->now_ms, env->limits.heartbeat_interval_ms);
    session->ping_due_ms = due(env->now_ms, env->limits.ping_interval_ms);
    env->stats->connections_total++;
    send_own(session, proto_connection_ack(session->client_id, env->wall_us));
    return true;
}

void session_finish(struct session *session)
{
    const bool was_cut = session->state == SESSION_OPEN;
    session->env->stats->closes[was_cut ? STATS_END_GONE : session->reason]++;
    while (session->first_answer != NULL) {
        drop_first_answer(session);
    }
    hub_leave(session->env->hub, &session->client);
    outq_finish(&session->queue);
    reader_finish(&session->reader);
    free(session->client_id);
}
