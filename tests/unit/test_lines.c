/* SPDX-License-Identifier: MIT */
#include "feeder/source.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAID_MAX 4096
#define WALL_US  INT64_C(1758518162800339)

static struct feeder_config config;
static struct source *source;
static int to_source; /* the end we write to */
static char said[SAID_MAX];

static void say(const char *what, int number, const char *text, size_t len)
{
    const size_t used = strlen(said);
    snprintf(said + used, SAID_MAX - used, "%s %d %.*s\n", what, number, (int)len, text);
}

static void on_tick(void *arg, const struct tick *tick)
{
    (void)arg;
    say(tick->time_us == WALL_US ? "tick now" : "tick", (int)tick->price.mantissa,
        tick->symbol, tick->symbol_len);
}

static void on_message(void *arg, const struct topic *topic, const char *payload,
                       size_t len)
{
    (void)arg;
    say("message", (int)topic->interval, payload, len);
}

static void on_bad_line(void *arg, uint64_t line, const char *why)
{
    (void)arg;
    say("bad", (int)line, why, strlen(why));
}

static const struct source_sink sink = {
    .on_tick = on_tick, .on_message = on_message, .on_bad_line = on_bad_line};

static void setup(void)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    to_source = ends[1];
    config = (struct feeder_config){.max_line_bytes = 256};
    char error[SOURCE_ERROR_MAX];
    source = stdin_source.create(&config, &sink, NULL, error);
    ck_assert_ptr_nonnull(source);
}

static void teardown(void)
{
    stdin_source.destroy(source);
    if (to_source >= 0) {
        close(to_source);
    }
}

static void send(const char *text)
{
    ck_assert_int_eq(write(to_source, text, strlen(text)), (ssize_t)strlen(text));
}

static void end_input(void)
{
    close(to_source);
    to_source = -1;
}

static enum source_state advance(size_t max)
{
    const struct source_now now = {.mono_ms = 1, .wall_us = WALL_US};
    return stdin_source.advance(source, now, max).state;
}

START_TEST(without_input_it_waits)
{
    ck_assert_int_eq(advance(10), SOURCE_WAITING);
    send("{\"topic\":\"stock.A.1m\",\"data\":{}}");
    ck_assert_int_eq(advance(10), SOURCE_WAITING);
    ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(a_line_may_come_in_pieces_and_many_at_once)
{
    send("{\"topic\":\"stock.A.1m\",\"da");
    advance(10);
    send(
        "ta\":{}}\r\n\n{\"topic\":\"stock.A.5m\",\"data\":{ }}\n{\"topic\":\"stock.B\",");
    advance(10);
    send("\"price\":7}\n");
    ck_assert_int_eq(advance(10), SOURCE_WAITING);
    ck_assert_str_eq(said, "message 0 {}\nmessage 1 { }\ntick now 7 B\n");
}
END_TEST

START_TEST(no_more_is_handed_over_than_asked_for)
{
    send("{\"topic\":\"stock.B\",\"price\":1}\n{\"topic\":\"stock.B\",\"price\":2}\n");
    ck_assert_int_eq(advance(1), SOURCE_DUE);
    ck_assert_str_eq(said, "tick now 1 B\n");
    ck_assert_int_eq(advance(2), SOURCE_WAITING);
}
END_TEST

START_TEST(a_time_that_is_too_far_ahead_moves_no_clock)
{
    char error[SOURCE_ERROR_MAX];
    stdin_source.destroy(source);
    config.max_ahead_ms = 60000;
    source = stdin_source.create(&config, &sink, NULL, error);
    ck_assert_ptr_nonnull(source);
    send("{\"topic\":\"stock.B\",\"price\":1,\"time\":\"9999-12-31\"}\n"
         "{\"topic\":\"stock.B\",\"price\":2,\"time\":1758518222.800340}\n");
    advance(10);
    ck_assert_str_eq(said, "bad 1 time is further ahead than --max-ahead-ms allows\n"
                           "bad 2 time is further ahead than --max-ahead-ms allows\n");
    ck_assert_int_eq(source->clock_us, SOURCE_NO_CLOCK);
    send("{\"topic\":\"stock.B\",\"price\":3,\"time\":1758518222.800339}\n");
    advance(10);
    ck_assert_int_eq(source->clock_us, WALL_US + 60000000);
}
END_TEST

START_TEST(where_every_time_will_do_one_may_be_ahead)
{
    send("{\"topic\":\"stock.B\",\"price\":1,\"time\":\"9999-12-31\"}\n");
    advance(10);
    ck_assert_str_eq(said, "tick 1 B\n");
}
END_TEST

START_TEST(a_bad_line_is_reported_by_its_number_and_skipped)
{
    send("\nx\n{\"topic\":\"stock.B\",\"price\":2}\ny\n");
    advance(10);
    ck_assert_str_eq(said, "bad 2 not one JSON object in UTF-8\ntick now 2 B\n"
                           "bad 4 not one JSON object in UTF-8\n");
}
END_TEST

START_TEST(a_line_that_is_too_long_is_reported_once_and_skipped)
{
    char text[700];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    send("{}\n");
    send(text);
    advance(10);
    send(text);
    send("\n{\"topic\":\"stock.B\",\"price\":2}\ny\n");
    advance(10);
    ck_assert_str_eq(
        said, "bad 1 no topic\nbad 2 longer than --max-line-bytes allows\ntick now 2 B\n"
              "bad 4 not one JSON object in UTF-8\n");
}
END_TEST

START_TEST(a_line_of_exactly_the_bound_is_taken)
{
    char text[257];
    memset(text, ' ', 256);
    text[256] = '\0';
    memcpy(text, "{\"topic\":\"stock.B\",\"price\":2}", 29);
    send(text);
    send("\n");
    advance(10);
    ck_assert_str_eq(said, "tick now 2 B\n");
}
END_TEST

START_TEST(the_last_line_needs_no_line_break)
{
    send("{\"topic\":\"stock.B\",\"price\":2}");
    end_input();
    ck_assert_int_eq(advance(10), SOURCE_ENDED);
    ck_assert_str_eq(said, "tick now 2 B\n");
}
END_TEST

START_TEST(the_rest_of_a_long_last_line_is_no_line)
{
    char text[400];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    send(text);
    end_input();
    ck_assert_int_eq(advance(10), SOURCE_ENDED);
    ck_assert_str_eq(said, "bad 1 longer than --max-line-bytes allows\n");
}
END_TEST

START_TEST(its_clock_is_the_newest_time_of_its_ticks)
{
    advance(10);
    ck_assert_int_eq(source->clock_us, SOURCE_NO_CLOCK);
    send("{\"topic\":\"stock.B\",\"price\":1,\"time\":\"1970-01-01T00:00:05\"}\n"
         "{\"topic\":\"stock.B\",\"price\":1,\"time\":\"1970-01-01T00:00:04\"}\n");
    advance(10);
    ck_assert_int_eq(source->clock_us, 5000000);
    send("{\"topic\":\"stock.B\",\"price\":1}\n");
    advance(10);
    ck_assert_int_eq(source->clock_us, WALL_US);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lines");
    TCase *tcase = tcase_create("lines");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, without_input_it_waits);
    tcase_add_test(tcase, a_line_may_come_in_pieces_and_many_at_once);
    tcase_add_test(tcase, no_more_is_handed_over_than_asked_for);
    tcase_add_test(tcase, a_time_that_is_too_far_ahead_moves_no_clock);
    tcase_add_test(tcase, where_every_time_will_do_one_may_be_ahead);
    tcase_add_test(tcase, a_bad_line_is_reported_by_its_number_and_skipped);
    tcase_add_test(tcase, a_line_that_is_too_long_is_reported_once_and_skipped);
    tcase_add_test(tcase, a_line_of_exactly_the_bound_is_taken);
    tcase_add_test(tcase, the_last_line_needs_no_line_break);
    tcase_add_test(tcase, the_rest_of_a_long_last_line_is_no_line);
    tcase_add_test(tcase, its_clock_is_the_newest_time_of_its_ticks);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
