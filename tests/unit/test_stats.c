/* SPDX-License-Identifier: MIT */
#include "gateway/stats.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME(name, ...) #name,

static const char *const counters[] = {STATS_COUNTERS(NAME)};
static const char *const gauges[] = {
    "connections",     "subscriptions",   "topics",       "topics_lingering",
    "queue_bytes",     "redis_connected", "degraded",     "draining",
    "connections_max", "queue_bytes_max", "memory_bytes", "memory_limit_bytes"};

#define LABEL(name, label) (label),
static const char *const refusals[] = {STATS_REFUSALS(LABEL)};
static const char *const replays[] = {STATS_REPLAYS(LABEL)};

static struct stats stats;
static struct stats_gauges view;
static char text[65536];

static void setup(void)
{
    stats = (struct stats){0};
    view = (struct stats_gauges){0};
}

static const char *write_all(void)
{
    FILE *file = fmemopen(text, sizeof(text), "w");
    ck_assert_ptr_nonnull(file);
    stats_write(&stats, &view, file);
    ck_assert_int_eq(fclose(file), 0);
    return text;
}

/* How often a line begins like this. */
static size_t count_lines(const char *start)
{
    size_t count = 0;
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        count += strncmp(line, start, strlen(start)) == 0;
    }
    return count;
}

static void has_line(const char *line)
{
    char whole[256];
    snprintf(whole, sizeof(whole), "%s\n", line);
    ck_assert_msg(count_lines(whole) == 1, "%zu times: %s", count_lines(whole), line);
}

/* The metric is announced once, in this order: HELP, TYPE, samples. */
static void is_announced(const char *name, const char *type)
{
    char line[256];
    const int len = snprintf(line, sizeof(line), "# HELP chronogate_%s ", name);
    ck_assert_uint_eq(count_lines(line), 1);
    const char *help = strstr(text, line) + len;
    ck_assert_ptr_ne(help, strchr(help, '\n'));
    snprintf(line, sizeof(line), "# TYPE chronogate_%s %s\nchronogate_%s", name, type,
             name);
    ck_assert_msg(strncmp(strchr(help, '\n') + 1, line, strlen(line)) == 0, "%s", help);
    snprintf(line, sizeof(line), "# TYPE chronogate_%s ", name);
    ck_assert_uint_eq(count_lines(line), 1);
}

START_TEST(every_counter_appears_once_with_help_and_type)
{
    write_all();
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        char line[128];
        is_announced(counters[i], "counter");
        snprintf(line, sizeof(line), "chronogate_%s 0", counters[i]);
        has_line(line);
    }
}
END_TEST

START_TEST(every_gauge_appears_once_with_help_and_type)
{
    write_all();
    for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
        char line[128];
        is_announced(gauges[i], "gauge");
        snprintf(line, sizeof(line), "chronogate_%s 0", gauges[i]);
        has_line(line);
    }
    is_announced("redis_reconnects_total", "counter");
    is_announced("probe_age_seconds", "gauge");
    has_line("chronogate_probe_age_seconds 0.000");
    is_announced("build_info", "gauge");
    has_line("chronogate_build_info{version=\"" CHRONOGATE_VERSION "\"} 1");
}
END_TEST

/* Each counter has a number of its own, so that none stands for another. */
START_TEST(counters_show_their_own_numbers)
{
    uint64_t number = 1000;
#define COUNT_UP(name, help) stats.name = number++;
    STATS_COUNTERS(COUNT_UP)
#undef COUNT_UP
    write_all();
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        char line[128];
        snprintf(line, sizeof(line), "chronogate_%s %zu", counters[i], 1000 + i);
        has_line(line);
    }
}
END_TEST

START_TEST(gauges_show_their_own_numbers)
{
    view = (struct stats_gauges){.connections = 1,
                                 .subscriptions = 2,
                                 .topics = 3,
                                 .queue_bytes = UINT64_MAX,
                                 .redis_connected = 5,
                                 .redis_reconnects = 6,
                                 .draining = 7,
                                 .topics_lingering = 8,
                                 .degraded = 9,
                                 .probe_age_ms = 12034,
                                 .connections_max = 10,
                                 .queue_bytes_max = 11,
                                 .memory_bytes = 12,
                                 .memory_limit_bytes = 13,
                                 .resident_bytes = 14,
                                 .cpu_ms = 15016};
    write_all();
    has_line("chronogate_connections 1");
    has_line("chronogate_subscriptions 2");
    has_line("chronogate_topics 3");
    has_line("chronogate_queue_bytes 18446744073709551615");
    has_line("chronogate_redis_connected 5");
    has_line("chronogate_redis_reconnects_total 6");
    has_line("chronogate_draining 7");
    has_line("chronogate_topics_lingering 8");
    has_line("chronogate_degraded 9");
    has_line("chronogate_probe_age_seconds 12.034");
    has_line("chronogate_connections_max 10");
    has_line("chronogate_queue_bytes_max 11");
    has_line("chronogate_memory_bytes 12");
    has_line("chronogate_memory_limit_bytes 13");
    has_line("process_resident_memory_bytes 14");
    has_line("process_cpu_seconds_total 15.016");
}
END_TEST

START_TEST(refusals_ends_and_replays_are_one_metric_each_with_a_label)
{
    for (size_t i = 0; i < STATS_REPLAY_COUNT; i++) {
        stats.replays[i] = 300 + i;
    }
    for (size_t i = 0; i < STATS_REFUSAL_COUNT; i++) {
        stats.refusals[i] = 100 + i;
    }
    for (size_t i = 0; i < STATS_END_COUNT; i++) {
        stats.closes[i] = 200 + i;
    }
    write_all();
    is_announced("refusals_total", "counter");
    is_announced("closes_total", "counter");
    is_announced("replays_total", "counter");
    char line[128];
    for (int i = 0; i < STATS_REFUSAL_COUNT; i++) {
        snprintf(line, sizeof(line), "chronogate_refusals_total{reason=\"%s\"} %d",
                 refusals[i], 100 + i);
        has_line(line);
    }
    for (int i = 0; i < STATS_REPLAY_COUNT; i++) {
        snprintf(line, sizeof(line), "chronogate_replays_total{outcome=\"%s\"} %d",
                 replays[i], 300 + i);
        has_line(line);
    }
    for (int i = 0; i < STATS_END_COUNT; i++) {
        snprintf(line, sizeof(line), "chronogate_closes_total{reason=\"%s\"} %d",
                 stats_end_label((enum stats_end)i), 200 + i);
        has_line(line);
    }
    ck_assert_uint_eq(count_lines("chronogate_refusals_total{"), STATS_REFUSAL_COUNT);
    ck_assert_uint_eq(count_lines("chronogate_closes_total{"), STATS_END_COUNT);
    ck_assert_uint_eq(count_lines("chronogate_replays_total{"), STATS_REPLAY_COUNT);
}
END_TEST

START_TEST(every_line_is_a_comment_or_a_sample_of_this_program)
{
    write_all();
    size_t known = 0;
    static const char *const prefixes[] = {"chronogate_", "process_"};
    for (size_t i = 0; i < 2; i++) {
        char start[32];
        known += count_lines(prefixes[i]);
        snprintf(start, sizeof(start), "# HELP %s", prefixes[i]);
        known += count_lines(start);
        snprintf(start, sizeof(start), "# TYPE %s", prefixes[i]);
        known += count_lines(start);
    }
    ck_assert_uint_eq(known, count_lines(""));
    ck_assert_uint_eq(count_lines("# HELP "), count_lines("# TYPE "));
}
END_TEST

START_TEST(ends_have_the_close_codes_of_the_protocol)
{
    static const struct {
        enum stats_end end;
        unsigned code;
        const char *label;
    } ends[] = {
        {STATS_END_BY_CLIENT, 0, "client"},     {STATS_END_GONE, 0, "gone"},
        {STATS_END_NO_PONG, 0, "no_pong"},      {STATS_END_SHUTDOWN, 1012, "shutdown"},
        {STATS_END_PROTOCOL, 1002, "protocol"}, {STATS_END_NOT_UTF8, 1007, "not_utf8"},
        {STATS_END_TOO_BIG, 1009, "too_big"},   {STATS_END_NO_MEMORY, 1013, "no_memory"},
        {STATS_END_SLOW, 4008, "slow"},         {STATS_END_FLOODING, 4029, "flooding"}};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        ck_assert_uint_eq(stats_end_code(ends[i].end), ends[i].code);
        ck_assert_str_eq(stats_end_label(ends[i].end), ends[i].label);
    }
}
END_TEST

static void are_plain_and_differ(const char *const labels[], size_t count)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_gt(strlen(labels[i]), 0);
        ck_assert_uint_eq(strspn(labels[i], allowed), strlen(labels[i]));
        for (size_t j = 0; j < i; j++) {
            ck_assert_str_ne(labels[i], labels[j]);
        }
    }
}

START_TEST(labels_need_no_escapes_and_differ)
{
    const char *ends[STATS_END_COUNT];
    for (int i = 0; i < STATS_END_COUNT; i++) {
        ends[i] = stats_end_label((enum stats_end)i);
    }
    are_plain_and_differ(ends, STATS_END_COUNT);
    are_plain_and_differ(refusals, STATS_REFUSAL_COUNT);
    are_plain_and_differ(replays, STATS_REPLAY_COUNT);
}
END_TEST

/* ---- the time from publication to sending -------------------------------------------
 */

#define LATENCY "publish_to_send_seconds"

/* A message published at 100000 ms is sent so much later. */
static void send_after(int64_t ms)
{
    stats_published(&stats, 100000);
    stats_sent(&stats, (uint64_t)(100000 + ms));
}

static void bucket_holds(const char *le, unsigned count)
{
    char line[128];
    snprintf(line, sizeof(line), "chronogate_" LATENCY "_bucket{le=\"%s\"} %u", le,
             count);
    has_line(line);
}

START_TEST(a_latency_is_counted_in_every_bucket_it_fits)
{
    send_after(0);
    send_after(1);
    send_after(2);
    send_after(3);
    send_after(10000);
    send_after(10001);
    write_all();
    is_announced(LATENCY, "histogram");
    bucket_holds("0.001", 2);
    bucket_holds("0.002", 3);
    bucket_holds("0.005", 4);
    bucket_holds("5", 4);
    bucket_holds("10", 5);
    bucket_holds("+Inf", 6);
    has_line("chronogate_" LATENCY "_sum 20.007");
    has_line("chronogate_" LATENCY "_count 6");
    ck_assert_uint_eq(count_lines("chronogate_" LATENCY "_bucket{"),
                      STATS_LATENCY_COUNT + 1);
}
END_TEST

START_TEST(a_message_from_a_clock_ahead_took_no_time)
{
    send_after(-5);
    write_all();
    bucket_holds("0.001", 1);
    has_line("chronogate_" LATENCY "_sum 0");
}
END_TEST

START_TEST(a_message_is_timed_once_and_when_it_is_sent)
{
    stats_sent(&stats, 1);
    stats_published(&stats, 100000);
    stats_published(&stats, 100001);
    write_all();
    has_line("chronogate_" LATENCY "_count 0");
    stats_sent(&stats, 100003);
    stats_sent(&stats, 200000);
    write_all();
    has_line("chronogate_" LATENCY "_count 2");
    bucket_holds("0.002", 1);
    bucket_holds("0.005", 2);
}
END_TEST

START_TEST(what_is_too_much_for_one_turn_is_not_timed)
{
    for (int i = 0; i < 2 * STATS_UNSENT_MAX; i++) {
        stats_published(&stats, 100000);
    }
    stats_sent(&stats, 100001);
    write_all();
    bucket_holds("+Inf", STATS_UNSENT_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stats");
    TCase *tcase = tcase_create("stats");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, every_counter_appears_once_with_help_and_type);
    tcase_add_test(tcase, every_gauge_appears_once_with_help_and_type);
    tcase_add_test(tcase, counters_show_their_own_numbers);
    tcase_add_test(tcase, gauges_show_their_own_numbers);
    tcase_add_test(tcase, refusals_ends_and_replays_are_one_metric_each_with_a_label);
    tcase_add_test(tcase, every_line_is_a_comment_or_a_sample_of_this_program);
    tcase_add_test(tcase, ends_have_the_close_codes_of_the_protocol);
    tcase_add_test(tcase, labels_need_no_escapes_and_differ);
    tcase_add_test(tcase, a_latency_is_counted_in_every_bucket_it_fits);
    tcase_add_test(tcase, a_message_from_a_clock_ahead_took_no_time);
    tcase_add_test(tcase, a_message_is_timed_once_and_when_it_is_sent);
    tcase_add_test(tcase, what_is_too_much_for_one_turn_is_not_timed);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
