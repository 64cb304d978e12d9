/* SPDX-License-Identifier: MIT */
#include "feeder/marks.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MAX 3

static struct marks *marks;

static void setup(void)
{
    marks = marks_create(MAX);
    ck_assert_ptr_nonnull(marks);
}

static void teardown(void)
{
    marks_destroy(marks);
}

static void set(const char *channel, uint64_t ms)
{
    marks_set(marks, channel, strlen(channel), (struct feed_id){ms, 1});
}

static void assert_at(const char *channel, uint64_t ms, uint64_t seq)
{
    const struct feed_id id = marks_get(marks, channel, strlen(channel));
    ck_assert_uint_eq(id.ms, ms);
    ck_assert_uint_eq(id.seq, seq);
}

START_TEST(a_channel_without_a_mark_is_at_the_floor)
{
    assert_at("a", 0, 0);
    marks_restart(marks, (struct feed_id){5, 6});
    assert_at("a", 5, 6);
    set("a", 7);
    assert_at("b", 5, 6);
}
END_TEST

START_TEST(the_last_mark_counts)
{
    set("a", 7);
    set("ab", 8);
    assert_at("a", 7, 1);
    assert_at("ab", 8, 1);
    set("a", 9);
    assert_at("a", 9, 1);
    set("a", 2); /* Redis lost its data, and its clock is behind */
    assert_at("a", 2, 1);
}
END_TEST

START_TEST(a_restart_forgets_all_marks)
{
    set("a", 7);
    set("b", 8);
    marks_restart(marks, (struct feed_id){5, 6});
    assert_at("a", 5, 6);
    assert_at("b", 5, 6);
    set("b", 9);
    assert_at("b", 9, 1);
}
END_TEST

START_TEST(one_too_many_makes_the_first_be_forgotten)
{
    marks_restart(marks, (struct feed_id){5, 6});
    set("a", 11);
    set("b", 12);
    set("c", 13);
    set("a", 14);
    set("d", 15);
    assert_at("a", 5, 6);
    assert_at("b", 12, 1);
    assert_at("c", 13, 1);
    assert_at("d", 15, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("marks");
    TCase *tcase = tcase_create("marks");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_channel_without_a_mark_is_at_the_floor);
    tcase_add_test(tcase, the_last_mark_counts);
    tcase_add_test(tcase, a_restart_forgets_all_marks);
    tcase_add_test(tcase, one_too_many_makes_the_first_be_forgotten);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
