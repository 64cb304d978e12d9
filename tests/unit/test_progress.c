/* SPDX-License-Identifier: MIT */
#include "feeder/progress.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SHORTEST_LOG_LINE \
    (sizeof("2026-11-22T22:40:01.123Z info feeding source=walk") - 1)

static struct progress progress;
static char line[PROGRESS_LINE_MAX];

/* The line without what moves the cursor, or "" if none is due. */
static const char *show(uint64_t now_ms, uint64_t done, uint64_t total, uint64_t ticks)
{
    const struct progress_now now = {
        .now_ms = now_ms, .done = done, .total = total, .ticks = ticks};
    const size_t len = progress_line(&progress, &now, line);
    if (len == 0) {
        return "";
    }
    ck_assert_uint_eq(len, strlen(line));
    ck_assert_mem_eq(line, PROGRESS_CLEAR, strlen(PROGRESS_CLEAR));
    ck_assert_int_eq(line[len - 1], '\r');
    line[len - 1] = '\0';
    return line + strlen(PROGRESS_CLEAR);
}

START_TEST(the_first_line_knows_no_speed)
{
    ck_assert_str_eq(show(5000, 0, 1000, 0), "  0.0%");
}
END_TEST

START_TEST(lines_come_four_times_a_second_at_most)
{
    show(5000, 0, 1000, 0);
    ck_assert_str_eq(show(5249, 10, 1000, 10), "");
    ck_assert_str_eq(show(5250, 10, 1000, 10), "  1.0%");
    ck_assert_str_eq(show(5251, 11, 1000, 11), "");
}
END_TEST

START_TEST(after_a_second_the_speed_and_the_time_left_are_known)
{
    show(5000, 100, 1000, 50);
    ck_assert_str_eq(show(6000, 200, 1000, 250), " 20.0%  200 ticks/s  0:00:08 left");
    ck_assert_str_eq(show(7000, 300, 1000, 450), " 30.0%  200 ticks/s  0:00:07 left");
    ck_assert_str_eq(show(7500, 350, 1000, 550), " 35.0%  200 ticks/s  0:00:07 left");
}
END_TEST

START_TEST(a_jump_at_the_start_is_soon_forgotten)
{
    show(0, 0, 100000, 0);
    show(1000, 90000, 100000, 90000);
    for (uint64_t s = 2; s < 30; s++) {
        show(s * 1000, 90000 + s, 100000, 90000 + s);
    }
    ck_assert_str_eq(show(30000, 90030, 100000, 90030),
                     " 90.0%  4 ticks/s  0:42:38 left");
}
END_TEST

START_TEST(without_progress_no_end_is_foretold)
{
    show(0, 5, 10, 7);
    ck_assert_str_eq(show(1000, 5, 10, 7), " 50.0%  0 ticks/s");
    ck_assert_str_eq(show(2000, 5, 10, 7), " 50.0%  0 ticks/s");
}
END_TEST

START_TEST(a_hundred_per_cent_is_the_end)
{
    ck_assert_str_eq(show(0, 999999, 1000000, 0), " 99.9%");
    ck_assert_str_eq(show(500, 1000000, 1000000, 0), "100.0%");
    ck_assert_str_eq(show(750, 0, 0, 0), "100.0%");
}
END_TEST

START_TEST(a_line_is_shorter_than_any_line_of_the_log)
{
    const uint64_t many = UINT64_MAX / 2;
    show(0, 0, many, 0);
    const char *longest = show(1000, many / 3000000, many, many);
    ck_assert_str_eq(longest, "  0.0%  100000000 ticks/s  833:19:59 left");
    ck_assert_uint_le(strlen(longest), SHORTEST_LOG_LINE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("progress");
    TCase *tcase = tcase_create("progress");
    tcase_add_test(tcase, the_first_line_knows_no_speed);
    tcase_add_test(tcase, lines_come_four_times_a_second_at_most);
    tcase_add_test(tcase, after_a_second_the_speed_and_the_time_left_are_known);
    tcase_add_test(tcase, a_jump_at_the_start_is_soon_forgotten);
    tcase_add_test(tcase, without_progress_no_end_is_foretold);
    tcase_add_test(tcase, a_hundred_per_cent_is_the_end);
    tcase_add_test(tcase, a_line_is_shorter_than_any_line_of_the_log);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
