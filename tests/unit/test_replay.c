/* SPDX-License-Identifier: MIT */
#include "feeder/source.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feeder/calendar.h"

#define SAID_MAX 65536

static char path[] = "/tmp/test_replay.XXXXXX";
static struct feeder_config config;
static struct source *source;
static char said[SAID_MAX];
static size_t ticks;
static char bad_lines[1024];

static void on_claim(void *arg, const struct tick *tick)
{
    (void)arg;
    (void)tick;
}

static void on_tick(void *arg, const struct tick *tick)
{
    (void)arg;
    char time[CALENDAR_TEXT_MAX + 1];
    char price[DECIMAL_TEXT_MAX + 1];
    char size[DECIMAL_TEXT_MAX + 1];
    calendar_format(time, tick->time_us);
    decimal_format(price, tick->price);
    decimal_format(size, tick->size);
    ticks++;
    const size_t used = strlen(said);
    snprintf(said + used, SAID_MAX - used, "%.*s %s %s %s\n", (int)tick->symbol_len,
             tick->symbol, time, price, size);
}

static void on_bad_line(void *arg, uint64_t line, const char *why)
{
    (void)arg;
    const size_t used = strlen(bad_lines);
    snprintf(bad_lines + used, sizeof(bad_lines) - used, "%d %s\n", (int)line, why);
}

static const struct source_sink sink = {
    .on_claim = on_claim, .on_tick = on_tick, .on_bad_line = on_bad_line};

static void setup(void)
{
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    config = (struct feeder_config){
        .file = path, .speed = 0, .row_interval = TOPIC_1D, .max_file_bytes = 1 << 20};
}

static void teardown(void)
{
    if (source != NULL) {
        replay_source.destroy(source);
    }
    unlink(path);
}

/* Returns NULL, or what create() has against the file. */
static const char *open_text(const char *text)
{
    static char error[SOURCE_ERROR_MAX];
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    source = replay_source.create(&config, &sink, NULL, error);
    return source == NULL ? error : NULL;
}

static struct source_next advance(uint64_t now_ms, size_t max)
{
    const struct source_now now = {.mono_ms = now_ms};
    return replay_source.advance(source, now, max);
}

START_TEST(rows_come_in_the_order_of_time_whatever_the_files)
{
    ck_assert_ptr_null(open_text("symbol,date,price,size\r\n"
                                 "IBM,2000-01-01,100.81,3\r\n"
                                 "IBM,2000-02-01,92.11,\r\n"
                                 "\r\n"
                                 "MSFT,2000-01-01,39.810,2\r\n"
                                 "MSFT,1999-12-31,36,1"));
    ck_assert_int_eq(advance(5, 100).state, SOURCE_ENDED);
    ck_assert_str_eq(said, "MSFT 1999-12-31T00:00:00.000000 36 1\n"
                           "IBM 2000-01-01T00:00:00.000000 100.81 3\n"
                           "MSFT 2000-01-01T00:00:00.000000 39.81 2\n"
                           "IBM 2000-02-01T00:00:00.000000 92.11 0\n");
}
END_TEST

START_TEST(a_bar_becomes_four_ticks_within_its_day)
{
    ck_assert_ptr_null(open_text("symbol,date,open,high,low,close,volume\n"
                                 "UP,2024-02-29,10,12,9,11,1003\n"
                                 "DOWN,2024-03-01,11,12,9,10,0.5\n"));
    advance(0, 100);
    ck_assert_str_eq(said, "UP 2024-02-29T00:00:00.000000 10 250\n"
                           "UP 2024-02-29T08:00:00.000000 9 250\n"
                           "UP 2024-02-29T16:00:00.000000 12 250\n"
                           "UP 2024-02-29T23:59:59.999999 11 253\n"
                           "DOWN 2024-03-01T00:00:00.000000 11 0.1\n"
                           "DOWN 2024-03-01T08:00:00.000000 12 0.1\n"
                           "DOWN 2024-03-01T16:00:00.000000 9 0.1\n"
                           "DOWN 2024-03-01T23:59:59.999999 10 0.2\n");
}
END_TEST

START_TEST(when_all_is_said_the_clock_stands_at_the_end_of_the_last_row)
{
    ck_assert_ptr_null(
        open_text("symbol,date,open,high,low,close\nA,2024-02-29,1,1,1,1\n"));
    ck_assert_int_eq(source->clock_us, SOURCE_NO_CLOCK);
    advance(0, 4);
    char text[CALENDAR_TEXT_MAX + 1];
    calendar_format(text, source->clock_us);
    ck_assert_str_eq(text, "2024-03-01T00:00:00.000000");
}
END_TEST

START_TEST(rows_may_last_a_minute_or_a_month)
{
    config.row_interval = TOPIC_1MO;
    ck_assert_ptr_null(
        open_text("symbol,date,open,high,low,close\nA,2024-02-01,1,1,1,1\n"));
    advance(0, 100);
    ck_assert_ptr_nonnull(strstr(said, "A 2024-02-29T23:59:59.999999 1 0\n"));
}
END_TEST

START_TEST(no_more_is_handed_over_than_asked_for)
{
    ck_assert_ptr_null(
        open_text("symbol,date,price\nA,2024-01-01,1\nA,2024-01-02,2\nA,2024-01-03,3\n"));
    const struct source_next next = advance(9, 2);
    ck_assert_uint_eq(ticks, 2);
    ck_assert_int_eq(next.state, SOURCE_DUE);
    ck_assert_uint_le(next.due_ms, 9);
    ck_assert_int_eq(advance(9, 2).state, SOURCE_ENDED);
    ck_assert_uint_eq(ticks, 3);
}
END_TEST

START_TEST(in_real_time_rows_keep_their_distance)
{
    config.speed = 1;
    ck_assert_ptr_null(open_text("symbol,time,price\n"
                                 "A,2024-01-01T10:00:00,1\n"
                                 "A,2024-01-01T10:00:02.5,2\n"));
    struct source_next next = advance(1000, 100);
    ck_assert_uint_eq(ticks, 1);
    ck_assert_int_eq(next.state, SOURCE_DUE);
    ck_assert_uint_ge(next.due_ms, 3500);
    ck_assert_uint_le(next.due_ms, 3501);
    advance(3499, 100);
    ck_assert_uint_eq(ticks, 1);
    char text[CALENDAR_TEXT_MAX + 1];
    calendar_format(text, source->clock_us);
    ck_assert_str_eq(text, "2024-01-01T10:00:02.499000");
    ck_assert_int_eq(advance(next.due_ms, 100).state, SOURCE_ENDED);
    ck_assert_uint_eq(ticks, 2);
}
END_TEST

START_TEST(speed_makes_days_pass_in_seconds)
{
    config.speed = 86400;
    ck_assert_ptr_null(open_text("symbol,date,price\nA,2024-01-01,1\nA,2024-01-03,2\n"));
    advance(0, 100);
    advance(1999, 100);
    ck_assert_uint_eq(ticks, 1);
    advance(2001, 100);
    ck_assert_uint_eq(ticks, 2);
}
END_TEST

START_TEST(a_loop_begins_again_whole_weeks_later)
{
    config.loop = true;
    ck_assert_ptr_null(open_text("symbol,date,price\nA,2024-01-01,1\nA,2024-01-09,2\n"));
    advance(0, 2);
    advance(0, 2);
    const struct source_next next = advance(0, 2);
    ck_assert_int_eq(next.state, SOURCE_DUE);
    ck_assert_str_eq(said, "A 2024-01-01T00:00:00.000000 1 0\n"
                           "A 2024-01-09T00:00:00.000000 2 0\n"
                           "A 2024-01-15T00:00:00.000000 1 0\n"
                           "A 2024-01-23T00:00:00.000000 2 0\n"
                           "A 2024-01-29T00:00:00.000000 1 0\n"
                           "A 2024-02-06T00:00:00.000000 2 0\n");
}
END_TEST

START_TEST(a_loop_of_whole_weeks_does_not_repeat_its_last_instant)
{
    config.loop = true;
    ck_assert_ptr_null(open_text("symbol,date,price\nA,2024-01-01,1\nA,2024-01-08,2\n"));
    advance(0, 2);
    advance(0, 2);
    ck_assert_ptr_nonnull(strstr(said, "A 2024-01-15T00:00:00.000000 1 0\n"));
}
END_TEST

START_TEST(a_loop_ends_where_the_calendar_does)
{
    config.loop = true;
    ck_assert_ptr_null(open_text("symbol,date,open,high,low,close\n"
                                 "A,9999-12-20,1,1,1,1\nA,9999-12-21,1,1,1,1\n"));
    ck_assert_int_eq(advance(0, 100).state, SOURCE_DUE);
    ck_assert_int_eq(advance(0, 100).state, SOURCE_ENDED);
    ck_assert_uint_eq(ticks, 16);
}
END_TEST

START_TEST(bad_rows_are_reported_by_line_and_skipped)
{
    ck_assert_ptr_null(
        open_text("symbol,date,price\nA,2024-01-01,1\nA,x,1\n\nA,2024-01-02\n"
                  "A,2024-01-03,3\n"));
    ck_assert_str_eq(bad_lines,
                     "3 no valid date\n5 not as many fields as the header has\n");
    advance(0, 100);
    ck_assert_uint_eq(ticks, 2);
}
END_TEST

START_TEST(useless_files_are_refused_with_a_reason)
{
    char expected[128];
    snprintf(expected, sizeof(expected), "--file %s: no usable rows", path);
    ck_assert_str_eq(open_text("symbol,date,price\n"), expected);
    ck_assert_ptr_nonnull(strstr(open_text("a,b,c\n1,2,3\n"), "the header needs"));
    ck_assert_ptr_nonnull(open_text(""));
    config.max_file_bytes = 10;
    ck_assert_ptr_nonnull(strstr(open_text("symbol,date,price\n"), "--max-file-bytes"));
    config.file = "/nonexistent";
    ck_assert_str_eq(open_text(""), "--file /nonexistent: No such file or directory");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replay");
    TCase *tcase = tcase_create("replay");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, rows_come_in_the_order_of_time_whatever_the_files);
    tcase_add_test(tcase, a_bar_becomes_four_ticks_within_its_day);
    tcase_add_test(tcase, when_all_is_said_the_clock_stands_at_the_end_of_the_last_row);
    tcase_add_test(tcase, rows_may_last_a_minute_or_a_month);
    tcase_add_test(tcase, no_more_is_handed_over_than_asked_for);
    tcase_add_test(tcase, in_real_time_rows_keep_their_distance);
    tcase_add_test(tcase, speed_makes_days_pass_in_seconds);
    tcase_add_test(tcase, a_loop_begins_again_whole_weeks_later);
    tcase_add_test(tcase, a_loop_of_whole_weeks_does_not_repeat_its_last_instant);
    tcase_add_test(tcase, a_loop_ends_where_the_calendar_does);
    tcase_add_test(tcase, bad_rows_are_reported_by_line_and_skipped);
    tcase_add_test(tcase, useless_files_are_refused_with_a_reason);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
