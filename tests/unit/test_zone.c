/* SPDX-License-Identifier: MIT
 *
 * Days, weeks and months on the walls of the world.
 */
#include "feeder/zone.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DAY_S        INT64_C(86400)

static int64_t instant(const char *text)
{
    int64_t at_us;
    ck_assert_msg(calendar_parse(text, strlen(text), &at_us), "%s", text);
    return at_us;
}

/* The interval's bar that holds the instant: when it begins and ends. */
static void assert_bar(enum topic_interval interval, const char *at, const char *start,
                       const char *end)
{
    char text[CALENDAR_TEXT_MAX + 1];
    const int64_t start_us = calendar_bar_start(interval, instant(at));
    calendar_format_second(text, start_us);
    ck_assert_msg(strcmp(text, start) == 0, "%s: begins at %s, not %s", at, text, start);
    calendar_format_second(text, calendar_bar_end(interval, start_us));
    ck_assert_msg(strcmp(text, end) == 0, "%s: ends at %s, not %s", at, text, end);
}

START_TEST(before_a_zone_is_chosen_it_is_utc)
{
    ck_assert(zone_is_utc());
    assert_bar(TOPIC_1D, "2025-03-09T12:00", "2025-03-09T00:00:00",
               "2025-03-10T00:00:00");
    ck_assert(zone_use("UTC"));
    ck_assert(zone_is_utc());
    ck_assert_int_eq(zone_day_of(-1), -1);
    ck_assert_int_eq(zone_day_start(-1), -DAY_S);
}
END_TEST

START_TEST(unknown_zones_are_refused_and_change_nothing)
{
    static const char *const names[] = {
        "",        "Mars/Olympus", "../etc/passwd",       "/etc/passwd",
        "America", "America/",     "Europe/../../passwd", "EST5EDT4,M3.2.0,M11.1.0",
        "./UTC",   "UTC0",         "america/new_york ",   ":America/New_York",
        "zone.tab"};
    ck_assert(zone_use("Asia/Kathmandu"));
    char longest[5000];
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    ck_assert(!zone_use(longest));
    for (size_t i = 0; i < COUNT(names); i++) {
        ck_assert_msg(!zone_use(names[i]), "%s", names[i]);
    }
    ck_assert(!zone_is_utc());
    assert_bar(TOPIC_1D, "2025-03-09T12:00", "2025-03-08T18:15:00",
               "2025-03-09T18:15:00");
}
END_TEST

START_TEST(new_york_has_days_of_23_and_25_hours)
{
    ck_assert(zone_use("America/New_York"));
    assert_bar(TOPIC_1D, "2025-03-09T12:00", "2025-03-09T05:00:00",
               "2025-03-10T04:00:00");
    assert_bar(TOPIC_1D, "2025-11-02T12:00", "2025-11-02T04:00:00",
               "2025-11-03T05:00:00");
    assert_bar(TOPIC_1D, "2025-11-02T03:59:59.999999", "2025-11-01T04:00:00",
               "2025-11-02T04:00:00");
    assert_bar(TOPIC_1W, "2025-03-09T12:00", "2025-03-03T05:00:00",
               "2025-03-10T04:00:00");
    assert_bar(TOPIC_1MO, "2025-03-31T12:00", "2025-03-01T05:00:00",
               "2025-04-01T04:00:00");
    assert_bar(TOPIC_1MO, "2024-03-01T04:59:59", "2024-02-01T05:00:00",
               "2024-03-01T05:00:00");
}
END_TEST

START_TEST(the_shorter_intervals_are_those_of_utc)
{
    ck_assert(zone_use("Asia/Kathmandu"));
    assert_bar(TOPIC_4H, "2025-03-09T12:34", "2025-03-09T12:00:00",
               "2025-03-09T16:00:00");
    assert_bar(TOPIC_30M, "2025-03-09T12:34", "2025-03-09T12:30:00",
               "2025-03-09T13:00:00");
}
END_TEST

START_TEST(london_and_shanghai_have_days_of_their_own)
{
    ck_assert(zone_use("Europe/London"));
    assert_bar(TOPIC_1D, "2025-03-30T12:00", "2025-03-30T00:00:00",
               "2025-03-30T23:00:00");
    assert_bar(TOPIC_1D, "2025-10-26T12:00", "2025-10-25T23:00:00",
               "2025-10-27T00:00:00");
    ck_assert(zone_use("Asia/Shanghai"));
    assert_bar(TOPIC_1D, "2025-09-22T15:59:59.999999", "2025-09-21T16:00:00",
               "2025-09-22T16:00:00");
    assert_bar(TOPIC_1W, "2025-09-22T15:59", "2025-09-21T16:00:00",
               "2025-09-28T16:00:00");
    assert_bar(TOPIC_1MO, "2024-02-29T15:59", "2024-01-31T16:00:00",
               "2024-02-29T16:00:00");
}
END_TEST

START_TEST(where_there_is_no_midnight_the_day_begins_when_clocks_are_put_forward)
{
    ck_assert(zone_use("America/Sao_Paulo"));
    assert_bar(TOPIC_1D, "2018-11-04T02:59:59", "2018-11-03T03:00:00",
               "2018-11-04T03:00:00");
    assert_bar(TOPIC_1D, "2018-11-04T03:00:00", "2018-11-04T03:00:00",
               "2018-11-05T02:00:00");
    /* Put back at midnight, which comes twice: 24:00 is 23:00. */
    assert_bar(TOPIC_1D, "2018-02-18T02:30:00", "2018-02-17T02:00:00",
               "2018-02-18T03:00:00");
}
END_TEST

START_TEST(where_midnight_comes_twice_the_first_begins_the_day)
{
    ck_assert(zone_use("America/St_Johns")); /* put back from 00:01 to 23:01 */
    assert_bar(TOPIC_1D, "2010-11-07T02:29:59", "2010-11-06T02:30:00",
               "2010-11-07T02:30:00");
    assert_bar(TOPIC_1D, "2010-11-07T02:31:00", "2010-11-07T02:30:00",
               "2010-11-08T03:30:00");
    assert_bar(TOPIC_1D, "2010-11-07T03:29:59", "2010-11-07T02:30:00",
               "2010-11-08T03:30:00");
}
END_TEST

START_TEST(a_day_that_was_left_out_has_no_bar)
{
    ck_assert(zone_use("Pacific/Apia"));
    assert_bar(TOPIC_1D, "2011-12-30T09:59:59.999999", "2011-12-29T10:00:00",
               "2011-12-30T10:00:00");
    assert_bar(TOPIC_1D, "2011-12-30T10:00:00", "2011-12-30T10:00:00",
               "2011-12-31T10:00:00");
    assert_bar(TOPIC_1W, "2011-12-30T10:00:00", "2011-12-26T10:00:00",
               "2012-01-01T10:00:00");
    const int64_t day = instant("2011-12-30") / CALENDAR_DAY_US;
    ck_assert_int_eq(zone_day_start(day), zone_day_start(day + 1));
    ck_assert_int_eq(zone_day_of(zone_day_start(day)), day + 1);
}
END_TEST

START_TEST(clocks_may_be_put_forward_by_half_an_hour)
{
    ck_assert(zone_use("Australia/Lord_Howe"));
    assert_bar(TOPIC_1D, "2025-04-05T12:00", "2025-04-04T13:00:00",
               "2025-04-05T13:00:00");
    assert_bar(TOPIC_1D, "2025-04-06T12:00", "2025-04-05T13:00:00",
               "2025-04-06T13:30:00");
    assert_bar(TOPIC_1D, "2025-10-05T12:00", "2025-10-04T13:30:00",
               "2025-10-05T13:00:00");
}
END_TEST

START_TEST(days_of_the_calendars_ends_stay_within_it)
{
    static const char *const zones[] = {"UTC", "America/New_York", "Asia/Shanghai",
                                        "Pacific/Kiritimati", "Pacific/Pago_Pago"};
    for (size_t i = 0; i < COUNT(zones); i++) {
        ck_assert(zone_use(zones[i]));
        for (unsigned interval = 0; interval < TOPIC_INTERVALS; interval++) {
            const int64_t first_us = calendar_bar_start(interval, CALENDAR_MIN_US);
            ck_assert_int_eq(first_us, CALENDAR_MIN_US);
            ck_assert_int_gt(calendar_bar_end(interval, first_us), CALENDAR_MIN_US);
            const int64_t last_us = calendar_bar_start(interval, CALENDAR_MAX_US);
            ck_assert_int_le(last_us, CALENDAR_MAX_US);
            ck_assert_int_gt(calendar_bar_end(interval, last_us), CALENDAR_MAX_US);
        }
    }
}
END_TEST

/* What every bar promises, of the one that holds the instant. */
static bool is_well(enum topic_interval interval, int64_t at_us)
{
    const int64_t start_us = calendar_bar_start(interval, at_us);
    const int64_t end_us = calendar_bar_end(interval, start_us);
    return start_us <= at_us && at_us < end_us &&
           calendar_bar_start(interval, start_us) == start_us &&
           calendar_bar_start(interval, end_us - 1) == start_us &&
           calendar_bar_start(interval, end_us) == end_us;
}

static const char *const zones[] = {"UTC",
                                    "Africa/Cairo",
                                    "Africa/Casablanca",
                                    "Africa/Monrovia",
                                    "America/Asuncion",
                                    "America/Caracas",
                                    "America/Havana",
                                    "America/New_York",
                                    "America/Nuuk",
                                    "America/Santiago",
                                    "America/Sao_Paulo",
                                    "America/St_Johns",
                                    "Antarctica/Casey",
                                    "Antarctica/Troll",
                                    "Asia/Amman",
                                    "Asia/Beirut",
                                    "Asia/Gaza",
                                    "Asia/Kathmandu",
                                    "Asia/Pyongyang",
                                    "Asia/Shanghai",
                                    "Asia/Tehran",
                                    "Australia/Lord_Howe",
                                    "Europe/Dublin",
                                    "Europe/Istanbul",
                                    "Europe/London",
                                    "Pacific/Apia",
                                    "Pacific/Chatham",
                                    "Pacific/Fakaofo",
                                    "Pacific/Kiritimati",
                                    "Pacific/Kwajalein"};

START_TEST(bars_follow_each_other_without_a_gap_wherever_days_begin)
{
    const char *zone = zones[_i];
    ck_assert_msg(zone_use(zone), "%s", zone);
    uint64_t state = (uint64_t)_i + 1;
    for (int i = 0; i < 2000; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
        /* 1970 to 2037 */
        const int64_t at_us =
            (int64_t)(state >> 2) % (68 * 36525 * CALENDAR_DAY_US / 100);
        for (unsigned interval = 0; interval < TOPIC_INTERVALS; interval++) {
            if (!is_well(interval, at_us)) {
                ck_abort_msg("%s: %s at %lld", zone, topic_interval_name(interval),
                             (long long)at_us);
            }
        }
    }
}
END_TEST

/* Every day, and so every change of the clocks, of the years. */
START_TEST(so_do_days_one_by_one)
{
    const char *zone = zones[_i];
    ck_assert_msg(zone_use(zone), "%s", zone);
    for (int64_t day = 0; day < 68 * 36525 / 100; day++) {
        const int64_t start_s = zone_day_start(day);
        const int64_t end_s = zone_day_start(day + 1);
        const bool left_out = start_s == end_s;
        if (end_s < start_s ||
            (!left_out && (zone_day_of(start_s) != day || zone_day_of(end_s - 1) != day ||
                           end_s - start_s < 20 * 3600))) {
            ck_abort_msg("%s: day %lld", zone, (long long)day);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zone");
    TCase *tcase = tcase_create("zone");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, before_a_zone_is_chosen_it_is_utc);
    tcase_add_test(tcase, unknown_zones_are_refused_and_change_nothing);
    tcase_add_test(tcase, new_york_has_days_of_23_and_25_hours);
    tcase_add_test(tcase, the_shorter_intervals_are_those_of_utc);
    tcase_add_test(tcase, london_and_shanghai_have_days_of_their_own);
    tcase_add_test(tcase,
                   where_there_is_no_midnight_the_day_begins_when_clocks_are_put_forward);
    tcase_add_test(tcase, where_midnight_comes_twice_the_first_begins_the_day);
    tcase_add_test(tcase, a_day_that_was_left_out_has_no_bar);
    tcase_add_test(tcase, clocks_may_be_put_forward_by_half_an_hour);
    tcase_add_test(tcase, days_of_the_calendars_ends_stay_within_it);
    tcase_add_loop_test(tcase, bars_follow_each_other_without_a_gap_wherever_days_begin,
                        0, COUNT(zones));
    tcase_add_loop_test(tcase, so_do_days_one_by_one, 0, COUNT(zones));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
