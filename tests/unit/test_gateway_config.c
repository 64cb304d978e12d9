/* SPDX-License-Identifier: MIT */
#include "gateway/config.h"

#include <check.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

static const struct conf_program *const program = &gateway_config_program;
static struct gateway_config config;
static struct gateway_config defaults;
static char error[CONF_ERROR_MAX];

/* Loads one argument or one variable; the values point into them. */
static enum conf_result load(const char *argument, const char *variable)
{
    static char given[256];
    static char set[256];
    char name[] = "chronogate";
    snprintf(given, sizeof(given), "%s", argument == NULL ? "" : argument);
    snprintf(set, sizeof(set), "%s", variable == NULL ? "" : variable);
    char *argv[] = {name, argument == NULL ? NULL : given, NULL};
    char *envp[] = {variable == NULL ? NULL : set, NULL};
    return conf_load(program, argv, envp, &config, stdout, error);
}

static void setup(void)
{
    ck_assert_int_eq(load(NULL, NULL), CONF_RUN);
    memcpy(&defaults, &config, sizeof(config));
}

static bool is_whole_number(const struct conf_setting *row)
{
    return row->type == CONF_INT || row->type == CONF_BYTES;
}

static int64_t number_at(const struct gateway_config *values, size_t offset)
{
    int64_t number;
    memcpy(&number, (const char *)values + offset, sizeof(number));
    return number;
}

START_TEST(without_settings_it_serves_everybody_from_the_redis_of_this_machine)
{
    ck_assert_str_eq(config.listen, "0.0.0.0:8000");
    ck_assert_str_eq(config.admin, "127.0.0.1:9100");
    ck_assert_str_eq(config.console, "0.0.0.0:3000");
    ck_assert_str_eq(config.redis, "redis://127.0.0.1:6379");
    ck_assert_str_eq(config.channel_prefix, "");
    ck_assert_str_eq(config.allowed_origins, "");
    ck_assert_int_eq(config.log_level, LOG_LEVEL_INFO);
    ck_assert_int_eq(config.log_format, LOG_FORMAT_TEXT);
}
END_TEST

START_TEST(the_limits_are_those_of_the_protocol)
{
    ck_assert_int_eq(config.max_message_bytes, 65536);
    ck_assert_int_eq(config.max_topics, 1024);
    ck_assert_int_eq(config.request_rate_per_s, 50);
    ck_assert_int_eq(config.request_burst, 300);
    ck_assert_int_eq(config.flood_limit, 100);
    ck_assert_int_eq(config.max_connections, 0);
    ck_assert_int_eq(config.max_connections_per_address, 0);
    ck_assert_int_eq(config.handshake_timeout_ms, 10000);
    ck_assert_int_eq(config.backlog_hard_bytes, 1048576);
    ck_assert_int_eq(config.backlog_age_ms, 30000);
    ck_assert_int_eq(config.ping_interval_ms, 30000);
    ck_assert_int_eq(config.pong_timeout_ms, 20000);
    ck_assert_int_eq(config.heartbeat_interval_ms, 30000);
}
END_TEST

START_TEST(replays_probes_and_the_drain_are_as_documented)
{
    ck_assert_int_eq(config.unsubscribe_linger_ms, 3000);
    ck_assert_int_eq(config.replay_max, 1000);
    ck_assert_int_eq(config.replay_keep_ms, 10000);
    ck_assert_int_eq(config.replay_total_bytes, 67108864);
    ck_assert_int_eq(config.probe_interval_ms, 1000);
    ck_assert_int_eq(config.probe_timeout_ms, 3000);
    ck_assert_int_eq(config.drain_delay_ms, 1000);
    ck_assert_int_eq(config.drain_spread_ms, 5000);
}
END_TEST

START_TEST(every_row_has_a_name_of_its_own)
{
    for (size_t i = 0; i < program->count; i++) {
        const char *name = program->settings[i].name;
        ck_assert_uint_gt(strlen(name), 0);
        for (const char *c = name; *c != '\0'; c++) {
            ck_assert_msg(islower((unsigned char)*c) || *c == '-', "%s", name);
        }
        for (size_t j = 0; j < i; j++) {
            ck_assert_str_ne(name, program->settings[j].name);
        }
    }
}
END_TEST

START_TEST(every_row_has_one_sentence_of_help)
{
    for (size_t i = 0; i < program->count; i++) {
        const char *help = program->settings[i].help;
        ck_assert_ptr_nonnull(help);
        ck_assert_msg(isupper((unsigned char)help[0]), "%s", help);
        ck_assert_msg(help[strlen(help) - 1] != '.', "%s", help);
        ck_assert_ptr_null(strchr(help, '\n'));
        ck_assert_ptr_null(strchr(help, '|')); /* parts the cells of a Markdown table */
    }
}
END_TEST

START_TEST(every_default_lies_in_its_range)
{
    for (size_t i = 0; i < program->count; i++) {
        const struct conf_setting *row = &program->settings[i];
        if (is_whole_number(row)) {
            const int64_t number = number_at(&defaults, row->offset);
            ck_assert_msg(row->min < row->max && row->min <= number && number <= row->max,
                          "%s", row->name);
        }
    }
}
END_TEST

START_TEST(a_quantity_says_its_unit)
{
    for (size_t i = 0; i < program->count; i++) {
        const struct conf_setting *row = &program->settings[i];
        const size_t len = strlen(row->name);
        const bool is_time = len > 3 && strcmp(row->name + len - 3, "-ms") == 0;
        const char *unit = row->unit == NULL ? "" : row->unit;
        ck_assert_msg((strcmp(unit, "ms") == 0) == is_time, "%s", row->name);
        ck_assert_msg((strcmp(unit, "bytes") == 0) == (row->type == CONF_BYTES), "%s",
                      row->name);
    }
}
END_TEST

START_TEST(a_range_holds_its_ends_and_nothing_beyond)
{
    for (size_t i = 0; i < program->count; i++) {
        const struct conf_setting *row = &program->settings[i];
        if (!is_whole_number(row)) {
            continue;
        }
        const int64_t numbers[] = {row->min, row->max, row->min - 1, row->max + 1};
        for (size_t j = 0; j < 4; j++) {
            char argument[128];
            snprintf(argument, sizeof(argument), "--%s=%" PRId64, row->name, numbers[j]);
            ck_assert_msg(load(argument, NULL) == (j < 2 ? CONF_RUN : CONF_BAD), "%s",
                          argument);
            ck_assert(j >= 2 || number_at(&config, row->offset) == numbers[j]);
        }
    }
}
END_TEST

/* Another value than the default. */
static const char *other_value(const struct conf_setting *row)
{
    static char text[32];
    switch (row->type) {
    case CONF_ADDRESS:
        return "127.0.0.1:1";
    case CONF_URL:
        return "redis://127.0.0.1:1";
    case CONF_STRING:
        return "x";
    case CONF_CHOICE:
        return strrchr(row->choices, '|') + 1;
    case CONF_BOOL:
        return strcmp(row->fallback, "true") == 0 ? "false" : "true";
    case CONF_INT:
    case CONF_BYTES:
    case CONF_NUMBER:
        break;
    }
    const bool is_min = number_at(&defaults, row->offset) == row->min;
    snprintf(text, sizeof(text), "%" PRId64, is_min ? row->max : row->min);
    return text;
}

static size_t field_size(const struct conf_setting *row)
{
    switch (row->type) {
    case CONF_STRING:
    case CONF_URL:
    case CONF_ADDRESS:
        return sizeof(const char *);
    case CONF_INT:
    case CONF_BYTES:
        return sizeof(int64_t);
    case CONF_NUMBER:
        return sizeof(double);
    case CONF_BOOL:
        return sizeof(bool);
    case CONF_CHOICE:
        return sizeof(int);
    }
    return 0;
}

/* Against the defaults, the row's field has changed and no other byte. */
static void only_its_field_changed(const struct conf_setting *row)
{
    const char *before = (const char *)&defaults;
    const char *after = (const char *)&config;
    const size_t end = row->offset + field_size(row);
    ck_assert_uint_le(end, sizeof(config));
    ck_assert_msg(memcmp(before, after, row->offset) == 0, "%s", row->name);
    ck_assert_msg(memcmp(before + row->offset, after + row->offset, end - row->offset) !=
                      0,
                  "%s", row->name);
    ck_assert_msg(memcmp(before + end, after + end, sizeof(config) - end) == 0, "%s",
                  row->name);
}

START_TEST(every_option_and_its_variable_set_a_field_of_their_own)
{
    for (size_t i = 0; i < program->count; i++) {
        const struct conf_setting *row = &program->settings[i];
        char option[128];
        snprintf(option, sizeof(option), "--%s=%s", row->name, other_value(row));
        ck_assert_msg(load(option, NULL) == CONF_RUN, "%s", error);
        only_its_field_changed(row);

        char variable[128];
        const int len =
            snprintf(variable, sizeof(variable), "%s%s", program->env_prefix, row->name);
        for (int j = 0; j < len; j++) {
            const int c = toupper((unsigned char)variable[j]);
            variable[j] = (char)(c == '-' ? '_' : c);
        }
        snprintf(variable + len, sizeof(variable) - (size_t)len, "=%s", other_value(row));
        ck_assert_msg(load(NULL, variable) == CONF_RUN, "%s", error);
        only_its_field_changed(row);
    }
}
END_TEST

START_TEST(the_words_for_levels_and_formats_are_those_of_log)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++) {
        char argument[64];
        snprintf(argument, sizeof(argument), "--log-level=%s", levels[i]);
        ck_assert_int_eq(load(argument, NULL), CONF_RUN);
        ck_assert_int_eq(config.log_level, i);
    }
    ck_assert_int_eq(load("--log-format=json", NULL), CONF_RUN);
    ck_assert_int_eq(config.log_format, LOG_FORMAT_JSON);
}
END_TEST

START_TEST(the_admin_and_console_listeners_can_be_off)
{
    ck_assert_int_eq(load("--admin=off", NULL), CONF_RUN);
    ck_assert_str_eq(config.admin, "off");
    ck_assert_int_eq(load("--console=off", NULL), CONF_RUN);
    ck_assert_str_eq(config.console, "off");
    ck_assert_int_eq(load("--listen=[::]:0", NULL), CONF_RUN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gateway_config");
    TCase *tcase = tcase_create("gateway_config");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase,
                   without_settings_it_serves_everybody_from_the_redis_of_this_machine);
    tcase_add_test(tcase, the_limits_are_those_of_the_protocol);
    tcase_add_test(tcase, replays_probes_and_the_drain_are_as_documented);
    tcase_add_test(tcase, every_row_has_a_name_of_its_own);
    tcase_add_test(tcase, every_row_has_one_sentence_of_help);
    tcase_add_test(tcase, every_default_lies_in_its_range);
    tcase_add_test(tcase, a_quantity_says_its_unit);
    tcase_add_test(tcase, a_range_holds_its_ends_and_nothing_beyond);
    tcase_add_test(tcase, every_option_and_its_variable_set_a_field_of_their_own);
    tcase_add_test(tcase, the_words_for_levels_and_formats_are_those_of_log);
    tcase_add_test(tcase, the_admin_and_console_listeners_can_be_off);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
