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

/* A `since` that is ahead of this gateway is looked for in the history; few clients have
 * an honest one. */
#define COSTLY_TOKENS 20

struct session_answer {
    struct session_answer *next;
    enum proto_request_kind kind;
    enum proto_begin begin;
    bool no_snapshot;
    struct feed_id since;
    uint64_t deadline_ms;
    size_t id_len;
    size_t topic_len;
    char text[]; /* the request's id, then the topic */
};

/* One topic of a request. */
struct question {
    enum proto_request_kind kind;
    enum proto_begin begin;
    bool no_snapshot;
    struct feed_id since;
    struct proto_topic topic;
    const struct proto_request_id *id;
    bool is_late; /* it has waited as long as it may */
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
        session->left_out++;
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

void session_tell(struct session *session, struct frame *frame)
{
    if (frame != NULL) {
        queue_frame(session, frame, NULL);
    } else {
        session_end(session, STATS_END_NO_MEMORY);
    }
}

/* Queues a frame made for this client alone, and gives the reference back. */
static void send_own(struct session *session, struct frame *frame)
{
    session_tell(session, frame);
    frame_unref(frame);
}

void session_reconnect(struct session *session, uint64_t after_ms)
{
    send_own(session, proto_reconnect(after_ms, session->env->wall_us));
    session_end(session, STATS_END_SHUTDOWN);
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

static void refuse_topic(struct session *session, const struct question *question,
                         const char *why)
{
    send_error(session, PROTO_SUBSCRIPTION_FAILED, words(why), question->id);
}

/* What a new subscription begins with. */
static enum hub_begin begin_of(const struct question *question)
{
    switch (question->begin) {
    case PROTO_BEGIN_DEFAULT:
    case PROTO_BEGIN_SNAPSHOT:
        return HUB_BEGIN_SNAPSHOT;
    case PROTO_BEGIN_SINCE:
        return HUB_BEGIN_SINCE;
    case PROTO_BEGIN_NOTHING:
        break;
    }
    return HUB_BEGIN_NOTHING;
}

static void acknowledge(struct session *session, const struct question *question,
                        enum proto_recovered recovered)
{
    send_own(session, proto_subscribe_ack(question->topic, recovered, question->id,
                                          session->env->wall_us));
}

/* Half of what may wait for a client may be replays; the rest is for what comes then. */
static size_t replay_room(const struct session *session)
{
    return (size_t)session->env->limits.backlog_hard_bytes / 2;
}

/* A replay for which there will be room once the client has taken what waits for it. */
static bool must_wait(const struct session *session, const struct hub_join *join)
{
    const size_t room = replay_room(session);
    return join->replays && join->bytes <= room &&
           session->queue.bytes + join->bytes > room;
}

static enum proto_recovered check_replay(const struct session *session,
                                         struct hub_join *join)
{
    join->replays =
        join->replays && session->queue.bytes + join->bytes <= replay_room(session);
    session->env->stats
        ->replays[join->replays ? STATS_REPLAY_RECOVERED : STATS_REPLAY_NOT_RECOVERED]++;
    return join->replays ? PROTO_RECOVERED : PROTO_NOT_RECOVERED;
}

/* Acknowledges and starts the subscription, or returns false if it can't begin yet. */
static bool start(struct session *session, const struct question *question)
{
    struct hub *hub = session->env->hub;
    const struct proto_topic topic = question->topic;
    enum hub_begin begin = begin_of(question);
    struct hub_join join =
        hub_join(hub, &session->client, topic.text, topic.len, begin, question->since);
    if (join.is_costly) {
        bucket_charge(&session->bucket, &session->env->limits.requests, COSTLY_TOKENS);
    }
    if (!join.ready) {
        return false;
    }
    if (!question->is_late && must_wait(session, &join)) {
        hub_wait(hub, &session->client, topic.text, topic.len, begin);
        return false;
    }
    enum proto_recovered recovered = PROTO_NOT_ASKED;
    if (begin == HUB_BEGIN_SINCE) {
        recovered = check_replay(session, &join);
    }
    if (!join.replays && question->no_snapshot) {
        begin = HUB_BEGIN_NOTHING;
    }
    acknowledge(session, question, recovered);
    hub_start(hub, &session->client, topic.text, topic.len, begin, &join);
    return true;
}

/* Returns false if the answer must wait for Redis. */
static bool answer_subscribe(struct session *session, const struct question *question)
{
    const struct proto_topic topic = question->topic;
    struct topic parsed;
    if (!topic_parse(topic.text, topic.len, &parsed)) {
        send_error(session, PROTO_INVALID_TOPIC, topic, question->id);
        return true;
    }
    switch (hub_subscribe(session->env->hub, &session->client, topic.text, topic.len,
                          begin_of(question), (size_t)session->env->limits.max_topics)) {
    case HUB_HELD:
        if (question->begin == PROTO_BEGIN_DEFAULT ||
            question->begin == PROTO_BEGIN_NOTHING) {
            acknowledge(session, question, PROTO_NOT_ASKED);
            return true;
        }
        return start(session, question);
    case HUB_WAITING:
        return start(session, question);
    case HUB_LIMIT:
        refuse_topic(session, question, "too many topics");
        break;
    case HUB_FULL:
        refuse_topic(session, question, "this gateway holds too many different topics");
        break;
    case HUB_NO_MEMORY:
        refuse_topic(session, question, "out of memory");
        break;
    }
    return true;
}

static bool answer(struct session *session, const struct question *question)
{
    if (question->kind == PROTO_SUBSCRIBE) {
        return answer_subscribe(session, question);
    }
    const struct proto_topic topic = question->topic;
    hub_unsubscribe(session->env->hub, &session->client, topic.text, topic.len);
    send_own(session, proto_unsubscribe_ack(topic, question->id, session->env->wall_us));
    return true;
}

/* Of a text too long for a topic only so much is kept as is echoed; what is left is still
 * too long. */
static void answer_later(struct session *session, const struct question *question)
{
    _Static_assert(PROTO_ECHO_MAX >= TOPIC_MAX + 4, "a cut text must stay no topic");
    const size_t topic_len =
        json_cut(question->topic.text, question->topic.len, PROTO_ECHO_MAX);
    const size_t id_len = question->id->len;
    struct session_answer *waiting = malloc(sizeof(*waiting) + id_len + topic_len);
    if (waiting == NULL) {
        session_end(session, STATS_END_NO_MEMORY);
        return;
    }
    *waiting = (struct session_answer){.kind = question->kind,
                                       .begin = question->begin,
                                       .no_snapshot = question->no_snapshot,
                                       .since = question->since,
                                       .id_len = id_len,
                                       .topic_len = topic_len};
    waiting->deadline_ms =
        session->env->now_ms + (uint64_t)session->env->limits.subscribe_timeout_ms;
    memcpy(waiting->text, question->id->json, id_len);
    memcpy(waiting->text + id_len, question->topic.text, topic_len);
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

/* Redis did not say in time what the subscription begins with. */
static void give_up(struct session *session, const struct question *question)
{
    const struct proto_topic topic = question->topic;
    hub_unsubscribe(session->env->hub, &session->client, topic.text, topic.len);
    refuse_topic(session, question, "Redis is unreachable");
}

/* Gives the waiting answers that are due, and those behind them. */
void session_ready(void *owner)
{
    struct session *session = owner;
    while (session->first_answer != NULL && session->state == SESSION_OPEN) {
        const struct session_answer *first = session->first_answer;
        struct proto_request_id id = {.len = first->id_len};
        memcpy(id.json, first->text, first->id_len);
        const struct question question = {
            .kind = first->kind,
            .begin = first->begin,
            .no_snapshot = first->no_snapshot,
            .since = first->since,
            .topic = {.text = first->text + first->id_len, .len = first->topic_len},
            .id = &id,
            .is_late = first->deadline_ms <= session->env->now_ms};
        if (!answer(session, &question)) {
            if (!question.is_late) {
                return;
            }
            give_up(session, &question);
        }
        drop_first_answer(session);
    }
}

/* Redis can be asked already; the answer is given when its turn comes. */
static void ask_ahead(struct session *session, const struct question *question)
{
    const struct proto_topic topic = question->topic;
    const enum hub_begin begin = begin_of(question);
    struct topic parsed;
    if (question->kind == PROTO_SUBSCRIBE &&
        topic_parse(topic.text, topic.len, &parsed) &&
        hub_subscribe(session->env->hub, &session->client, topic.text, topic.len, begin,
                      (size_t)session->env->limits.max_topics) == HUB_WAITING) {
        (void)hub_join(session->env->hub, &session->client, topic.text, topic.len, begin,
                       question->since);
    }
}

static void handle_topics(struct session *session, const struct proto_request *request)
{
    for (size_t i = 0; i < request->topic_count; i++) {
        const struct question question = {.kind = request->kind,
                                          .begin = request->begin,
                                          .no_snapshot = request->no_snapshot,
                                          .since = request->since,
                                          .topic = request->topics[i],
                                          .id = &request->id};
        if (session->first_answer != NULL) {
            answer_later(session, &question);
            ask_ahead(session, &question);
        } else if (!answer(session, &question)) {
            answer_later(session, &question);
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
    } else if (session->state == SESSION_OPEN) {
        session_ready(session); /* a replay may have waited for this */
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
    if (env->degraded) {
        send_own(session, proto_status(true, env->wall_us));
    }
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
