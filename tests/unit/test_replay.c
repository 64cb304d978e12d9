/* SPDX-License-Identifier: MIT */
#include "feeder/source.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feeder/calendar.h"
#include "feeder/zone.h"

#define SAID_MAX 65536

static char path[] = "/tmp/test_replay.XXXXXX";
static struct feeder_config config;
static struct source *source;
static char said[SAID_MAX];
static size_t ticks;
static char bad_lines[1024];
static char ids[1024];
static char notices[1024];
static char claims[256];

static void on_claim(void *arg, const struct tick *tick)
{
    (void)arg;
    const size_t used = strlen(claims);
    snprintf(claims + used, sizeof(claims) - used, "%.*s ", (int)tick->symbol_len,
             tick->symbol);
}

static void on_notice(void *arg, bool bad, const char *what, const char *detail)
{
    (void)arg;
    const size_t used = strlen(notices);
    snprintf(notices + used, sizeof(notices) - used, "%s%s: %s\n", bad ? "bad " : "",
             what, detail);
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
    ck_assert(tick->sequential);
    const size_t ids_used = strlen(ids);
    snprintf(ids + ids_used, sizeof(ids) - ids_used, "%.*s%d ", (int)tick->symbol_len,
             tick->symbol, (int)tick->id);
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

static const struct source_sink sink = {.on_claim = on_claim,
                                        .on_tick = on_tick,
                                        .on_bad_line = on_bad_line,
                                        .on_notice = on_notice};

static void setup(void)
{
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    config = (struct feeder_config){.file = path,
                                    .columns = "",
                                    .speed = 0,
                                    .row_interval = TOPIC_1D,
                                    .from_us = CALENDAR_MIN_US,
                                    .to_us = CALENDAR_MAX_US,
                                    .max_file_bytes = 1 << 20};
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

static int64_t instant(const char *text)
{
    int64_t at_us;
    ck_assert(calendar_parse(text, strlen(text), &at_us));
    return at_us;
}

static void resume(const char *until)
{
    const struct source_past past = {.until_us = until == NULL ? SOURCE_NO_CLOCK
                                                               : instant(until)};
    replay_source.resume(source, &past);
}

#define THREE "symbol,date,price\nA,2024-01-01,1\nA,2024-01-02,2\nA,2024-01-09,3\n"

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

START_TEST(a_bar_told_by_its_date_is_that_day_of_the_session)
{
    ck_assert(zone_use("America/New_York"));
    ck_assert_ptr_null(open_text("symbol,date,open,high,low,close\n"
                                 "A,2024-03-10,1,1,1,1\nA,2024-03-11T12:00,1,1,1,1\n"));
    advance(0, 4);
    ck_assert_ptr_nonnull(strstr(said, "A 2024-03-10T05:00:00.000000 1 0\n"));
    ck_assert_ptr_nonnull(strstr(said, "A 2024-03-11T03:59:59.999999 1 0\n"));
    advance(0, 4);
    ck_assert_ptr_nonnull(strstr(said, "A 2024-03-11T12:00:00.000000 1 0\n"));
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
    config.columns = "what=x";
    ck_assert_ptr_nonnull(
        strstr(open_text(THREE), "--columns: \"what=x\" does not begin"));
    config.columns = "";
    config.max_file_bytes = 10;
    ck_assert_ptr_nonnull(strstr(open_text("symbol,date,price\n"), "--max-file-bytes"));
    config.file = "/nonexistent";
    ck_assert_str_eq(open_text(""), "--file /nonexistent: No such file or directory");
}
END_TEST

START_TEST(objects_of_lines_are_rows_too)
{
    config.columns = "time=T,price=p";
    ck_assert_ptr_null(open_text(
        "\xef\xbb\xbf\n {\"symbol\":\"A\",\"T\":1704067200000,\"p\":\"1.5\"}\r\n"
        "{\"symbol\":\"A\",\"T\":1704067200,\"p\":true}\n\n"
        "{\"symbol\":\"B\",\"T\":1704067199,\"p\":2,\"size\":3}"));
    ck_assert_int_eq(advance(0, 100).state, SOURCE_ENDED);
    ck_assert_str_eq(said, "B 2023-12-31T23:59:59.000000 2 3\n"
                           "A 2024-01-01T00:00:00.000000 1.5 0\n");
    ck_assert_str_eq(bad_lines, "3 a value is neither a text nor a number\n");
    ck_assert_str_eq(claims, "A B ");
}
END_TEST

START_TEST(objects_may_be_ticks_and_bars)
{
    ck_assert_ptr_null(
        open_text("{\"symbol\":\"A\",\"date\":\"2024-01-01\",\"price\":1}\n"
                  "{\"symbol\":\"A\",\"date\":\"2024-01-01\",\"open\":1,\"high\":2,"
                  "\"low\":1,\"close\":2,\"volume\":4}\n"));
    advance(0, 100);
    ck_assert_uint_eq(ticks, 5);
}
END_TEST

START_TEST(ticks_are_numbered_within_their_symbol_in_the_order_of_time)
{
    ck_assert_ptr_null(open_text("symbol,date,price\nA,2024-01-03,1\nB,2024-01-02,1\n"
                                 "A,2024-01-01,1\nA,2024-01-02,1\n"));
    advance(0, 100);
    ck_assert_str_eq(ids, "A1 B1 A2 A3 ");
}
END_TEST

START_TEST(a_loop_goes_on_counting)
{
    config.loop = true;
    ck_assert_ptr_null(
        open_text("symbol,date,price\nA,2024-01-01,1\nB,2024-01-02,1\nA,2024-01-03,1\n"));
    advance(0, 100);
    advance(0, 100);
    ck_assert_str_eq(ids, "A1 B1 A2 A3 B2 A4 ");
}
END_TEST

START_TEST(rows_whose_id_came_before_are_left_out)
{
    ck_assert_ptr_null(open_text("symbol,date,price,trade_id\nA,2024-01-01,1,7\n"
                                 "B,2024-01-01,2,7\nA,2024-01-02,3,7\n"
                                 "A,2024-01-03,4,6\nA,2024-01-04,5,\nA,2024-01-05,6,\n"));
    advance(0, 100);
    ck_assert_str_eq(ids, "A1 B1 A2 A3 A4 ");
    ck_assert_str_eq(notices, "rows left out: 1 of 6 have an id that came before\n");
}
END_TEST

START_TEST(rows_outside_of_from_and_to_are_left_out)
{
    config.from_us = instant("2024-01-02");
    config.to_us = instant("2024-01-09");
    ck_assert_ptr_null(open_text(THREE));
    advance(0, 100);
    ck_assert_str_eq(said, "A 2024-01-02T00:00:00.000000 2 0\n");
    ck_assert_str_eq(ids, "A1 ");
}
END_TEST

START_TEST(nothing_between_from_and_to_is_an_error)
{
    config.from_us = instant("2025-01-02");
    ck_assert_ptr_nonnull(strstr(open_text(THREE), ": no rows between --from and --to"));
    ck_assert_str_eq(claims, "");
}
END_TEST

START_TEST(what_is_published_is_handed_over_at_once_and_the_pace_goes_on_from_there)
{
    config.speed = 86400;
    ck_assert_ptr_null(open_text(THREE));
    resume("2024-01-08");
    ck_assert_str_eq(notices, "goes on from: 2024-01-08T00:00:00.000000\n");
    struct source_next next = advance(5000, 1);
    ck_assert_uint_eq(ticks, 1);
    ck_assert_uint_le(next.due_ms, 5000);
    next = advance(5000, 100);
    ck_assert_uint_eq(ticks, 2);
    ck_assert_int_eq(source->clock_us, instant("2024-01-08"));
    ck_assert_uint_ge(next.due_ms, 6000);
    ck_assert_uint_le(next.due_ms, 6001);
    ck_assert_int_eq(advance(6001, 100).state, SOURCE_ENDED);
    ck_assert_str_eq(ids, "A1 A2 A3 ");
}
END_TEST

START_TEST(without_a_past_it_begins_at_the_beginning)
{
    config.speed = 1;
    ck_assert_ptr_null(open_text(THREE));
    resume(NULL);
    advance(0, 100);
    ck_assert_uint_eq(ticks, 1);
    ck_assert_str_eq(notices, "");
}
END_TEST

START_TEST(a_past_before_the_file_begins_at_the_beginning)
{
    config.speed = 1;
    config.loop = true;
    ck_assert_ptr_null(open_text(THREE));
    resume("1999-01-01");
    advance(0, 100);
    ck_assert_str_eq(ids, "A1 ");
    ck_assert_str_eq(notices, "");
}
END_TEST

START_TEST(a_loop_resumes_in_the_pass_it_was_in)
{
    config.loop = true;
    config.speed = 86400;
    ck_assert_ptr_null(open_text(THREE)); /* a pass is two weeks */
    resume("2024-02-05");
    ck_assert_str_eq(notices, "goes on from: 2024-02-05T00:00:00.000000\n");
    advance(0, 100);
    ck_assert_str_eq(said, "A 2024-01-29T00:00:00.000000 1 0\n"
                           "A 2024-01-30T00:00:00.000000 2 0\n");
    ck_assert_str_eq(ids, "A7 A8 ");
    advance(1001, 100);
    ck_assert_ptr_nonnull(strstr(said, "A 2024-02-06T00:00:00.000000 3 0\n"));
    advance(1001, 1);
    ck_assert_str_eq(ids, "A7 A8 A9 A10 ");
    ck_assert_ptr_nonnull(strstr(said, "A 2024-02-12T00:00:00.000000 1 0\n"));
}
END_TEST

START_TEST(a_file_that_is_published_already_is_said_to_be)
{
    config.speed = 1;
    ck_assert_ptr_null(open_text(THREE));
    resume("2024-01-09");
    ck_assert_str_eq(notices, "bad nothing new: all of it is published already; "
                              "--resume=false plays it again\n");
    ck_assert_int_eq(advance(0, 100).state, SOURCE_ENDED);
    ck_assert_str_eq(ids, "A1 A2 A3 ");
}
END_TEST

START_TEST(its_progress_is_what_is_handed_over)
{
    uint64_t done;
    uint64_t total;
    ck_assert_ptr_null(open_text(THREE));
    advance(0, 2);
    ck_assert(replay_source.progress(source, &done, &total));
    ck_assert_uint_eq(done, 2);
    ck_assert_uint_eq(total, 3);
}
END_TEST

START_TEST(a_loop_has_no_progress)
{
    uint64_t done;
    uint64_t total;
    config.loop = true;
    ck_assert_ptr_null(open_text(THREE));
    ck_assert(!replay_source.progress(source, &done, &total));
}
END_TEST

START_TEST(many_symbols_keep_their_numbers)
{
    static char text[200000];
    size_t used = (size_t)snprintf(text, sizeof(text), "symbol,date,price\n");
    for (int i = 0; i < 3000; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "S%d,2024-01-01,%d\n",
                                 i % 1500, i);
    }
    ck_assert_ptr_null(open_text(text));
    uint64_t done;
    uint64_t total;
    ck_assert(replay_source.progress(source, &done, &total));
    ck_assert_uint_eq(total, 3000);
    advance(0, 1501);
    ck_assert_ptr_nonnull(strstr(said, "S1499 2024-01-01T00:00:00.000000 1499 0\n"));
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
    tcase_add_test(tcase, a_bar_told_by_its_date_is_that_day_of_the_session);
    tcase_add_test(tcase, rows_may_last_a_minute_or_a_month);
    tcase_add_test(tcase, no_more_is_handed_over_than_asked_for);
    tcase_add_test(tcase, in_real_time_rows_keep_their_distance);
    tcase_add_test(tcase, speed_makes_days_pass_in_seconds);
    tcase_add_test(tcase, a_loop_begins_again_whole_weeks_later);
    tcase_add_test(tcase, a_loop_of_whole_weeks_does_not_repeat_its_last_instant);
    tcase_add_test(tcase, a_loop_ends_where_the_calendar_does);
    tcase_add_test(tcase, bad_rows_are_reported_by_line_and_skipped);
    tcase_add_test(tcase, useless_files_are_refused_with_a_reason);
    tcase_add_test(tcase, objects_of_lines_are_rows_too);
    tcase_add_test(tcase, objects_may_be_ticks_and_bars);
    tcase_add_test(tcase, ticks_are_numbered_within_their_symbol_in_the_order_of_time);
    tcase_add_test(tcase, a_loop_goes_on_counting);
    tcase_add_test(tcase, rows_whose_id_came_before_are_left_out);
    tcase_add_test(tcase, rows_outside_of_from_and_to_are_left_out);
    tcase_add_test(tcase, nothing_between_from_and_to_is_an_error);
    tcase_add_test(
        tcase, what_is_published_is_handed_over_at_once_and_the_pace_goes_on_from_there);
    tcase_add_test(tcase, without_a_past_it_begins_at_the_beginning);
    tcase_add_test(tcase, a_past_before_the_file_begins_at_the_beginning);
    tcase_add_test(tcase, a_loop_resumes_in_the_pass_it_was_in);
    tcase_add_test(tcase, a_file_that_is_published_already_is_said_to_be);
    tcase_add_test(tcase, its_progress_is_what_is_handed_over);
    tcase_add_test(tcase, a_loop_has_no_progress);
    tcase_add_test(tcase, many_symbols_keep_their_numbers);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
