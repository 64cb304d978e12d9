/* SPDX-License-Identifier: MIT
 *
 * How subscriptions begin and go on, against a model of Redis: histories that are
 * trimmed, channels that deliver in order and lose everything when the connection does,
 * and reads that are answered late, out of step with the messages, or not at all.
 *
 * Message n of a topic has the id n-0.
 */
#include "gateway/hub.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frame.h"
#include "gateway/proto.h"
#include "gateway/stats.h"

#define CLIENTS    6
#define TOPICS     3
#define REPLAY_MAX 20
#define QUEUE      4000 /* on their way from Redis, at most */
#define READS      8    /* under way, at most */
#define GAMES      60
#define STEPS      2000

/* Too many checks for ck_assert(), which reports each one that holds. */
#define REQUIRE(condition)                                                    \
    do {                                                                      \
        if (!(condition)) {                                                   \
            ck_abort_msg("%s: step %zu of game %zu", #condition, step, game); \
        }                                                                     \
    } while (0)

static size_t game;
static size_t step;
static uint64_t random_state;

static struct hub *hub;
static struct stats stats;
static uint64_t now_ms;
static const uint64_t wall_us;
static struct hub_client clients[CLIENTS];

static const char *const names[TOPICS] = {"stock.A.1m", "stock.B.1m", "stock.C.1m"};

/* ---- Redis --------------------------------------------------------------------------
 */

static struct stream {
    uint64_t oldest; /* in the history; all before it were trimmed */
    uint64_t newest; /* 0 for none */
    bool is_wanted;
    bool is_subscribed;
    uint64_t subscribed_at; /* the newest one when it was */
    uint64_t seen;          /* the newest one that any client got */
} topics[TOPICS];

static bool is_up;

/* What the connection brings, in order: messages, and 0 for the confirmation. */
static struct {
    size_t topic;
    uint64_t number;
} queue[QUEUE];
static size_t queue_first;
static size_t queue_count;

static struct pending {
    struct hub_read read;
    bool is_under_way;
    bool is_served;
    uint64_t first;
    uint64_t last;
} pendings[READS];

/* ---- what each client must find -----------------------------------------------------
 */

static struct subscription {
    bool is_held;
    bool is_started;
    enum hub_begin begin;
    uint64_t since;
    bool is_made_up; /* there was no such message yet */
    uint64_t at;     /* the last message it got */
    bool any;        /* it got none yet: */
    uint64_t bound;  /* but misses none behind this one */
    bool has_gap;    /* a snapshot is due */
} subscriptions[CLIENTS][TOPICS];

/* The subscription that just starts, and what it is given. */
static struct {
    const struct subscription *who;
    bool replays;
    size_t snapshots;
} starting;

/* The history that just is given to the hub. */
static const struct pending *reading;

static size_t random_below(size_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (size_t)(random_state >> 33) % bound;
}

static size_t topic_number(const char *name, size_t len)
{
    size_t topic = 0;
    while (topic < TOPICS &&
           (strlen(names[topic]) != len || memcmp(names[topic], name, len) != 0)) {
        topic++;
    }
    return topic;
}

static struct frame *encode(size_t topic, uint64_t number)
{
    REQUIRE(topic < TOPICS);
    const struct proto_topic name = {.text = names[topic], .len = strlen(names[topic])};
    const struct feed_message message = {
        .sequenced = true, .id = {.ms = number}, .payload = "{}", .payload_len = 2};
    struct frame *frame = proto_data(name, &message, 0);
    ck_assert_ptr_nonnull(frame);
    return frame;
}

/* ---- the hub's callbacks ------------------------------------------------------------
 */

static bool open_channel(void *arg, const char *name, size_t len)
{
    (void)arg;
    const size_t topic = topic_number(name, len);
    REQUIRE(topic < TOPICS && !topics[topic].is_wanted);
    topics[topic].is_wanted = true;
    return true;
}

/* A confirmation that is on its way is for the one who asked before. */
static void close_channel(void *arg, const char *name, size_t len)
{
    (void)arg;
    const size_t topic = topic_number(name, len);
    REQUIRE(topics[topic].is_wanted);
    topics[topic].is_wanted = false;
    topics[topic].is_subscribed = false;
    for (size_t i = queue_first; i < queue_first + queue_count; i++) {
        if (queue[i].topic == topic && queue[i].number == 0) {
            queue[i].topic = TOPICS;
        }
    }
}

/* There is a gap only where the history that was read does not reach back. */
static void take_gap(struct subscription *who, uint64_t after)
{
    REQUIRE(reading != NULL && who->is_started && who != starting.who);
    REQUIRE(after < reading->first || after > reading->last);
    REQUIRE(after != 0 || !reading->read.is_whole);
    REQUIRE(who->any || after == who->at);
    who->has_gap = true;
}

static void take_snapshot(struct subscription *who, const struct stream *topic,
                          uint64_t number)
{
    if (who == starting.who) {
        REQUIRE(!starting.replays && ++starting.snapshots == 1);
        REQUIRE(number >= topic->subscribed_at && number >= topic->seen);
    } else {
        REQUIRE(who->has_gap && reading != NULL && number == reading->last);
        REQUIRE(who->any || number > who->at);
    }
    who->at = number;
    who->any = false;
    who->has_gap = false;
}

static void take_message(struct subscription *who, uint64_t number)
{
    REQUIRE(who == starting.who ? starting.replays : who->is_started && !who->has_gap);
    REQUIRE(who->any ? number <= who->bound + 1 : number == who->at + 1);
    who->at = number;
    who->any = false;
}

/* What stands behind these words, a number or a string. */
static const char *find(const char *text, const char *words)
{
    const char *at = strstr(text, words);
    REQUIRE(at != NULL);
    return at + strlen(words);
}

static void deliver(void *owner, struct frame *frame, const void *mark)
{
    char text[256];
    const struct frame_part payload = frame_payload(frame);
    snprintf(text, sizeof(text), "%.*s", (int)payload.len, payload.bytes);
    const bool is_gap = strstr(text, "\"type\":\"gap\"") != NULL;
    const char *name = find(text, "\"topic\":\"");
    const size_t topic = topic_number(name, strcspn(name, "\""));
    const char *id = find(text, is_gap ? "\"after\":\"" : "\"id\":\"");
    const uint64_t number = strtoull(id, NULL, 10);
    REQUIRE(topic < TOPICS);
    const size_t client = (size_t)((struct hub_client *)owner - clients);
    struct subscription *who = &subscriptions[client][topic];
    REQUIRE(who->is_held);
    if (is_gap) {
        REQUIRE(mark == NULL);
        take_gap(who, number);
        return;
    }
    if (strstr(text, "\"snapshot\":true") != NULL) {
        take_snapshot(who, &topics[topic], number);
    } else {
        take_message(who, number);
    }
    REQUIRE((mark == NULL) == (who == starting.who && starting.replays));
    if (number > topics[topic].seen) {
        topics[topic].seen = number;
    }
}

/* ---- clients ------------------------------------------------------------------------
 */

static struct feed_id id_of(uint64_t number)
{
    return (struct feed_id){.ms = number};
}

/* Only what the history no longer has, or never had, or too much of it, is not replayed.
 */
static void check_replay(const struct subscription *who, const struct stream *topic,
                         const struct hub_join *join)
{
    const bool is_there = who->since != 0 && !who->is_made_up &&
                          who->since >= topic->oldest && who->since <= topic->newest &&
                          topic->newest - who->since < REPLAY_MAX;
    REQUIRE(join->replays || !is_there);
}

static void start(size_t client, size_t number, struct hub_join *join)
{
    struct subscription *who = &subscriptions[client][number];
    const struct stream *topic = &topics[number];
    const bool has_room = random_below(10) > 0; /* for a replay */
    if (who->begin == HUB_BEGIN_SINCE) {
        check_replay(who, topic, join);
        join->replays = join->replays && has_room;
    }
    starting.who = who;
    starting.replays = join->replays;
    starting.snapshots = 0;
    who->has_gap = false;
    who->any = !join->replays;
    who->at = who->since;
    who->bound = topic->newest;
    hub_start(hub, &clients[client], names[number], strlen(names[number]), who->begin,
              join);
    starting.who = NULL;
    REQUIRE(!join->replays ||
            (who->at >= topic->subscribed_at && who->at >= topic->seen));
    const bool wants_one = !join->replays && who->begin != HUB_BEGIN_NOTHING;
    const bool has_one = topic->subscribed_at > 0 || topic->seen > 0;
    REQUIRE(starting.snapshots <= wants_one);
    REQUIRE(starting.snapshots == 1 || !wants_one || !has_one);
    who->is_started = true;
}

static void try_to_start(size_t client, size_t topic)
{
    struct subscription *who = &subscriptions[client][topic];
    struct hub_join join = hub_join(hub, &clients[client], names[topic],
                                    strlen(names[topic]), who->begin, id_of(who->since));
    who->is_started = false;
    if (join.ready) {
        start(client, topic, &join);
    }
}

static void ready(void *owner)
{
    const size_t client = (size_t)((struct hub_client *)owner - clients);
    for (size_t topic = 0; topic < TOPICS; topic++) {
        const struct subscription *who = &subscriptions[client][topic];
        if (who->is_held && !who->is_started) {
            try_to_start(client, topic);
        }
    }
}

static void subscribe(size_t client, size_t topic)
{
    struct subscription *who = &subscriptions[client][topic];
    static const enum hub_begin begins[] = {HUB_BEGIN_NOTHING, HUB_BEGIN_SNAPSHOT,
                                            HUB_BEGIN_SINCE};
    const enum hub_begin begin = begins[random_below(3)];
    const bool was_started = who->is_held && who->is_started;
    if (was_started && begin == HUB_BEGIN_NOTHING) {
        return; /* is answered without the hub */
    }
    if (who->is_held && !who->is_started) {
        return; /* waits for its turn */
    }
    const enum hub_result result = hub_subscribe(hub, &clients[client], names[topic],
                                                 strlen(names[topic]), begin, TOPICS);
    REQUIRE(result == (was_started ? HUB_HELD : HUB_WAITING));
    who->is_held = true;
    who->begin = begin;
    who->since = 0;
    who->is_made_up = false;
    if (begin == HUB_BEGIN_SINCE) {
        const uint64_t newest = topics[topic].newest;
        const uint64_t back = random_below(REPLAY_MAX + 5);
        who->is_made_up = back > newest;
        who->since = back > newest ? newest + random_below(2) : newest - back;
    }
    try_to_start(client, topic);
}

static void unsubscribe(size_t client, size_t topic)
{
    struct subscription *who = &subscriptions[client][topic];
    REQUIRE(hub_unsubscribe(hub, &clients[client], names[topic], strlen(names[topic])) ==
            who->is_held);
    *who = (struct subscription){0};
}

/* ---- Redis at work ------------------------------------------------------------------
 */

static void push(size_t topic, uint64_t number)
{
    REQUIRE(queue_first + queue_count < QUEUE);
    queue[queue_first + queue_count].topic = topic;
    queue[queue_first + queue_count].number = number;
    queue_count++;
}

static void publish(size_t number)
{
    struct stream *topic = &topics[number];
    topic->newest++;
    if (is_up && topic->is_subscribed) {
        push(number, topic->newest);
    }
}

/* Messages that are on their way are still in the history; it is longer than that. */
static void trim(struct stream *topic)
{
    const uint64_t end = is_up && topic->is_subscribed ? topic->seen : topic->newest;
    if (topic->oldest < end) {
        topic->oldest += random_below(end - topic->oldest + 1);
    }
}

static void confirm(size_t number)
{
    struct stream *topic = &topics[number];
    if (is_up && topic->is_wanted && !topic->is_subscribed) {
        topic->is_subscribed = true;
        topic->subscribed_at = topic->newest;
        push(number, 0);
    }
}

/* The next thing comes from the channels. */
static void bring(bool is_lost)
{
    if (queue_count == 0) {
        return;
    }
    const size_t topic = queue[queue_first].topic;
    const uint64_t number = queue[queue_first].number;
    queue_first++;
    queue_count--;
    if (topic == TOPICS || (is_lost && number != 0)) {
        return;
    }
    if (number == 0) {
        hub_channel_is_open(hub, names[topic], strlen(names[topic]));
        return;
    }
    const struct sequence_item item = {
        .id = id_of(number), .prev = id_of(number - 1), .frame = encode(topic, number)};
    hub_message(hub, names[topic], strlen(names[topic]), &item);
    frame_unref(item.frame);
}

static void disconnect(void)
{
    is_up = false;
    queue_first = 0;
    queue_count = 0;
    for (size_t topic = 0; topic < TOPICS; topic++) {
        topics[topic].is_subscribed = false;
    }
    hub_all_channels_lost(hub);
}

static void ask(void)
{
    struct pending *pending = &pendings[random_below(READS)];
    if (is_up && !pending->is_under_way && hub_next_read(hub, &pending->read)) {
        pending->is_under_way = true;
        pending->is_served = false;
    }
}

/* Redis looks into the history. */
static void serve(struct pending *pending)
{
    if (!pending->is_under_way || pending->is_served) {
        return;
    }
    const struct stream *topic =
        &topics[topic_number(pending->read.topic, pending->read.len)];
    pending->is_served = true;
    pending->last = topic->newest;
    pending->first = topic->oldest;
    if (pending->read.from.ms > pending->first) {
        pending->first = pending->read.from.ms;
    }
    if (pending->last + 1 - pending->first > pending->read.max) {
        pending->first = pending->last + 1 - pending->read.max;
    }
    pending->read.is_whole = pending->read.asks_whole && pending->first == 1;
}

/* The answer arrives, whatever has become of the topic meanwhile. */
static void answer(struct pending *pending, bool is_lost)
{
    struct sequence_item items[REPLAY_MAX + 1];
    size_t count = 0;
    if (!pending->is_under_way || !pending->is_served) {
        return;
    }
    pending->is_under_way = false;
    if (is_lost) {
        hub_read_lost(hub, &pending->read);
        return;
    }
    const size_t topic = topic_number(pending->read.topic, pending->read.len);
    for (uint64_t number = pending->first; number <= pending->last; number++) {
        REQUIRE(count < REPLAY_MAX + 1);
        items[count].id = id_of(number);
        items[count].frame = number == 0 ? NULL : encode(topic, number);
        count++;
    }
    reading = pending;
    hub_history(hub, &pending->read, items, count);
    reading = NULL;
    for (size_t i = 0; i < count; i++) {
        frame_unref(items[i].frame);
    }
}

/* ---- the game -----------------------------------------------------------------------
 */

static void take_a_step(void)
{
    const size_t client = random_below(CLIENTS);
    const size_t topic = random_below(TOPICS);
    struct pending *pending = &pendings[random_below(READS)];
    switch (random_below(20)) {
    case 0:
    case 1:
        subscribe(client, topic);
        break;
    case 2:
        unsubscribe(client, topic);
        break;
    case 3:
        if (is_up && random_below(10) == 0) {
            disconnect();
        } else {
            is_up = true;
        }
        break;
    case 4:
        if (random_below(5) == 0) {
            trim(&topics[topic]);
        }
        break;
    case 5:
        now_ms += random_below(30);
        hub_tick(hub, now_ms);
        break;
    case 6:
    case 7:
        confirm(topic);
        break;
    case 8:
    case 9:
        ask();
        break;
    case 10:
    case 11:
        serve(pending);
        break;
    case 12:
    case 13:
        answer(pending, random_below(10) == 0);
        break;
    case 14:
    case 15:
    case 16:
        publish(topic);
        break;
    default:
        bring(random_below(100) == 0);
        break;
    }
}

/* Everything that is asked is answered and everything that is sent arrives. */
static void settle(void)
{
    for (int i = 0; i < 10; i++) {
        for (size_t topic = 0; topic < TOPICS; topic++) {
            confirm(topic);
        }
        while (queue_count > 0) {
            bring(false);
        }
        for (size_t j = 0; j < (size_t)10 * READS; j++) {
            ask();
            serve(&pendings[j % READS]);
            answer(&pendings[j % READS], false);
        }
    }
}

/* When all is quiet, everybody has begun and has everything. */
static void come_to_rest(void)
{
    disconnect();
    is_up = true;
    settle();
    REQUIRE(hub_is_whole(hub));
    for (size_t client = 0; client < CLIENTS; client++) {
        for (size_t topic = 0; topic < TOPICS; topic++) {
            const struct subscription *who = &subscriptions[client][topic];
            const uint64_t newest = topics[topic].newest;
            REQUIRE(!who->is_held || (who->is_started && !who->has_gap));
            REQUIRE(!who->is_held || (who->any ? who->bound : who->at) == newest);
        }
    }
}

static const struct hub_ops ops = {.open_channel = open_channel,
                                   .close_channel = close_channel,
                                   .deliver = deliver,
                                   .ready = ready};

static void setup(void)
{
    const struct hub_config config = {.max_topics = TOPICS,
                                      .linger_ms = 50,
                                      .replay_keep_ms = 100 * random_below(3),
                                      .replay_max = REPLAY_MAX,
                                      .replay_bytes = 100000,
                                      .replay_total_bytes = 1000 + random_below(10000)};
    hub = hub_create(&config, &ops, NULL, &stats, &wall_us);
    ck_assert_ptr_nonnull(hub);
    now_ms = 1000;
    hub_tick(hub, now_ms);
    stats = (struct stats){0};
    memset(subscriptions, 0, sizeof(subscriptions));
    memset(topics, 0, sizeof(topics));
    memset(clients, 0, sizeof(clients));
    memset(pendings, 0, sizeof(pendings));
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].owner = &clients[i];
    }
    for (size_t i = 0; i < TOPICS; i++) {
        topics[i].oldest = 1;
    }
    queue_first = 0;
    queue_count = 0;
    is_up = true;
}

static void teardown(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        hub_leave(hub, &clients[i]);
    }
    hub_destroy(hub);
}

START_TEST(nobody_misses_anything_or_gets_it_twice_whatever_redis_does)
{
    random_state = 42;
    for (game = 0; game < GAMES; game++) {
        teardown();
        setup();
        for (step = 0; step < STEPS; step++) {
            take_a_step();
        }
        come_to_rest();
    }
}
END_TEST

/* ---- single rules -------------------------------------------------------------------
 */

static void hold(size_t client, enum hub_begin begin, uint64_t since)
{
    struct subscription *who = &subscriptions[client][0];
    hub_subscribe(hub, &clients[client], names[0], strlen(names[0]), begin, TOPICS);
    *who = (struct subscription){.is_held = true, .begin = begin, .since = since};
    try_to_start(client, 0);
}

START_TEST(many_who_wait_for_a_topic_cost_one_read)
{
    for (int i = 0; i < 5; i++) {
        publish(0);
    }
    for (size_t client = 0; client < CLIENTS; client++) {
        hold(client, client % 2 == 0 ? HUB_BEGIN_SINCE : HUB_BEGIN_SNAPSHOT, client);
    }
    settle();
    ck_assert_uint_eq(stats.history_reads_total, 1);
    for (size_t client = 0; client < CLIENTS; client++) {
        ck_assert(subscriptions[client][0].is_started);
        ck_assert_uint_eq(subscriptions[client][0].at, 5);
    }
}
END_TEST

START_TEST(who_comes_while_a_tail_is_kept_costs_no_read)
{
    for (int i = 0; i < 5; i++) {
        publish(0);
    }
    hold(0, HUB_BEGIN_SINCE, 2);
    settle();
    for (size_t client = 1; client < CLIENTS; client++) {
        hold(client, HUB_BEGIN_SINCE, client);
        ck_assert(subscriptions[client][0].is_started);
    }
    ck_assert_uint_eq(stats.history_reads_total, 1);
}
END_TEST

/* Two reads are under way: the one from before the loss comes last. */
START_TEST(an_answer_from_before_a_loss_is_ignored)
{
    hold(0, HUB_BEGIN_SNAPSHOT, 0);
    confirm(0);
    bring(false);
    ck_assert(hub_next_read(hub, &pendings[0].read));
    pendings[0].is_under_way = true;
    serve(&pendings[0]);
    disconnect();
    publish(0);
    is_up = true;
    confirm(0);
    bring(false);
    ck_assert(hub_next_read(hub, &pendings[1].read));
    pendings[1].is_under_way = true;
    serve(&pendings[1]);
    answer(&pendings[0], false);
    ck_assert(!subscriptions[0][0].is_started);
    answer(&pendings[1], false);
    ck_assert(subscriptions[0][0].is_started);
    ck_assert_uint_eq(subscriptions[0][0].at, 1);
}
END_TEST

START_TEST(a_lost_answer_is_asked_for_again)
{
    publish(0);
    hold(0, HUB_BEGIN_SINCE, 1);
    confirm(0);
    bring(false);
    ck_assert(hub_next_read(hub, &pendings[0].read));
    ck_assert_uint_eq(pendings[0].read.max, REPLAY_MAX + 1);
    hub_read_lost(hub, &pendings[0].read);
    ck_assert(!subscriptions[0][0].is_started);
    ck_assert(hub_next_read(hub, &pendings[1].read));
    ck_assert_uint_eq(pendings[1].read.max, REPLAY_MAX + 1);
    ck_assert(!hub_next_read(hub, &pendings[2].read));
    hub_history(hub, &pendings[0].read, NULL, 0); /* too late */
    ck_assert(!subscriptions[0][0].is_started);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("joins");
    TCase *tcase = tcase_create("joins");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, many_who_wait_for_a_topic_cost_one_read);
    tcase_add_test(tcase, who_comes_while_a_tail_is_kept_costs_no_read);
    tcase_add_test(tcase, an_answer_from_before_a_loss_is_ignored);
    tcase_add_test(tcase, a_lost_answer_is_asked_for_again);
    tcase_add_test(tcase, nobody_misses_anything_or_gets_it_twice_whatever_redis_does);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
