/* SPDX-License-Identifier: MIT */
#include "feeder/calendar.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int64_t instant(const char *text)
{
    int64_t at_us;
    ck_assert_msg(calendar_parse(text, strlen(text), &at_us), "%s", text);
    return at_us;
}

static void assert_bar(enum topic_interval interval, const char *at, const char *start,
                       const char *end)
{
    char text[CALENDAR_TEXT_MAX + 1];
    const int64_t start_us = calendar_bar_start(interval, instant(at));
    calendar_format_second(text, start_us);
    ck_assert_str_eq(text, start);
    calendar_format_second(text, calendar_bar_end(interval, start_us));
    ck_assert_str_eq(text, end);
}

START_TEST(instants_are_written_in_utc_with_six_decimals_and_no_zone)
{
    char text[CALENDAR_TEXT_MAX + 1];
    ck_assert_uint_eq(calendar_format(text, 0), CALENDAR_TEXT_MAX);
    ck_assert_str_eq(text, "1970-01-01T00:00:00.000000");
    calendar_format(text, INT64_C(1758518162800339));
    ck_assert_str_eq(text, "2025-09-22T05:16:02.800339");
    calendar_format_second(text, INT64_C(1758518162800339));
    ck_assert_str_eq(text, "2025-09-22T05:16:02");
    calendar_format(text, -1);
    ck_assert_str_eq(text, "1969-12-31T23:59:59.999999");
    calendar_format(text, CALENDAR_MIN_US);
    ck_assert_str_eq(text, "0001-01-01T00:00:00.000000");
    calendar_format(text, CALENDAR_MAX_US);
    ck_assert_str_eq(text, "9999-12-31T23:59:59.999999");
}
END_TEST

START_TEST(dates_and_times_are_read)
{
    ck_assert_int_eq(instant("1970-01-01"), 0);
    ck_assert_int_eq(instant("2025-09-22T05:16:02.800339"), INT64_C(1758518162800339));
    ck_assert_int_eq(instant("2025-09-22 05:16:02.8003399Z"), INT64_C(1758518162800339));
    ck_assert_int_eq(instant("2025-09-22T05:16"), INT64_C(1758518160000000));
    ck_assert_int_eq(instant("2025-09-22T13:16:02+08:00"), INT64_C(1758518162000000));
    ck_assert_int_eq(instant("2025-09-22T00:46:02.5-04:30"), INT64_C(1758518162500000));
    ck_assert_int_eq(instant("2024-02-29"), INT64_C(1709164800000000));
    ck_assert_int_eq(instant("0001-01-01"), CALENDAR_MIN_US);
    ck_assert_int_eq(instant("9999-12-31T23:59:59.999999"), CALENDAR_MAX_US);
}
END_TEST

START_TEST(what_is_no_instant_is_refused)
{
    static const char *const texts[] = {"",
                                        "2025",
                                        "2025-9-22",
                                        "2025-13-01",
                                        "2025-00-01",
                                        "2025-02-29",
                                        "1900-02-29",
                                        "2025-04-31",
                                        "2025-04-00",
                                        "0000-01-01",
                                        "2025-09-22T",
                                        "2025-09-22T24:00:00",
                                        "2025-09-22T05:60",
                                        "2025-09-22T05:16:60",
                                        "2025-09-22T05:16:02.",
                                        "2025-09-22T05:16:02+8",
                                        "2025-09-22T05:16:02+0800",
                                        "2025-09-22T05:16:02ZZ",
                                        "2025-09-22x05:16:02",
                                        "2025-09-22T05:16:02 ",
                                        "0001-01-01T00:00:00+00:01",
                                        "9999-12-31T23:59:59-00:01"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        int64_t at_us;
        ck_assert_msg(!calendar_parse(texts[i], strlen(texts[i]), &at_us), "%s",
                      texts[i]);
    }
}
END_TEST

static int64_t stamp(const char *text)
{
    int64_t at_us;
    ck_assert_msg(calendar_parse_stamp(text, strlen(text), &at_us), "%s", text);
    return at_us;
}

START_TEST(numbers_count_from_1970_in_the_unit_their_size_tells)
{
    const int64_t second = CALENDAR_SECOND_US;
    ck_assert_int_eq(stamp("2025-09-22T05:16:02.8Z"), INT64_C(1758518162800000));
    ck_assert_int_eq(stamp("0"), 0);
    ck_assert_int_eq(stamp("1758518162"), INT64_C(1758518162) * second);
    ck_assert_int_eq(stamp("1758518162.8003399"), INT64_C(1758518162800339));
    ck_assert_int_eq(stamp("1758518162800"), INT64_C(1758518162800000));
    ck_assert_int_eq(stamp("1758518162800.3399"), INT64_C(1758518162800339));
    ck_assert_int_eq(stamp("1758518162800339"), INT64_C(1758518162800339));
    ck_assert_int_eq(stamp("1758518162800339.9"), INT64_C(1758518162800339));
    ck_assert_int_eq(stamp("1758518162800339999"), INT64_C(1758518162800339));
    ck_assert_int_eq(stamp("-252374400"), instant("1962-01-02"));
    ck_assert_int_eq(stamp("-0.5"), -second / 2);
}
END_TEST

START_TEST(each_unit_begins_where_the_one_before_it_ends)
{
    ck_assert_int_eq(stamp("99999999999.999999"), instant("5138-11-16T09:46:39.999999"));
    ck_assert_int_eq(stamp("100000000000"), instant("1973-03-03T09:46:40"));
    ck_assert_int_eq(stamp("99999999999999.999"), instant("5138-11-16T09:46:39.999999"));
    ck_assert_int_eq(stamp("100000000000000"), instant("1973-03-03T09:46:40"));
    ck_assert_int_eq(stamp("99999999999999999"), instant("5138-11-16T09:46:39.999999"));
    ck_assert_int_eq(stamp("100000000000000000"), instant("1973-03-03T09:46:40"));
    ck_assert_int_eq(stamp("9999999999999999999"), instant("2286-11-20T17:46:39.999999"));
}
END_TEST

START_TEST(eight_digits_that_are_a_day_are_that_day)
{
    ck_assert_int_eq(stamp("20240131"), instant("2024-01-31"));
    ck_assert_int_eq(stamp("20240132"), INT64_C(20240132) * CALENDAR_SECOND_US);
    ck_assert_int_eq(stamp("99999999"), INT64_C(99999999) * CALENDAR_SECOND_US);
}
END_TEST

START_TEST(other_numbers_are_no_instants)
{
    static const char *const texts[] = {"",     "-",     "+1",  ".5",
                                        "1.",   "1e9",   "1 ",  "10000000000000000000",
                                        "0x10", "1,5",   "--1", "99999999999999999999999",
                                        "now",  "1.5.5", "NaN", "-99999999999"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        int64_t at_us;
        ck_assert_msg(!calendar_parse_stamp(texts[i], strlen(texts[i]), &at_us), "%s",
                      texts[i]);
    }
}
END_TEST

START_TEST(only_the_given_bytes_are_read)
{
    char *text = strdup("2025-09-22 and more");
    ck_assert_ptr_nonnull(text);
    int64_t at_us;
    ck_assert(calendar_parse(text, 10, &at_us));
    ck_assert(!calendar_parse(text, 9, &at_us));
    free(text);
}
END_TEST

START_TEST(every_day_is_what_the_c_library_says)
{
    for (int64_t day = -800000; day < 800000; day += 37) {
        char text[CALENDAR_TEXT_MAX + 1];
        char expected[64];
        const time_t seconds = (time_t)(day * 86400);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        if (tm.tm_year + 1900 < 1 || tm.tm_year + 1900 > 9999) {
            continue;
        }
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT00:00:00", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday);
        calendar_format_second(text, day * CALENDAR_DAY_US);
        ck_assert_str_eq(text, expected);
        ck_assert_int_eq(instant(text), day * CALENDAR_DAY_US);
        const int64_t week = calendar_bar_start(TOPIC_1W, day * CALENDAR_DAY_US);
        ck_assert_int_eq(day - week / CALENDAR_DAY_US, (tm.tm_wday + 6) % 7);
        const int64_t month = calendar_bar_start(TOPIC_1MO, day * CALENDAR_DAY_US);
        ck_assert_int_eq(day - month / CALENDAR_DAY_US, tm.tm_mday - 1);
    }
}
END_TEST

START_TEST(bars_of_minutes_and_hours_begin_at_whole_multiples)
{
    const char *at = "2025-09-22T05:16:02.800339";
    assert_bar(TOPIC_1M, at, "2025-09-22T05:16:00", "2025-09-22T05:17:00");
    assert_bar(TOPIC_5M, at, "2025-09-22T05:15:00", "2025-09-22T05:20:00");
    assert_bar(TOPIC_15M, at, "2025-09-22T05:15:00", "2025-09-22T05:30:00");
    assert_bar(TOPIC_30M, at, "2025-09-22T05:00:00", "2025-09-22T05:30:00");
    assert_bar(TOPIC_1H, at, "2025-09-22T05:00:00", "2025-09-22T06:00:00");
    assert_bar(TOPIC_4H, at, "2025-09-22T04:00:00", "2025-09-22T08:00:00");
    assert_bar(TOPIC_1D, at, "2025-09-22T00:00:00", "2025-09-23T00:00:00");
}
END_TEST

START_TEST(a_boundary_belongs_to_the_bar_it_begins)
{
    assert_bar(TOPIC_1M, "2025-09-22T05:16:00", "2025-09-22T05:16:00",
               "2025-09-22T05:17:00");
    assert_bar(TOPIC_1M, "2025-09-22T05:15:59.999999", "2025-09-22T05:15:00",
               "2025-09-22T05:16:00");
}
END_TEST

START_TEST(weeks_begin_on_monday)
{
    assert_bar(TOPIC_1W, "2025-09-22", "2025-09-22T00:00:00", "2025-09-29T00:00:00");
    assert_bar(TOPIC_1W, "2025-09-28T23:59:59.999999", "2025-09-22T00:00:00",
               "2025-09-29T00:00:00");
    assert_bar(TOPIC_1W, "2025-01-01", "2024-12-30T00:00:00", "2025-01-06T00:00:00");
    assert_bar(TOPIC_1W, "1970-01-01", "1969-12-29T00:00:00", "1970-01-05T00:00:00");
    assert_bar(TOPIC_1W, "0001-01-01", "0001-01-01T00:00:00", "0001-01-08T00:00:00");
}
END_TEST

START_TEST(months_are_those_of_the_calendar)
{
    assert_bar(TOPIC_1MO, "2024-02-29T12:00", "2024-02-01T00:00:00",
               "2024-03-01T00:00:00");
    assert_bar(TOPIC_1MO, "2023-02-28T23:59:59.999999", "2023-02-01T00:00:00",
               "2023-03-01T00:00:00");
    assert_bar(TOPIC_1MO, "2100-02-28", "2100-02-01T00:00:00", "2100-03-01T00:00:00");
    assert_bar(TOPIC_1MO, "2024-12-31T23:59", "2024-12-01T00:00:00",
               "2025-01-01T00:00:00");
    assert_bar(TOPIC_1MO, "1969-12-31T23:59", "1969-12-01T00:00:00",
               "1970-01-01T00:00:00");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("calendar");
    TCase *tcase = tcase_create("calendar");
    tcase_add_test(tcase, instants_are_written_in_utc_with_six_decimals_and_no_zone);
    tcase_add_test(tcase, dates_and_times_are_read);
    tcase_add_test(tcase, what_is_no_instant_is_refused);
    tcase_add_test(tcase, numbers_count_from_1970_in_the_unit_their_size_tells);
    tcase_add_test(tcase, each_unit_begins_where_the_one_before_it_ends);
    tcase_add_test(tcase, eight_digits_that_are_a_day_are_that_day);
    tcase_add_test(tcase, other_numbers_are_no_instants);
    tcase_add_test(tcase, only_the_given_bytes_are_read);
    tcase_add_test(tcase, every_day_is_what_the_c_library_says);
    tcase_add_test(tcase, bars_of_minutes_and_hours_begin_at_whole_multiples);
    tcase_add_test(tcase, a_boundary_belongs_to_the_bar_it_begins);
    tcase_add_test(tcase, weeks_begin_on_monday);
    tcase_add_test(tcase, months_are_those_of_the_calendar);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
