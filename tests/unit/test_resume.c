/* SPDX-License-Identifier: MIT
 *
 * A feeder is killed and started again: a new tape is given what the histories hold, then
 * all trades from the beginning. What it says must join what was said before, as if there
 * had been no end.
 */
#include "feeder/tape.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"
#include "feeder/zone.h"
#include "tape_scene.h"

#define TRADES 200
#define CUTS   4
#define TOPICS 64

static struct trade trades[TRADES];
static struct script whole;  /* of a run that nobody disturbed */
static struct script joined; /* what a killed run left, then what its successor said */

static void teardown(void)
{
    script_clear(&whole);
    script_clear(&joined);
}

static void run(struct tape *tape)
{
    for (size_t i = 0; i < TRADES; i++) {
        scene_feed(tape, &trades[i]);
    }
    scene_end(tape);
    tape_destroy(tape);
}

/* Gives each topic's messages, newest first, as long as they are wanted. */
static void remember(struct tape *tape, const struct script *script)
{
    bool done[TOPICS] = {false};
    const char *topics[TOPICS];
    size_t count = 0;
    for (size_t i = script->count; i-- > 0;) {
        const struct message *message = &script->said[i];
        size_t at = 0;
        while (at < count && strcmp(topics[at], message->topic) != 0) {
            at++;
        }
        if (at == count) {
            ck_assert_uint_lt(count, TOPICS);
            topics[count++] = message->topic;
        }
        struct topic topic;
        ck_assert(topic_parse(message->topic, strlen(message->topic), &topic));
        if (!done[at]) {
            done[at] =
                !tape_remember(tape, &topic, message->payload, strlen(message->payload));
        }
    }
}

/* Keeps of what `whole` said to each topic a number of messages of its own. */
static void keep_apart(void)
{
    size_t count = 0;
    struct kept {
        const char *topic;
        size_t left;
    } kept[TOPICS];
    for (size_t i = 0; i < whole.count; i++) {
        const struct message *message = &whole.said[i];
        size_t at = 0;
        while (at < count && strcmp(kept[at].topic, message->topic) != 0) {
            at++;
        }
        if (at == count) {
            ck_assert_uint_lt(count, TOPICS);
            size_t all = 0;
            for (size_t j = i; j < whole.count; j++) {
                all += strcmp(whole.said[j].topic, message->topic) == 0;
            }
            kept[count++] =
                (struct kept){.topic = message->topic, .left = scene_random(all + 1)};
        }
        if (kept[at].left > 0) {
            kept[at].left--;
            joined.said[joined.count] = *message;
            joined.said[joined.count++].payload = strdup(message->payload);
        }
    }
}

static void keep_first(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        joined.said[joined.count] = whole.said[i];
        joined.said[joined.count++].payload = strdup(whole.said[i].payload);
    }
}

/* The bar without what is compared with another day: open to trades, and last_trade. */
static size_t bar_len(const char *payload)
{
    const char *end = strstr(payload, ",\"previous_close\"");
    end = end != NULL ? end : strstr(payload, ",\"change\"");
    return end != NULL ? (size_t)(end - payload) : strlen(payload);
}

static bool is_same(const char *a, const char *b, bool changes_too)
{
    if (changes_too) {
        return strcmp(a, b) == 0;
    }
    const size_t len = bar_len(a);
    return len == bar_len(b) && memcmp(a, b, len) == 0;
}

static bool is_closed(const struct message *message)
{
    return strstr(message->payload, "\"closed\":true") != NULL;
}

/* The next closed bar of the topic from *at on; NULL if there is none. */
static const struct message *next_closed(const struct script *script, const char *topic,
                                         size_t *at)
{
    while (*at < script->count) {
        const struct message *message = &script->said[(*at)++];
        if (is_closed(message) && strcmp(message->topic, topic) == 0) {
            return message;
        }
    }
    return NULL;
}

static const struct message *last_of(const struct script *script, const char *topic)
{
    for (size_t i = script->count; i-- > 0;) {
        if (strcmp(script->said[i].topic, topic) == 0) {
            return &script->said[i];
        }
    }
    return NULL;
}

static void compare_topic(const char *topic, bool changes_too, const char *scene)
{
    size_t at = 0;
    size_t joined_at = 0;
    const struct message *message;
    while ((message = next_closed(&whole, topic, &at)) != NULL) {
        const struct message *other = next_closed(&joined, topic, &joined_at);
        ck_assert_msg(other != NULL, "%s: never closed: %s", scene, message->payload);
        ck_assert_msg(is_same(message->payload, other->payload, changes_too),
                      "%s:\n%s\nis not\n%s", scene, other->payload, message->payload);
    }
    message = next_closed(&joined, topic, &joined_at);
    ck_assert_msg(message == NULL, "%s: one too many: %s", scene,
                  message == NULL ? "" : message->payload);
    const struct message *last = last_of(&whole, topic);
    const struct message *other = last_of(&joined, topic);
    ck_assert_msg(is_same(last->payload, other->payload, changes_too),
                  "%s, at last:\n%s\nis not\n%s", scene, other->payload, last->payload);
}

/* With lateness, where a market's day begins depends on what had been said by then. */
static bool is_compared(const char *topic, const struct tape_rules *rules, bool apart)
{
    return strncmp(topic, "market.", 7) != 0 || (!apart && rules->bars.lateness_us == 0);
}

static void compare(const struct tape_rules *rules, bool apart, const char *scene)
{
    const char *topics[TOPICS];
    size_t count = 0;
    for (size_t i = 0; i < whole.count; i++) {
        size_t at = 0;
        while (at < count && strcmp(topics[at], whole.said[i].topic) != 0) {
            at++;
        }
        if (at == count) {
            topics[count++] = whole.said[i].topic;
            if (is_compared(topics[at], rules, apart)) {
                compare_topic(topics[at], !apart, scene);
            }
        }
    }
}

/* `apart`: each topic is cut somewhere else. */
static void cut_and_go_on(const struct tape_rules *rules, bool apart, const char *scene)
{
    const size_t cut = scene_random(whole.count + 1);
    joined.room = whole.count;
    joined.said = calloc(joined.room, sizeof(*joined.said));
    ck_assert_ptr_nonnull(joined.said);
    struct tape *tape = scene_tape(rules, &joined);
    if (apart) {
        keep_apart();
    } else {
        keep_first(cut);
    }
    remember(tape, &joined);
    run(tape);
    compare(rules, apart, scene);
    script_clear(&joined);
}

static void play(const struct tape_rules *rules, int64_t disorder_us, bool apart,
                 uint64_t seed)
{
    char scene[128];
    scene_seed(seed);
    scene_trades(trades, TRADES, INT64_C(1709078400000000), disorder_us);
    script_clear(&whole);
    run(scene_tape(rules, &whole));
    for (int cut = 0; cut < CUTS; cut++) {
        snprintf(scene, sizeof(scene), "seed %d cut %d lateness %d pace %d disorder %d",
                 (int)seed, cut, (int)rules->bars.lateness_us,
                 (int)rules->bars.min_update_us, (int)disorder_us);
        cut_and_go_on(rules, apart, scene);
    }
}

/* Lateness 0, less and more than a minute; every tick and paced; in order and not. */
static void play_all(bool apart)
{
    static const int64_t latenesses_s[] = {0, 5, 150};
    const int seeds = getenv("RESUME_SEEDS") != NULL ? atoi(getenv("RESUME_SEEDS")) : 1;
    for (size_t i = 0; i < sizeof(latenesses_s) / sizeof(latenesses_s[0]); i++) {
        const int64_t lateness_us = latenesses_s[i] * SCENE_SECOND_US;
        struct tape_rules rules = {
            .bars = {.max_symbols = 10, .lateness_us = lateness_us},
            .weights = "AAPL=2.5"};
        for (int seed = 1; seed <= seeds; seed++) {
            rules.bars.min_update_us = 0;
            play(&rules, 0, apart, (uint64_t)seed);
            play(&rules, lateness_us / 4 * 5 + 1000000, apart, (uint64_t)(1000 + seed));
            rules.bars.min_update_us = 250000;
            play(&rules, 0, apart, (uint64_t)(2000 + seed));
            play(&rules, lateness_us / 4 * 5 + 1000000, apart, (uint64_t)(3000 + seed));
        }
    }
}

START_TEST(a_restart_anywhere_changes_nothing_that_is_final)
{
    play_all(false);
}
END_TEST

START_TEST(nor_does_it_where_days_begin_in_new_york)
{
    ck_assert(zone_use("America/New_York"));
    play_all(false);
}
END_TEST

START_TEST(topics_need_not_be_equally_new)
{
    play_all(true);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resume");
    TCase *tcase = tcase_create("resume");
    tcase_set_timeout(tcase, 100);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, a_restart_anywhere_changes_nothing_that_is_final);
    tcase_add_test(tcase, nor_does_it_where_days_begin_in_new_york);
    tcase_add_test(tcase, topics_need_not_be_equally_new);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
