/* SPDX-License-Identifier: MIT
 *
 * The hub against a plain table, and what its callbacks may do.
 */
#include "gateway/hub.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frame.h"
#include "gateway/stats.h"

#define CLIENTS 7
#define TOPICS  11
#define PLACES  9    /* of the hub, in the long sequence */
#define MAX     1000 /* where limits do not matter */
#define LINGER  100  /* ms */

/* Too many checks for ck_assert(), which reports each one that holds. */
#define REQUIRE(condition)                                  \
    do {                                                    \
        if (!(condition)) {                                 \
            ck_abort_msg("%s: step %zu", #condition, step); \
        }                                                   \
    } while (0)

struct client {
    struct hub_client in_hub;
    size_t number;
    size_t frames; /* delivered */
    size_t told;   /* how often it was ready */
};

static struct hub *hub;
static struct stats stats;
static uint64_t now_ms;
static const uint64_t wall_us;
static struct client clients[CLIENTS];
static bool has_memory;
static void (*on_ready)(struct client *client);
static size_t step; /* of a long sequence */

/* ---- the model ----------------------------------------------------------------------
 *
 * What the hub should hold, in the plainest form.
 */

static const char *const names[TOPICS] = {"a", "b",  "ab", "ba",  "abc", "stock.A.1m",
                                          "A", "aa", "bb", "a.b", "a.b."};
static struct {
    bool held;
    bool active;
} model[CLIENTS][TOPICS];
static bool is_open[TOPICS]; /* by the hub's own word */
static bool is_live[TOPICS];
static bool is_known[TOPICS]; /* its history was read */
static struct {
    uint64_t since_ms; /* when nobody held it any more */
    size_t rank;       /* the order of that */
} idle[TOPICS];
static size_t ranks;
static size_t places;
static enum { NOT_NOW, IN_TIME, FOR_A_PLACE, ALL } may_close; /* a channel */

static size_t topic_number(const char *name, size_t len)
{
    for (size_t topic = 0; topic < TOPICS; topic++) {
        if (strlen(names[topic]) == len && memcmp(names[topic], name, len) == 0) {
            return topic;
        }
    }
    return TOPICS;
}

static size_t count_held(size_t client)
{
    size_t count = 0;
    for (size_t topic = 0; topic < TOPICS; topic++) {
        count += model[client][topic].held;
    }
    return count;
}

static size_t count_holders(size_t topic)
{
    size_t count = 0;
    for (size_t client = 0; client < CLIENTS; client++) {
        count += model[client][topic].held;
    }
    return count;
}

/* ---- the hub's callbacks ------------------------------------------------------------
 */

static size_t count_open(void)
{
    size_t count = 0;
    for (size_t topic = 0; topic < TOPICS; topic++) {
        count += is_open[topic];
    }
    return count;
}

/* Only what lingers is closed, the longest first, and only with reason. */
static void check_close(size_t topic)
{
    REQUIRE(is_open[topic] && count_holders(topic) == 0 && may_close != NOT_NOW);
    for (size_t other = 0; other < TOPICS; other++) {
        REQUIRE(!is_open[other] || count_holders(other) > 0 ||
                idle[topic].rank <= idle[other].rank);
    }
    REQUIRE(may_close != IN_TIME || idle[topic].since_ms + LINGER <= now_ms);
    REQUIRE(may_close != FOR_A_PLACE || count_open() == places);
}

static bool open_channel(void *arg, const char *name, size_t len)
{
    REQUIRE(arg == clients);
    if (!has_memory) {
        return false;
    }
    const size_t topic = topic_number(name, len);
    REQUIRE(topic < TOPICS && !is_open[topic]);
    is_open[topic] = true;
    return true;
}

static void close_channel(void *arg, const char *name, size_t len)
{
    REQUIRE(arg == clients);
    const size_t topic = topic_number(name, len);
    REQUIRE(topic < TOPICS);
    check_close(topic);
    is_open[topic] = false;
    is_live[topic] = false;
    is_known[topic] = false;
}

static void deliver(void *owner, struct frame *frame, const void *topic)
{
    REQUIRE(topic != NULL);
    struct client *client = owner;
    client->frames++;
    REQUIRE(frame->refs == 1);
}

static void ready(void *owner)
{
    struct client *client = owner;
    client->told++;
    if (on_ready != NULL) {
        on_ready(client);
    }
}

static const struct hub_ops ops = {.open_channel = open_channel,
                                   .close_channel = close_channel,
                                   .deliver = deliver,
                                   .ready = ready};

static void create(size_t max_topics)
{
    places = max_topics;
    const struct hub_config config = {.max_topics = max_topics,
                                      .linger_ms = LINGER,
                                      .replay_keep_ms = 1000,
                                      .replay_max = 100,
                                      .replay_bytes = 10000,
                                      .replay_total_bytes = 100000};
    hub = hub_create(&config, &ops, clients, &stats, &wall_us);
    ck_assert_ptr_nonnull(hub);
    now_ms = 1000;
    hub_tick(hub, now_ms);
}

static void setup(void)
{
    create(MAX);
    memset(clients, 0, sizeof(clients));
    memset(model, 0, sizeof(model));
    memset(is_open, 0, sizeof(is_open));
    memset(is_live, 0, sizeof(is_live));
    memset(is_known, 0, sizeof(is_known));
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].number = i;
        clients[i].in_hub.owner = &clients[i];
    }
    may_close = ALL;
    has_memory = true;
    on_ready = NULL;
}

static void teardown(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        hub_leave(hub, &clients[i].in_hub);
    }
    hub_destroy(hub);
}

/* ---- short words --------------------------------------------------------------------
 */

static enum hub_result subscribe(size_t client, const char *name, size_t max_topics)
{
    return hub_subscribe(hub, &clients[client].in_hub, name, strlen(name),
                         HUB_BEGIN_NOTHING, max_topics);
}

static bool unsubscribe(size_t client, const char *name)
{
    return hub_unsubscribe(hub, &clients[client].in_hub, name, strlen(name));
}

/* Returns false if the client has to wait. */
static bool start(size_t client, const char *name)
{
    const struct hub_client *in_hub = &clients[client].in_hub;
    const struct feed_id since = {0};
    const struct hub_join join =
        hub_join(hub, in_hub, name, strlen(name), HUB_BEGIN_NOTHING, since);
    if (join.ready) {
        hub_start(hub, in_hub, name, strlen(name), HUB_BEGIN_NOTHING, &join);
    }
    return join.ready;
}

static void channel_is_open(const char *name)
{
    hub_channel_is_open(hub, name, strlen(name));
}

static void publish(const char *name)
{
    struct frame *frame = frame_create(FRAME_TEXT, NULL, 0);
    ck_assert_ptr_nonnull(frame);
    hub_publish(hub, name, strlen(name), frame);
    ck_assert_uint_eq(frame->refs, 1);
    frame_unref(frame);
}

static void pass(uint64_t ms)
{
    now_ms += ms;
    hub_tick(hub, now_ms);
}

/* What lingers is closed. */
static void linger_ends(void)
{
    pass(LINGER);
    ck_assert_uint_eq(hub_lingering(hub), 0);
}

/* ---- inside the callback ------------------------------------------------------------
 */

static void let_go(struct client *client)
{
    unsubscribe(client->number, "abc");
}

static void let_go_and_come_back(struct client *client)
{
    unsubscribe(client->number, "abc");
    ck_assert_int_eq(subscribe(client->number, "abc", MAX), HUB_WAITING);
}

static void leave(struct client *client)
{
    hub_leave(hub, &client->in_hub);
}

static void take_more(struct client *client)
{
    for (size_t topic = 0; topic < TOPICS; topic++) {
        subscribe(client->number, names[topic], MAX);
    }
    start(client->number, "abc");
}

/* All hold the topic, and are told that its channel is open, or its history read. */
static void tell_all(size_t count, bool is_open_only, void (*deed)(struct client *))
{
    struct hub_read read;
    for (size_t i = 0; i < count; i++) {
        subscribe(i, i % 2 == 0 ? "ab" : "ba", MAX);
        subscribe(i, "abc", MAX);
    }
    on_ready = is_open_only ? deed : NULL;
    channel_is_open("abc");
    if (!is_open_only) {
        ck_assert(hub_next_read(hub, &read));
        for (size_t i = 0; i < count; i++) {
            clients[i].told = 0;
        }
        on_ready = deed;
        hub_history(hub, &read, NULL, 0);
    }
    on_ready = NULL;
}

/* Whatever a client does when it is told, each one is told exactly once. */
START_TEST(nobody_is_missed_whatever_a_callback_does)
{
    static void (*const deeds[])(struct client *) = {let_go, let_go_and_come_back, leave,
                                                     take_more};
    for (size_t deed = 0; deed < sizeof(deeds) / sizeof(deeds[0]); deed++) {
        for (size_t i = 0; i < (size_t)2 * CLIENTS; i++) {
            const size_t count = 1 + i / 2;
            tell_all(count, i % 2 == 0, deeds[deed]);
            for (size_t client = 0; client < count; client++) {
                ck_assert_uint_eq(clients[client].told, 1);
                clients[client].told = 0;
                hub_leave(hub, &clients[client].in_hub);
            }
            linger_ends();
        }
    }
}
END_TEST

/* ---- against the model --------------------------------------------------------------
 */

static uint64_t random_state;

static size_t random_below(size_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (size_t)(random_state >> 33) % bound;
}

/* Returns true if a new topic finds a place. */
static bool has_place(void)
{
    bool any_idle = false;
    for (size_t topic = 0; topic < TOPICS; topic++) {
        any_idle = any_idle || (is_open[topic] && count_holders(topic) == 0);
    }
    return any_idle || count_open() < places;
}

static enum hub_result model_result(size_t client, size_t topic, size_t max_topics)
{
    if (model[client][topic].held) {
        return model[client][topic].active ? HUB_HELD : HUB_WAITING;
    }
    if (count_held(client) >= max_topics) {
        return HUB_LIMIT;
    }
    if (is_open[topic]) {
        return HUB_WAITING;
    }
    if (!has_place()) {
        return HUB_FULL;
    }
    return has_memory ? HUB_WAITING : HUB_NO_MEMORY;
}

static void model_subscribe(size_t client, size_t topic)
{
    const size_t max_topics = 1 + random_below(TOPICS);
    has_memory = random_below(10) > 0;
    const enum hub_result expected = model_result(client, topic, max_topics);
    may_close = FOR_A_PLACE;
    const enum hub_result result = subscribe(client, names[topic], max_topics);
    may_close = NOT_NOW;
    REQUIRE(result == expected);
    if (result == HUB_WAITING) {
        model[client][topic].held = true;
    }
}

static void model_start(size_t client, size_t topic)
{
    if (model[client][topic].held && !model[client][topic].active) {
        const bool is_ready = is_live[topic] && is_known[topic];
        REQUIRE(start(client, names[topic]) == is_ready);
        model[client][topic].active = is_ready;
    }
}

/* Notes since when nobody holds the topic. */
static void model_let_go(size_t client, size_t topic)
{
    if (model[client][topic].held && count_holders(topic) == 1) {
        idle[topic].since_ms = now_ms;
        idle[topic].rank = ranks;
    }
    model[client][topic].held = false;
    model[client][topic].active = false;
}

static void model_unsubscribe(size_t client, size_t topic)
{
    REQUIRE(unsubscribe(client, names[topic]) == model[client][topic].held);
    ranks++;
    model_let_go(client, topic);
}

static void model_leave(size_t client)
{
    hub_leave(hub, &clients[client].in_hub);
    ranks++;
    for (size_t topic = 0; topic < TOPICS; topic++) {
        model_let_go(client, topic);
    }
}

static void model_publish(size_t topic)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].frames = 0;
    }
    publish(names[topic]);
    for (size_t i = 0; i < CLIENTS; i++) {
        REQUIRE(clients[i].frames == (model[i][topic].active && is_live[topic]));
    }
}

static void model_pass(void)
{
    may_close = IN_TIME;
    pass(random_below(LINGER / 2));
    may_close = NOT_NOW;
    for (size_t topic = 0; topic < TOPICS; topic++) {
        REQUIRE(!is_open[topic] || count_holders(topic) > 0 ||
                idle[topic].since_ms + LINGER > now_ms);
    }
}

static void model_lose_all(void)
{
    may_close = ALL;
    hub_all_channels_lost(hub);
    may_close = NOT_NOW;
    memset(is_live, 0, sizeof(is_live));
    for (size_t topic = 0; topic < TOPICS; topic++) {
        REQUIRE(!is_open[topic] || count_holders(topic) > 0);
    }
}

/* What a told client does to its own subscriptions. */
static void do_something(struct client *client)
{
    const size_t topic = random_below(TOPICS);
    switch (random_below(4)) {
    case 0:
        model_start(client->number, topic);
        break;
    case 1:
        model_unsubscribe(client->number, topic);
        model_subscribe(client->number, topic);
        break;
    case 2:
        model_leave(client->number);
        break;
    default:
        model_subscribe(client->number, topic);
        break;
    }
}

/* Whoever waits for the topic is to be told once, now. */
static void note_waiting(size_t topic, bool out[CLIENTS])
{
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].told = 0;
        out[i] = topic < TOPICS && model[i][topic].held && !model[i][topic].active;
    }
}

static void check_told(const bool was_waiting[CLIENTS])
{
    for (size_t i = 0; i < CLIENTS; i++) {
        REQUIRE(clients[i].told == was_waiting[i]);
    }
}

static void model_channel_is_open(size_t topic)
{
    bool was_waiting[CLIENTS];
    note_waiting(is_open[topic] && !is_live[topic] ? topic : TOPICS, was_waiting);
    is_live[topic] = is_open[topic];
    channel_is_open(names[topic]);
    check_told(was_waiting);
}

/* A history is read; it is empty. */
static void model_read(void)
{
    struct hub_read read;
    bool was_waiting[CLIENTS];
    if (hub_next_read(hub, &read)) {
        const size_t topic = topic_number(read.topic, read.len);
        REQUIRE(topic < TOPICS && is_live[topic]);
        note_waiting(topic, was_waiting);
        is_known[topic] = true;
        hub_history(hub, &read, NULL, 0);
        check_told(was_waiting);
    }
}

static void check_client(size_t client)
{
    bool listed[TOPICS] = {false};
    REQUIRE(clients[client].in_hub.held_count == count_held(client));
    for (size_t i = 0; i < clients[client].in_hub.held_count; i++) {
        size_t len;
        const char *name = hub_held_topic(&clients[client].in_hub, i, &len);
        const size_t topic = topic_number(name, len);
        REQUIRE(topic < TOPICS && model[client][topic].held && !listed[topic]);
        listed[topic] = true;
    }
}

static void check_all(void)
{
    size_t subscriptions = 0;
    size_t topics = 0;
    for (size_t topic = 0; topic < TOPICS; topic++) {
        const size_t holders = count_holders(topic);
        REQUIRE(is_open[topic] || holders == 0);
        REQUIRE(hub_wants(hub, names[topic], strlen(names[topic])) == is_open[topic]);
        subscriptions += holders;
        topics += holders > 0;
    }
    for (size_t client = 0; client < CLIENTS; client++) {
        check_client(client);
    }
    REQUIRE(hub_subscriptions(hub) == subscriptions);
    REQUIRE(hub_topics(hub) == topics);
    REQUIRE(hub_lingering(hub) == count_open() - topics);
    REQUIRE(count_open() <= places);
}

static void take_a_step(size_t client, size_t topic)
{
    switch (random_below(15)) {
    case 0:
        if (random_below(10) == 0) {
            model_lose_all();
        }
        break;
    case 1:
        model_leave(client);
        break;
    case 2:
    case 3:
        model_unsubscribe(client, topic);
        break;
    case 4:
    case 5:
        model_channel_is_open(topic);
        break;
    case 6:
        model_start(client, topic);
        break;
    case 7:
        model_publish(topic);
        break;
    case 8:
        model_pass();
        break;
    case 9:
    case 10:
        model_read();
        break;
    default:
        model_subscribe(client, topic);
        break;
    }
}

START_TEST(after_any_sequence_both_indexes_hold_what_a_plain_table_holds)
{
    random_state = 42;
    hub_destroy(hub);
    create(PLACES);
    may_close = NOT_NOW;
    on_ready = do_something;
    for (step = 0; step < 60000; step++) {
        take_a_step(random_below(CLIENTS), random_below(TOPICS));
        check_all();
    }
    may_close = ALL;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hub_model");
    TCase *tcase = tcase_create("hub_model");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, nobody_is_missed_whatever_a_callback_does);
    tcase_add_test(tcase, after_any_sequence_both_indexes_hold_what_a_plain_table_holds);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
