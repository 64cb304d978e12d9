/* SPDX-License-Identifier: MIT */
#include "feeder/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/feed.h"

static struct feeder_config config;
static char error[CONF_ERROR_MAX];

static enum conf_result load(const char *argument, const char *variable)
{
    char program[] = "chronofeed";
    char given[256];
    char set[256];
    snprintf(given, sizeof(given), "%s", argument == NULL ? "" : argument);
    snprintf(set, sizeof(set), "%s", variable == NULL ? "" : variable);
    char *argv[] = {program, argument == NULL ? NULL : given, NULL};
    char *envp[] = {variable == NULL ? NULL : set, NULL};
    return feeder_config_load(argv, envp, &config, stdout, error);
}

START_TEST(without_settings_it_walks_to_the_redis_of_this_machine)
{
    ck_assert_int_eq(load(NULL, NULL), CONF_RUN);
    ck_assert_str_eq(config.source, "walk");
    ck_assert_int_eq(config.rate_per_s, 200);
    ck_assert_int_eq(config.history_length, 256);
    ck_assert_int_eq(config.row_interval, TOPIC_1D);
    ck_assert_str_eq(config.redis_url.host, "127.0.0.1");
    ck_assert_uint_eq(config.redis_url.port, 6379);
}
END_TEST

START_TEST(times_and_columns_are_understood_at_the_start)
{
    ck_assert_int_eq(load("--from=2024-01-31T12:00Z", NULL), CONF_RUN);
    ck_assert_int_eq(config.from_us, INT64_C(1706702400000000));
    ck_assert_int_eq(load("--to=1706702400", NULL), CONF_RUN);
    ck_assert_int_eq(config.to_us, INT64_C(1706702400000000));
    ck_assert_int_eq(load("--from=soon", NULL), CONF_BAD);
    ck_assert_int_eq(load("--to=2024-01-31", "CHRONOFEED_FROM=2024-01-31"), CONF_BAD);
    ck_assert_str_eq(error, "--to: must be after --from");
    ck_assert_int_eq(load("--columns=time=Date,price=Last", NULL), CONF_RUN);
    ck_assert_int_eq(load("--columns=Date", NULL), CONF_BAD);
    ck_assert_str_eq(error, "--columns: \"Date\" is not of the form time=Date");
}
END_TEST

START_TEST(the_intervals_of_rows_are_those_of_topics)
{
    for (int i = 0; i < TOPIC_INTERVALS; i++) {
        char argument[64];
        snprintf(argument, sizeof(argument), "--row-interval=%s",
                 topic_interval_name((enum topic_interval)i));
        ck_assert_int_eq(load(argument, NULL), CONF_RUN);
        ck_assert_int_eq(config.row_interval, i);
    }
}
END_TEST

START_TEST(the_environment_sets_what_arguments_do_not)
{
    ck_assert_int_eq(load(NULL, "CHRONOFEED_RATE=7"), CONF_RUN);
    ck_assert_int_eq(config.rate_per_s, 7);
    ck_assert_int_eq(load("--rate=8", "CHRONOFEED_RATE=7"), CONF_RUN);
    ck_assert_int_eq(config.rate_per_s, 8);
}
END_TEST

START_TEST(a_bad_redis_url_is_refused)
{
    ck_assert_int_eq(load("--redis=http://x", NULL), CONF_BAD);
    ck_assert_ptr_nonnull(strstr(error, "--redis"));
}
END_TEST

START_TEST(a_name_that_would_break_keys_is_refused)
{
    ck_assert_int_eq(load("--name=desk-1:replay", NULL), CONF_RUN);
    ck_assert_str_eq(config.name, "desk-1:replay");
    ck_assert_int_eq(load("--name=", NULL), CONF_RUN);
    ck_assert_int_eq(load("--name=a b", NULL), CONF_BAD);
    ck_assert_ptr_nonnull(strstr(error, "--name"));
    ck_assert_int_eq(load("--name={a}", NULL), CONF_BAD);
}
END_TEST

START_TEST(a_prefix_that_would_break_keys_is_refused)
{
    ck_assert_int_eq(load("--channel-prefix=live:", NULL), CONF_RUN);
    ck_assert_int_eq(load("--channel-prefix=a b", NULL), CONF_BAD);
    ck_assert_int_eq(load("--channel-prefix={a}", NULL), CONF_BAD);
    char longest[18 + FEED_PREFIX_MAX + 1];
    memset(longest, 'x', sizeof(longest));
    memcpy(longest, "--channel-prefix=", 17);
    longest[17 + FEED_PREFIX_MAX] = '\0';
    ck_assert_int_eq(load(longest, NULL), CONF_RUN);
    longest[17 + FEED_PREFIX_MAX] = 'x';
    longest[18 + FEED_PREFIX_MAX] = '\0';
    ck_assert_int_eq(load(longest, NULL), CONF_BAD);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feeder_config");
    TCase *tcase = tcase_create("feeder_config");
    tcase_add_test(tcase, without_settings_it_walks_to_the_redis_of_this_machine);
    tcase_add_test(tcase, times_and_columns_are_understood_at_the_start);
    tcase_add_test(tcase, the_intervals_of_rows_are_those_of_topics);
    tcase_add_test(tcase, the_environment_sets_what_arguments_do_not);
    tcase_add_test(tcase, a_bad_redis_url_is_refused);
    tcase_add_test(tcase, a_name_that_would_break_keys_is_refused);
    tcase_add_test(tcase, a_prefix_that_would_break_keys_is_refused);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
