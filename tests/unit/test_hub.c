/* SPDX-License-Identifier: MIT */
#include "gateway/hub.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frame.h"
#include "gateway/stats.h"

#define CLIENTS 7
#define MAX     1000          /* topics a client may hold, where that does not matter */
#define LINGER  UINT64_C(100) /* ms */

struct client {
    struct hub_client in_hub;
    size_t number;
};

static struct hub *hub;
static struct stats stats;
static uint64_t now_ms;
static const uint64_t wall_us;
static struct client clients[CLIENTS];
static char said[4096]; /* what the hub asked for: "+stock ready0 frame0 -stock " */
static bool has_memory;
static bool has_history; /* it was read */

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

static bool open_channel(void *arg, const char *name, size_t len)
{
    ck_assert_ptr_eq(arg, clients);
    if (has_memory) {
        say("+", name, len);
    }
    return has_memory;
}

static void close_channel(void *arg, const char *name, size_t len)
{
    ck_assert_ptr_eq(arg, clients);
    say("-", name, len);
}

static void deliver(void *owner, struct frame *frame, const void *topic)
{
    ck_assert_ptr_nonnull(topic);
    ck_assert_uint_eq(frame->refs, 1);
    const char digit = (char)('0' + ((const struct client *)owner)->number);
    say("frame", &digit, 1);
}

static void ready(void *owner)
{
    if (!has_history) {
        return; /* too early */
    }
    const char digit = (char)('0' + ((const struct client *)owner)->number);
    say("ready", &digit, 1);
}

static const struct hub_ops ops = {.open_channel = open_channel,
                                   .close_channel = close_channel,
                                   .deliver = deliver,
                                   .ready = ready};

static void create(size_t max_topics)
{
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
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].number = i;
        clients[i].in_hub.owner = &clients[i];
    }
    said[0] = '\0';
    has_memory = true;
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

/* The channel is open, and its history, which is empty, is read. */
static void channel_is_open(const char *name)
{
    struct hub_read read;
    has_history = false;
    hub_channel_is_open(hub, name, strlen(name));
    has_history = true;
    while (hub_next_read(hub, &read)) {
        hub_history(hub, &read, NULL, 0);
    }
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

START_TEST(a_channel_is_opened_at_the_first_holder_and_lingers_after_the_last)
{
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_WAITING);
    said_is("+stock ");
    ck_assert_int_eq(subscribe(1, "stock", MAX), HUB_WAITING);
    ck_assert(unsubscribe(0, "stock"));
    pass(2 * LINGER);
    said_is("");
    ck_assert(unsubscribe(1, "stock"));
    ck_assert_uint_eq(hub_topics(hub), 0);
    ck_assert_uint_eq(hub_lingering(hub), 1);
    ck_assert(hub_wants(hub, "stock", 5));
    pass(LINGER - 1);
    said_is("");
    pass(1);
    said_is("-stock ");
    ck_assert(!hub_wants(hub, "stock", 5));
    ck_assert_int_eq(subscribe(1, "stock", MAX), HUB_WAITING);
    hub_leave(hub, &clients[1].in_hub);
    linger_ends();
    said_is("+stock -stock ");
}
END_TEST

START_TEST(a_topic_taken_again_while_it_lingers_costs_nothing_and_is_live)
{
    subscribe(0, "stock", MAX);
    channel_is_open("stock");
    unsubscribe(0, "stock");
    pass(LINGER - 1);
    said_is("+stock ready0 ");
    ck_assert_int_eq(subscribe(1, "stock", MAX), HUB_WAITING);
    ck_assert(start(1, "stock"));
    pass(LINGER);
    publish("stock");
    said_is("frame1 ");
    unsubscribe(1, "stock");
    pass(LINGER - 1);
    said_is("");
    pass(1);
    said_is("-stock ");
}
END_TEST

START_TEST(each_topic_lingers_for_a_time_of_its_own)
{
    subscribe(0, "a", MAX);
    subscribe(0, "b", MAX);
    unsubscribe(0, "b");
    pass(LINGER - 1);
    unsubscribe(0, "a");
    said_is("+a +b ");
    pass(1);
    said_is("-b ");
    pass(LINGER - 2);
    said_is("");
    pass(1);
    said_is("-a ");
}
END_TEST

START_TEST(what_lingers_the_longest_makes_place_for_a_new_topic)
{
    hub_destroy(hub);
    create(3);
    subscribe(0, "a", MAX);
    subscribe(0, "b", MAX);
    subscribe(0, "c", MAX);
    unsubscribe(0, "b");
    unsubscribe(0, "a");
    said_is("+a +b +c ");
    ck_assert_int_eq(subscribe(0, "d", MAX), HUB_WAITING);
    said_is("-b +d ");
    ck_assert_int_eq(subscribe(0, "a", MAX), HUB_WAITING);
    said_is("");
    ck_assert_int_eq(subscribe(0, "e", MAX), HUB_FULL);
    ck_assert_uint_eq(hub_lingering(hub), 0);
}
END_TEST

START_TEST(what_lingers_goes_with_the_channels)
{
    subscribe(0, "a", MAX);
    subscribe(1, "b", MAX);
    channel_is_open("a");
    channel_is_open("b");
    unsubscribe(0, "a");
    said_is("+a +b ready0 ready1 ");
    hub_all_channels_lost(hub);
    said_is("-a ");
    ck_assert_uint_eq(hub_lingering(hub), 0);
    ck_assert_int_eq(subscribe(0, "a", MAX), HUB_WAITING);
    ck_assert(!start(0, "a"));
    said_is("+a ");
}
END_TEST

START_TEST(a_topic_is_all_its_bytes_and_no_more)
{
    ck_assert_int_eq(
        hub_subscribe(hub, &clients[0].in_hub, "abc", 2, HUB_BEGIN_NOTHING, MAX),
        HUB_WAITING);
    said_is("+ab ");
    ck_assert(hub_wants(hub, "ab", 2));
    ck_assert(!hub_wants(hub, "abc", 3));
    ck_assert(!hub_wants(hub, "ab\0", 3));
    ck_assert(!hub_wants(hub, "AB", 2));
    ck_assert(!hub_wants(hub, "", 0));
}
END_TEST

START_TEST(nothing_is_delivered_before_the_start)
{
    subscribe(0, "stock", MAX);
    ck_assert(hub_wants(hub, "stock", 5));
    publish("stock");
    ck_assert(!start(0, "stock"));
    publish("stock");
    channel_is_open("stock");
    publish("stock");
    said_is("+stock ready0 ");
    ck_assert(start(0, "stock"));
    publish("stock");
    said_is("frame0 ");
}
END_TEST

START_TEST(a_frame_reaches_every_started_subscriber_once_and_nobody_else)
{
    subscribe(0, "stock", MAX);
    subscribe(1, "stock", MAX);
    subscribe(2, "stock", MAX);
    subscribe(3, "crypto", MAX);
    channel_is_open("stock");
    channel_is_open("crypto");
    start(0, "stock");
    start(2, "stock");
    start(3, "crypto");
    said_is("+stock +crypto ready2 ready1 ready0 ready3 ");
    publish("stock");
    said_is("frame0 frame2 ");
    publish("nobody's");
    said_is("");
}
END_TEST

START_TEST(whoever_let_go_gets_nothing_more)
{
    subscribe(0, "stock", MAX);
    subscribe(1, "stock", MAX);
    channel_is_open("stock");
    start(0, "stock");
    start(1, "stock");
    ck_assert(unsubscribe(0, "stock"));
    ck_assert(!unsubscribe(0, "stock"));
    publish("stock");
    hub_leave(hub, &clients[1].in_hub);
    publish("stock");
    said_is("+stock ready1 ready0 frame1 ");
}
END_TEST

START_TEST(a_subscription_says_whether_it_was_started)
{
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_WAITING);
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_WAITING);
    channel_is_open("stock");
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_WAITING);
    start(0, "stock");
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_HELD);
    ck_assert_int_eq(subscribe(1, "stock", MAX), HUB_WAITING);
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
    create(2);
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
    channel_is_open("stock");
    start(1, "stock");
    hub_all_channels_lost(hub);
    said_is("+stock +crypto ready1 ready0 ");
    channel_is_open("stock");
    said_is("ready0 ");
    channel_is_open("stock");
    channel_is_open("unknown");
    said_is("");
}
END_TEST

START_TEST(when_all_channels_are_lost_started_clients_stay_and_new_ones_wait)
{
    subscribe(0, "stock", MAX);
    channel_is_open("stock");
    start(0, "stock");
    hub_all_channels_lost(hub);
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_HELD);
    ck_assert_int_eq(subscribe(1, "stock", MAX), HUB_WAITING);
    ck_assert(!start(1, "stock"));
    publish("stock"); /* from a channel that was closed since */
    said_is("+stock ready0 ");
    channel_is_open("stock");
    publish("stock");
    said_is("ready1 frame0 ");
    ck_assert(start(1, "stock"));
}
END_TEST

START_TEST(a_channel_lost_before_the_start_is_waited_for_again)
{
    subscribe(0, "stock", MAX);
    channel_is_open("stock");
    hub_all_channels_lost(hub);
    ck_assert(!start(0, "stock"));
    channel_is_open("stock");
    ck_assert(start(0, "stock"));
    said_is("+stock ready0 ready0 ");
}
END_TEST

START_TEST(a_channel_that_was_closed_is_not_open_for_the_next_holder)
{
    subscribe(0, "stock", MAX);
    channel_is_open("stock");
    unsubscribe(0, "stock");
    linger_ends();
    channel_is_open("stock"); /* late: nobody wants it */
    ck_assert_int_eq(subscribe(0, "stock", MAX), HUB_WAITING);
    ck_assert(!start(0, "stock"));
    said_is("+stock ready0 -stock +stock ");
}
END_TEST

START_TEST(what_comes_before_a_channel_is_confirmed_is_from_an_older_one)
{
    const struct sequence_item item = {.id = {.ms = 25}, .prev = {.ms = 24}};
    struct hub_read read;
    subscribe(0, "stock", MAX);
    hub_message(hub, "stock", 5, &item);
    hub_channel_is_open(hub, "stock", 5);
    ck_assert(!start(0, "stock"));
    ck_assert(hub_next_read(hub, &read));
    hub_history(hub, &read, NULL, 0);
    ck_assert(start(0, "stock"));
}
END_TEST

START_TEST(the_hub_is_whole_when_every_lost_channel_is_open_again)
{
    ck_assert(hub_is_whole(hub));
    subscribe(0, "a", MAX);
    subscribe(0, "b", MAX);
    subscribe(0, "c", MAX);
    channel_is_open("a");
    channel_is_open("b");
    hub_all_channels_lost(hub);
    ck_assert(!hub_is_whole(hub));
    channel_is_open("c"); /* it misses nothing */
    channel_is_open("a");
    ck_assert(!hub_is_whole(hub));
    unsubscribe(0, "b");
    ck_assert(!hub_is_whole(hub));
    linger_ends();
    ck_assert(hub_is_whole(hub));
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

static void note_fed(void *arg, const char *topic, size_t len)
{
    char *names = arg;
    const size_t used = strlen(names);
    snprintf(names + used, 64 - used, "%.*s ", (int)len, topic);
}

START_TEST(a_topic_is_fed_once_a_message_of_it_is_known)
{
    char names[64] = "";
    subscribe(0, "silent", MAX);
    subscribe(0, "plain", MAX);
    channel_is_open("silent");
    channel_is_open("plain");
    ck_assert(start(0, "plain"));
    hub_each_fed(hub, note_fed, names);
    ck_assert_str_eq(names, "");
    publish("plain");
    hub_each_fed(hub, note_fed, names);
    ck_assert_str_eq(names, "plain ");

    subscribe(0, "history", MAX);
    hub_channel_is_open(hub, "history", 7);
    ck_assert(!start(0, "history"));
    struct hub_read read;
    ck_assert(hub_next_read(hub, &read));
    struct frame *frame = frame_create(FRAME_TEXT, NULL, 0);
    const struct sequence_item item = {.id = {.ms = 1}, .frame = frame};
    hub_history(hub, &read, &item, 1);
    frame_unref(frame);
    names[0] = '\0';
    hub_each_fed(hub, note_fed, names);
    ck_assert_str_eq(names, "plain history ");
}
END_TEST

START_TEST(a_client_that_left_holds_no_memory)
{
    for (int i = 0; i < 20; i++) {
        char name[8];
        snprintf(name, sizeof(name), "a%d", i);
        subscribe(0, name, MAX);
    }
    hub_leave(hub, &clients[0].in_hub);
    ck_assert_uint_eq(clients[0].in_hub.held_count, 0);
    ck_assert_ptr_null(clients[0].in_hub.held);
    ck_assert_uint_eq(hub_topics(hub), 0);
    ck_assert_uint_eq(hub_subscriptions(hub), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hub");
    TCase *tcase = tcase_create("hub");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase,
                   a_channel_is_opened_at_the_first_holder_and_lingers_after_the_last);
    tcase_add_test(tcase, a_topic_taken_again_while_it_lingers_costs_nothing_and_is_live);
    tcase_add_test(tcase, each_topic_lingers_for_a_time_of_its_own);
    tcase_add_test(tcase, what_lingers_the_longest_makes_place_for_a_new_topic);
    tcase_add_test(tcase, what_lingers_goes_with_the_channels);
    tcase_add_test(tcase, a_topic_is_all_its_bytes_and_no_more);
    tcase_add_test(tcase, nothing_is_delivered_before_the_start);
    tcase_add_test(tcase, a_frame_reaches_every_started_subscriber_once_and_nobody_else);
    tcase_add_test(tcase, whoever_let_go_gets_nothing_more);
    tcase_add_test(tcase, a_subscription_says_whether_it_was_started);
    tcase_add_test(tcase, the_limit_counts_each_clients_own_topics);
    tcase_add_test(tcase, different_topics_are_limited_too);
    tcase_add_test(tcase, without_memory_for_its_channel_a_subscription_changes_nothing);
    tcase_add_test(tcase, letting_go_of_what_is_not_held_is_answered_with_false);
    tcase_add_test(tcase, only_those_who_wait_are_told_that_a_channel_is_open);
    tcase_add_test(tcase,
                   when_all_channels_are_lost_started_clients_stay_and_new_ones_wait);
    tcase_add_test(tcase, a_channel_lost_before_the_start_is_waited_for_again);
    tcase_add_test(tcase, a_channel_that_was_closed_is_not_open_for_the_next_holder);
    tcase_add_test(tcase, what_comes_before_a_channel_is_confirmed_is_from_an_older_one);
    tcase_add_test(tcase, the_hub_is_whole_when_every_lost_channel_is_open_again);
    tcase_add_test(tcase, an_empty_client_may_leave_and_no_hub_may_be_destroyed);
    tcase_add_test(tcase, a_topic_is_fed_once_a_message_of_it_is_known);
    tcase_add_test(tcase, a_client_that_left_holds_no_memory);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
