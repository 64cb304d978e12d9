/* SPDX-License-Identifier: MIT */
#include "gateway/hub.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frame.h"

#define CLIENTS 7
#define TOPICS  11
#define MAX     1000 /* topics a client may hold, where that does not matter */

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
static struct client clients[CLIENTS];
static char said[4096]; /* what the hub asked for: "+stock ready0 frame0 -stock " */
static bool has_memory;
static void (*on_ready)(struct client *client);
static size_t step; /* of a long sequence */

static void say(const char *what, const char *name, size_t len)
{
    const size_t at = strlen(said);
    if (at < sizeof(said) / 2) {
        snprintf(said + at, sizeof(said) - at, "%s%.*s ", what, (int)len, name);
    }
}

static void said_is(const char *expected)
{
    ck_assert_str_eq(said, expected);
    said[0] = '\0';
}

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

static bool open_channel(void *arg, const char *name, size_t len)
{
    REQUIRE(arg == clients);
    if (!has_memory) {
        return false;
    }
    const size_t topic = topic_number(name, len);
    if (topic < TOPICS) {
        REQUIRE(!is_open[topic]);
        is_open[topic] = true;
    }
    say("+", name, len);
    return true;
}

static void close_channel(void *arg, const char *name, size_t len)
{
    REQUIRE(arg == clients);
    const size_t topic = topic_number(name, len);
    if (topic < TOPICS) {
        REQUIRE(is_open[topic]);
        is_open[topic] = false;
        is_live[topic] = false;
    }
    say("-", name, len);
}

static void deliver(void *owner, struct frame *frame, const void *topic)
{
    REQUIRE(topic != NULL);
    struct client *client = owner;
    client->frames++;
    REQUIRE(frame->refs == 1);
    const char digit = (char)('0' + client->number);
    say("frame", &digit, 1);
}

static void ready(void *owner)
{
    struct client *client = owner;
    client->told++;
    const char digit = (char)('0' + client->number);
    say("ready", &digit, 1);
    if (on_ready != NULL) {
        on_ready(client);
    }
}

static const struct hub_ops ops = {.open_channel = open_channel,
                                   .close_channel = close_channel,
                                   .deliver = deliver,
                                   .ready = ready};

static void setup(void)
{
    hub = hub_create(&ops, clients, 1000000);
    ck_assert_ptr_nonnull(hub);
    memset(clients, 0, sizeof(clients));
    memset(model, 0, sizeof(model));
    memset(is_open, 0, sizeof(is_open));
    memset(is_live, 0, sizeof(is_live));
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].number = i;
        clients[i].in_hub.owner = &clients[i];
    }
    said[0] = '\0';
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
    return hub_subscribe(hub, &clients[client].in_hub, name, strlen(name), max_topics);
}

static bool unsubscribe(size_t client, const char *name)
{
    return hub_unsubscribe(hub, &clients[client].in_hub, name, strlen(name));
}

static void activate(size_t client, const char *name)
{
    hub_activate(hub, &clients[client].in_hub, name, strlen(name));
}

static void channel_is_open(const char *name)
{
    hub_channel_is_open(hub, name, strlen(name));
}

static size_t publish(const char *name)
{
    struct frame *frame = frame_create(FRAME_TEXT, NULL, 0);
    ck_assert_ptr_nonnull(frame);
    const size_t count = hub_publish(hub, name, strlen(name), frame);
    ck_assert_uint_eq(frame->refs, 1);
    frame_unref(frame);
    return count;
}

START_TEST(a_channel_is_opened_at_the_first_holder_and_closed_at_the_last)
{
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_WAITING);
    said_is("+stock ");
    ck_assert_int_eq(subscribe(1, "stock", MAX), HUB_WAITING);
    said_is("");
    ck_assert(unsubscribe(0, "stock"));
    said_is("");
    ck_assert(unsubscribe(1, "stock"));
    said_is("-stock ");
    ck_assert_int_eq(subscribe(1, "stock", MAX), HUB_WAITING);
    said_is("+stock ");
    hub_leave(hub, &clients[1].in_hub);
    said_is("-stock ");
}
END_TEST

START_TEST(a_topic_is_all_its_bytes_and_no_more)
{
    ck_assert_int_eq(hub_subscribe(hub, &clients[0].in_hub, "abc", 2, MAX), HUB_WAITING);
    said_is("+ab ");
    ck_assert(hub_wants(hub, "ab", 2));
    ck_assert(!hub_wants(hub, "abc", 3));
    ck_assert(!hub_wants(hub, "ab\0", 3));
    ck_assert(!hub_wants(hub, "AB", 2));
    ck_assert(!hub_wants(hub, "", 0));
}
END_TEST

START_TEST(nothing_is_delivered_before_the_activation)
{
    subscribe(0, "stock", MAX);
    ck_assert(hub_wants(hub, "stock", 5));
    ck_assert_uint_eq(publish("stock"), 0);
    channel_is_open("stock");
    ck_assert_uint_eq(publish("stock"), 0);
    said_is("+stock ready0 ");
    activate(0, "stock");
    ck_assert_uint_eq(publish("stock"), 1);
    said_is("frame0 ");
}
END_TEST

START_TEST(a_frame_reaches_every_active_subscriber_once_and_nobody_else)
{
    subscribe(0, "stock", MAX);
    subscribe(1, "stock", MAX);
    subscribe(2, "stock", MAX);
    subscribe(3, "crypto", MAX);
    activate(0, "stock");
    activate(2, "stock");
    activate(3, "crypto");
    said_is("+stock +crypto ");
    ck_assert_uint_eq(publish("stock"), 2);
    said_is("frame0 frame2 ");
    ck_assert_uint_eq(publish("nobody's"), 0);
    said_is("");
}
END_TEST

START_TEST(whoever_let_go_gets_nothing_more)
{
    subscribe(0, "stock", MAX);
    subscribe(1, "stock", MAX);
    activate(0, "stock");
    activate(1, "stock");
    ck_assert(unsubscribe(0, "stock"));
    ck_assert(!unsubscribe(0, "stock"));
    ck_assert_uint_eq(publish("stock"), 1);
    hub_leave(hub, &clients[1].in_hub);
    ck_assert_uint_eq(publish("stock"), 0);
    said_is("+stock frame1 -stock ");
}
END_TEST

START_TEST(a_subscription_says_whether_its_channel_is_open)
{
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_WAITING);
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_WAITING);
    channel_is_open("stock");
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_LIVE);
    ck_assert_int_eq(subscribe(1, "stock", MAX), HUB_LIVE);
    activate(0, "stock");
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_ACTIVE);
    ck_assert_int_eq(subscribe(1, "stock", MAX), HUB_LIVE);
    ck_assert_uint_eq(hub_subscriptions(hub), 2);
}
END_TEST

START_TEST(the_limit_counts_each_clients_own_topics)
{
    subscribe(0, "a", 2);
    subscribe(0, "b", 2);
    ck_assert_int_eq(subscribe(0, "c", 2), HUB_LIMIT);
    said_is("+a +b ");
    ck_assert_int_eq(subscribe(0, "a", 2), HUB_WAITING);
    ck_assert_int_eq(subscribe(1, "a", 2), HUB_WAITING);
    unsubscribe(0, "a");
    ck_assert_int_eq(subscribe(0, "c", 2), HUB_WAITING);
    ck_assert_uint_eq(hub_subscriptions(hub), 3);
}
END_TEST

START_TEST(different_topics_are_limited_too)
{
    hub_destroy(hub);
    hub = hub_create(&ops, clients, 2);
    ck_assert_ptr_nonnull(hub);
    subscribe(0, "a", MAX);
    subscribe(1, "b", MAX);
    ck_assert_int_eq(subscribe(0, "c", MAX), HUB_FULL);
    ck_assert_uint_eq(clients[0].in_hub.held_count, 1);
    ck_assert_int_eq(subscribe(0, "b", MAX), HUB_WAITING);
    unsubscribe(0, "a");
    ck_assert_int_eq(subscribe(0, "c", MAX), HUB_WAITING);
    said_is("+a +b -a +c ");
}
END_TEST

START_TEST(without_memory_for_its_channel_a_subscription_changes_nothing)
{
    has_memory = false;
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_NO_MEMORY);
    ck_assert_uint_eq(clients[0].in_hub.held_count, 0);
    ck_assert_uint_eq(hub_topics(hub), 0);
    ck_assert(!hub_wants(hub, "stock", 5));
    has_memory = true;
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_WAITING);
}
END_TEST

START_TEST(letting_go_of_what_is_not_held_is_answered_with_false)
{
    ck_assert(!unsubscribe(0, "stock"));
    subscribe(1, "stock", MAX);
    ck_assert(!unsubscribe(0, "stock"));
    ck_assert_uint_eq(hub_subscriptions(hub), 1);
}
END_TEST

START_TEST(only_those_who_wait_are_told_that_a_channel_is_open)
{
    subscribe(0, "stock", MAX);
    subscribe(1, "stock", MAX);
    subscribe(2, "crypto", MAX);
    activate(1, "stock");
    channel_is_open("stock");
    said_is("+stock +crypto ready0 ");
    channel_is_open("stock");
    channel_is_open("unknown");
    said_is("");
}
END_TEST

START_TEST(when_all_channels_are_lost_active_clients_stay_and_new_ones_wait)
{
    subscribe(0, "stock", MAX);
    channel_is_open("stock");
    activate(0, "stock");
    hub_all_channels_lost(hub);
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_ACTIVE);
    ck_assert_int_eq(subscribe(1, "stock", MAX), HUB_WAITING);
    ck_assert_uint_eq(publish("stock"), 1);
    said_is("+stock ready0 frame0 ");
    channel_is_open("stock");
    said_is("ready1 ");
}
END_TEST

START_TEST(a_channel_lost_before_its_activation_is_waited_for_again)
{
    subscribe(0, "stock", MAX);
    channel_is_open("stock");
    hub_all_channels_lost(hub);
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_WAITING);
    channel_is_open("stock");
    said_is("+stock ready0 ready0 ");
}
END_TEST

START_TEST(a_channel_that_was_closed_is_not_open_for_the_next_holder)
{
    subscribe(0, "stock", MAX);
    channel_is_open("stock");
    unsubscribe(0, "stock");
    channel_is_open("stock"); /* late: nobody holds it */
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_WAITING);
    said_is("+stock ready0 -stock +stock ");
}
END_TEST

START_TEST(an_empty_client_may_leave_and_no_hub_may_be_destroyed)
{
    hub_leave(hub, &clients[0].in_hub);
    hub_leave(hub, &clients[0].in_hub);
    hub_destroy(NULL);
    said_is("");
}
END_TEST

START_TEST(a_client_that_left_holds_no_memory)
{
    for (size_t topic = 0; topic < TOPICS; topic++) {
        subscribe(0, names[topic], MAX);
    }
    hub_leave(hub, &clients[0].in_hub);
    ck_assert_uint_eq(clients[0].in_hub.held_count, 0);
    ck_assert_ptr_null(clients[0].in_hub.held);
    ck_assert_uint_eq(hub_topics(hub), 0);
    ck_assert_uint_eq(hub_subscriptions(hub), 0);
}
END_TEST

/* ---- inside the callback ------------------------------------------------------------
 */

static void let_go(struct client *client)
{
    unsubscribe(client->number, "stock");
}

static void let_go_and_come_back(struct client *client)
{
    unsubscribe(client->number, "stock");
    const bool others_hold_it = hub_wants(hub, "stock", 5);
    ck_assert_int_eq(subscribe(client->number, "stock", MAX),
                     others_hold_it ? HUB_LIVE : HUB_WAITING);
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
    activate(client->number, "stock");
}

/* Whatever a client does when it is told, each one is told exactly once. */
START_TEST(nobody_is_missed_whatever_a_callback_does)
{
    static void (*const deeds[])(struct client *) = {let_go, let_go_and_come_back, leave,
                                                     take_more};
    for (size_t deed = 0; deed < sizeof(deeds) / sizeof(deeds[0]); deed++) {
        for (size_t count = 1; count <= CLIENTS; count++) {
            for (size_t i = 0; i < count; i++) {
                subscribe(i, i % 2 == 0 ? "crypto" : "market", MAX);
                subscribe(i, "stock", MAX);
                clients[i].told = 0;
            }
            on_ready = deeds[deed];
            channel_is_open("stock");
            on_ready = NULL;
            for (size_t i = 0; i < count; i++) {
                ck_assert_uint_eq(clients[i].told, 1);
                hub_leave(hub, &clients[i].in_hub);
            }
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

static void model_subscribe(size_t client, size_t topic)
{
    const size_t max_topics = 1 + random_below(TOPICS);
    has_memory = random_below(10) > 0;
    const enum hub_result result = subscribe(client, names[topic], max_topics);
    if (model[client][topic].held) {
        REQUIRE(result == (model[client][topic].active ? HUB_ACTIVE
                           : is_live[topic]            ? HUB_LIVE
                                                       : HUB_WAITING));
        return;
    }
    if (count_held(client) >= max_topics) {
        REQUIRE(result == HUB_LIMIT);
        return;
    }
    if (count_holders(topic) == 0 && !has_memory) {
        REQUIRE(result == HUB_NO_MEMORY);
        return;
    }
    REQUIRE(result == (is_live[topic] ? HUB_LIVE : HUB_WAITING));
    model[client][topic].held = true;
}

static void model_activate(size_t client, size_t topic)
{
    if (model[client][topic].held) {
        activate(client, names[topic]);
        model[client][topic].active = true;
    }
}

static void model_unsubscribe(size_t client, size_t topic)
{
    REQUIRE(unsubscribe(client, names[topic]) == model[client][topic].held);
    model[client][topic].held = false;
    model[client][topic].active = false;
}

static void model_leave(size_t client)
{
    hub_leave(hub, &clients[client].in_hub);
    memset(model[client], 0, sizeof(model[client]));
}

static void model_publish(size_t topic)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].frames = 0;
    }
    size_t expected = 0;
    const size_t count = publish(names[topic]);
    for (size_t i = 0; i < CLIENTS; i++) {
        REQUIRE(clients[i].frames == model[i][topic].active);
        expected += model[i][topic].active;
    }
    REQUIRE(count == expected);
}

/* What a told client does to its own subscriptions. */
static void do_something(struct client *client)
{
    const size_t topic = random_below(TOPICS);
    switch (random_below(4)) {
    case 0:
        model_activate(client->number, topic);
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

static void model_channel_is_open(size_t topic)
{
    bool was_waiting[CLIENTS];
    const bool is_news = is_open[topic] && !is_live[topic];
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].told = 0;
        was_waiting[i] = is_news && model[i][topic].held && !model[i][topic].active;
    }
    is_live[topic] = is_open[topic];
    channel_is_open(names[topic]);
    for (size_t i = 0; i < CLIENTS; i++) {
        REQUIRE(clients[i].told == was_waiting[i]);
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
        REQUIRE(is_open[topic] == (holders > 0));
        REQUIRE(hub_wants(hub, names[topic], strlen(names[topic])) == (holders > 0));
        subscriptions += holders;
        topics += holders > 0;
    }
    for (size_t client = 0; client < CLIENTS; client++) {
        check_client(client);
    }
    REQUIRE(hub_subscriptions(hub) == subscriptions);
    REQUIRE(hub_topics(hub) == topics);
}

static void take_a_step(size_t client, size_t topic)
{
    switch (random_below(12)) {
    case 0:
        if (random_below(10) == 0) {
            hub_all_channels_lost(hub);
            memset(is_live, 0, sizeof(is_live));
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
        model_activate(client, topic);
        break;
    case 7:
        model_publish(topic);
        break;
    default:
        model_subscribe(client, topic);
        break;
    }
}

START_TEST(after_any_sequence_both_indexes_hold_what_a_plain_table_holds)
{
    random_state = 42;
    on_ready = do_something;
    for (step = 0; step < 60000; step++) {
        take_a_step(random_below(CLIENTS), random_below(TOPICS));
        check_all();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hub");
    TCase *tcase = tcase_create("hub");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_channel_is_opened_at_the_first_holder_and_closed_at_the_last);
    tcase_add_test(tcase, a_topic_is_all_its_bytes_and_no_more);
    tcase_add_test(tcase, nothing_is_delivered_before_the_activation);
    tcase_add_test(tcase, a_frame_reaches_every_active_subscriber_once_and_nobody_else);
    tcase_add_test(tcase, whoever_let_go_gets_nothing_more);
    tcase_add_test(tcase, a_subscription_says_whether_its_channel_is_open);
    tcase_add_test(tcase, the_limit_counts_each_clients_own_topics);
    tcase_add_test(tcase, different_topics_are_limited_too);
    tcase_add_test(tcase, without_memory_for_its_channel_a_subscription_changes_nothing);
    tcase_add_test(tcase, letting_go_of_what_is_not_held_is_answered_with_false);
    tcase_add_test(tcase, only_those_who_wait_are_told_that_a_channel_is_open);
    tcase_add_test(tcase,
                   when_all_channels_are_lost_active_clients_stay_and_new_ones_wait);
    tcase_add_test(tcase, a_channel_lost_before_its_activation_is_waited_for_again);
    tcase_add_test(tcase, a_channel_that_was_closed_is_not_open_for_the_next_holder);
    tcase_add_test(tcase, an_empty_client_may_leave_and_no_hub_may_be_destroyed);
    tcase_add_test(tcase, a_client_that_left_holds_no_memory);
    tcase_add_test(tcase, nobody_is_missed_whatever_a_callback_does);
    tcase_add_test(tcase, after_any_sequence_both_indexes_hold_what_a_plain_table_holds);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
