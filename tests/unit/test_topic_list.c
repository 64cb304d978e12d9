/* SPDX-License-Identifier: MIT */
#include "gateway/topic_list.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct topic_list *list;

static void make(size_t max)
{
    topic_list_destroy(list);
    list = topic_list_create(max);
    ck_assert_ptr_nonnull(list);
}

static void setup(void)
{
    make(1000);
}

static void teardown(void)
{
    topic_list_destroy(list);
    list = NULL;
}

static bool add(const char *topic)
{
    return topic_list_add(list, topic, strlen(topic));
}

/* The settled list, as in "stock.A.1m stock.B.1m ". */
static void is_list(const char *expected)
{
    char text[1024] = "";
    size_t len = 0;
    topic_list_settle(list);
    for (size_t i = 0; i < topic_list_count(list); i++) {
        const struct topic_name *topic = topic_list_item(list, i);
        memcpy(text + len, topic->text, topic->len);
        len += topic->len;
        text[len++] = ' ';
    }
    text[len] = '\0';
    ck_assert_str_eq(text, expected);
}

START_TEST(an_empty_list_can_be_read)
{
    is_list("");
    size_t first = 1;
    ck_assert_uint_eq(topic_list_find_behind(list, "stock.", 6), 0);
    ck_assert_uint_eq(topic_list_find_prefix(list, "stock.", 6, &first), 0);
    ck_assert_uint_eq(first, 0);
    ck_assert(!topic_list_is_cut(list));
    topic_list_destroy(NULL);
}
END_TEST

START_TEST(topics_are_in_the_order_of_their_bytes_and_each_is_there_once)
{
    static const char *const topics[] = {
        "stock.B.1m", "stock.A.1m", "crypto.BTC.5m", "stock.A.15m",      "stock.B.1m",
        "stock.A.1m", "stock.a.1m", "stock.A.1M",    "market.US.summary"};
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        ck_assert(add(topics[i]));
    }
    is_list(
        "crypto.BTC.5m market.US.summary stock.A.15m stock.A.1M stock.A.1m stock.B.1m "
        "stock.a.1m ");
}
END_TEST

START_TEST(what_is_no_topic_is_passed_over)
{
    static const char *const texts[] = {"",
                                        "stock",
                                        "stock.A",
                                        "stock.A.2m",
                                        "a.b.1m",
                                        "stock.\"A\".1m",
                                        "stock.A.1m}x",
                                        "stock.ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG.1m"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_assert(add(texts[i]));
    }
    is_list("");
    ck_assert(!topic_list_is_cut(list));
}
END_TEST

START_TEST(the_longest_topic_fits)
{
    static const char longest[] = "market.ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF.summary";
    ck_assert_uint_eq(strlen(longest), TOPIC_MAX);
    ck_assert(add(longest));
    topic_list_settle(list);
    ck_assert_uint_eq(topic_list_item(list, 0)->len, TOPIC_MAX);
    ck_assert_mem_eq(topic_list_item(list, 0)->text, longest, TOPIC_MAX);
}
END_TEST

START_TEST(a_full_list_leaves_out_what_is_new_and_says_so)
{
    make(2);
    ck_assert(add("stock.B.1m"));
    ck_assert(add("stock.A.1m"));
    ck_assert(!topic_list_is_cut(list));
    ck_assert(add("stock.A.1m"));
    ck_assert(add("nonsense"));
    ck_assert(!topic_list_is_cut(list));
    ck_assert(!add("stock.0.1m"));
    ck_assert(topic_list_is_cut(list));
    is_list("stock.A.1m stock.B.1m ");
}
END_TEST

START_TEST(repetitions_take_no_room)
{
    make(3);
    for (int i = 0; i < 100; i++) {
        ck_assert(add("stock.A.1m"));
        ck_assert(add("stock.B.1m"));
    }
    ck_assert(add("stock.C.1m"));
    ck_assert(!topic_list_is_cut(list));
    ck_assert(!add("stock.D.1m"));
    is_list("stock.A.1m stock.B.1m stock.C.1m ");
}
END_TEST

START_TEST(a_list_that_ends_too_early_says_so)
{
    topic_list_cut(list);
    ck_assert(topic_list_is_cut(list));
}
END_TEST

static size_t behind(const char *text)
{
    return topic_list_find_behind(list, text, strlen(text));
}

START_TEST(what_comes_behind_a_text_is_found_whether_it_is_in_the_list_or_not)
{
    add("stock.B.1m");
    add("stock.D.1m");
    topic_list_settle(list);
    ck_assert_uint_eq(behind(""), 0);
    ck_assert_uint_eq(behind("stock.A.1m"), 0);
    ck_assert_uint_eq(behind("stock.B"), 0);
    ck_assert_uint_eq(behind("stock.B.1m"), 1);
    ck_assert_uint_eq(behind("stock.B.1mx"), 1);
    ck_assert_uint_eq(behind("stock.C.1m"), 1);
    ck_assert_uint_eq(behind("stock.D.1m"), 2);
    ck_assert_uint_eq(behind("\xff"), 2);
}
END_TEST

static void has_prefix(const char *prefix, size_t first, size_t count)
{
    size_t found;
    ck_assert_uint_eq(topic_list_find_prefix(list, prefix, strlen(prefix), &found),
                      count);
    ck_assert_uint_eq(found, first);
}

START_TEST(what_begins_with_a_text_is_found)
{
    add("crypto.BTC.1m");
    add("stock.A.1m");
    add("stock.AB.1m");
    add("stock.B.1m");
    topic_list_settle(list); /* crypto.BTC.1m stock.A.1m stock.AB.1m stock.B.1m */
    has_prefix("", 0, 4);
    has_prefix("crypto.", 0, 1);
    has_prefix("stock.", 1, 3);
    has_prefix("stock.A", 1, 2);
    has_prefix("stock.A.", 1, 1);
    has_prefix("stock.A.1m", 1, 1);
    has_prefix("stock.A.1mx", 2, 0);
    has_prefix("a", 0, 0);
    has_prefix("zebra", 4, 0);
    has_prefix("stock.B.1m...........................................................", 4,
               0);
}
END_TEST

START_TEST(many_topics_are_found_again)
{
    enum { TOPICS = 1000 };
    char topic[32];
    for (size_t i = 0; i < TOPICS; i++) {
        snprintf(topic, sizeof(topic), "stock.S%03zu.1m", i * 7 % TOPICS);
        ck_assert(add(topic));
    }
    ck_assert(!add("stock.T.1m"));
    ck_assert_uint_eq(topic_list_count(list), TOPICS);
    for (size_t i = 0; i < TOPICS; i++) {
        snprintf(topic, sizeof(topic), "stock.S%03zu.1m", i);
        ck_assert_uint_eq(behind(topic), i + 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("topic_list");
    TCase *tcase = tcase_create("topic_list");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_empty_list_can_be_read);
    tcase_add_test(tcase, topics_are_in_the_order_of_their_bytes_and_each_is_there_once);
    tcase_add_test(tcase, what_is_no_topic_is_passed_over);
    tcase_add_test(tcase, the_longest_topic_fits);
    tcase_add_test(tcase, a_full_list_leaves_out_what_is_new_and_says_so);
    tcase_add_test(tcase, repetitions_take_no_room);
    tcase_add_test(tcase, a_list_that_ends_too_early_says_so);
    tcase_add_test(tcase,
                   what_comes_behind_a_text_is_found_whether_it_is_in_the_list_or_not);
    tcase_add_test(tcase, what_begins_with_a_text_is_found);
    tcase_add_test(tcase, many_topics_are_found_again);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
