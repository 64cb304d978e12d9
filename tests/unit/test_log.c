/* SPDX-License-Identifier: MIT */
#include "common/log.h"

#include "common/json.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Standard error goes into this pipe during a test; each test is a process of its own. */
static int pipe_out;

static void capture(void)
{
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    pipe_out = ends[0];
}

/* What was logged since the last call. */
static const char *logged(void)
{
    static char text[4 * LOG_LINE_MAX];
    ssize_t len = read(pipe_out, text, sizeof(text) - 1);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

/* The line after its time stamp, without the newline. */
static const char *logged_event(void)
{
    static char event[LOG_LINE_MAX];
    const char *space = strchr(logged(), ' ');
    ck_assert_ptr_nonnull(space);
    snprintf(event, sizeof(event), "%s", space + 1);
    event[strcspn(event, "\n")] = '\0';
    return event;
}

static void log_one(const char *value, size_t len)
{
    log_info("event", log_text("key", value, len));
}

START_TEST(a_line_has_time_level_event_and_fields)
{
    log_info("listening", log_str("address", "127.0.0.1:8000"), log_str("role", "api"));
    ck_assert_str_eq(logged_event(), "info listening address=127.0.0.1:8000 role=api");
}
END_TEST

START_TEST(a_json_line_has_the_same_as_one_object)
{
    log_configure(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_info("listening", log_str("address", "[::1]:8000"), log_int("clients", -7));
    const char *line = logged();
    ck_assert_int_eq(strncmp(line, "{\"time\":\"2", 10), 0);
    ck_assert_str_eq(strstr(line, "\",\"level\""),
                     "\",\"level\":\"info\",\"event\":\"listening\","
                     "\"address\":\"[::1]:8000\",\"clients\":-7}\n");
    ck_assert(json_is_object(line, strlen(line)));
}
END_TEST

START_TEST(the_time_is_utc_with_milliseconds)
{
    ck_assert_int_eq(setenv("TZ", "Asia/Shanghai", 1), 0);
    tzset();
    time_t before = time(NULL);
    log_info("event", log_int("n", 1));
    time_t after = time(NULL);
    struct tm utc = {0};
    const char *rest = strptime(logged(), "%Y-%m-%dT%H:%M:%S", &utc);
    ck_assert_ptr_nonnull(rest);
    time_t stamp = timegm(&utc);
    ck_assert_int_ge(stamp, before);
    ck_assert_int_le(stamp, after);
    ck_assert_int_eq(*rest, '.');
    ck_assert_uint_eq(strspn(rest + 1, "0123456789"), 3);
    ck_assert_int_eq(strncmp(rest + 4, "Z ", 2), 0);
}
END_TEST

START_TEST(all_levels_have_names)
{
    log_configure(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    log_debug("e", log_int("n", 1));
    ck_assert_str_eq(logged_event(), "debug e n=1");
    log_info("e", log_int("n", 1));
    ck_assert_str_eq(logged_event(), "info e n=1");
    log_warn("e", log_int("n", 1));
    ck_assert_str_eq(logged_event(), "warn e n=1");
    log_error("e", log_int("n", 1));
    ck_assert_str_eq(logged_event(), "error e n=1");
}
END_TEST

START_TEST(lines_below_the_level_are_left_out)
{
    log_debug("event", log_int("n", 1));
    ck_assert_str_eq(logged(), "");
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    log_warn("event", log_int("n", 1));
    ck_assert_str_eq(logged(), "");
    log_error("event", log_int("n", 1));
    ck_assert_str_eq(logged_event(), "error event n=1");
}
END_TEST

START_TEST(an_event_needs_no_fields)
{
    log_write(LOG_LEVEL_INFO, "stopped", NULL);
    ck_assert_str_eq(logged_event(), "info stopped");
    log_configure(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_write(LOG_LEVEL_INFO, "stopped", NULL);
    const char *line = logged();
    ck_assert(json_is_object(line, strlen(line)));
}
END_TEST

START_TEST(numbers_are_whole_and_signed)
{
    log_info("e", log_int("low", INT64_MIN), log_int("high", INT64_MAX));
    ck_assert_str_eq(logged_event(),
                     "info e low=-9223372036854775808 high=9223372036854775807");
}
END_TEST

START_TEST(plain_values_stand_without_quotes)
{
    log_one("stock.AAPL.1m,{}[]:/@&;'", 24);
    ck_assert_str_eq(logged_event(), "info event key=stock.AAPL.1m,{}[]:/@&;'");
}
END_TEST

START_TEST(ambiguous_values_are_quoted)
{
    static const char *const cases[][2] = {
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"line\nbreak", "\"line\\nbreak\""},
        {"\x1B[31mred", "\"\\u001b[31mred\""},
        {"\x7F", "\"\\u007f\""},
        {"\xC2\x9B", "\"\\u009b\""},
        {"\xE8\x82\xA1", "\"\xE8\x82\xA1\""},
        {"\xFF\xFE", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char expected[64];
        snprintf(expected, sizeof(expected), "info event key=%s", cases[i][1]);
        log_one(cases[i][0], strlen(cases[i][0]));
        ck_assert_str_eq(logged_event(), expected);
    }
}
END_TEST

START_TEST(no_bytes_from_outside_break_a_line_or_its_encoding)
{
    for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
        log_configure(LOG_LEVEL_INFO, (enum log_format)format);
        for (int c = 0; c < 256; c++) {
            char value[] = {'a', (char)c, 'b'};
            log_one(value, sizeof(value));
            const char *line = logged();
            size_t len = strlen(line);
            ck_assert_uint_eq(strcspn(line, "\n"), len - 1);
            ck_assert(json_is_utf8(line, len));
            for (size_t i = 0; i + 1 < len; i++) {
                ck_assert_int_ge((unsigned char)line[i], ' ');
            }
            ck_assert(format == LOG_FORMAT_TEXT || json_is_object(line, len));
        }
    }
}
END_TEST

START_TEST(a_value_may_hold_a_zero_byte_and_may_be_missing)
{
    log_info("e", log_text("a", "x\0y", 3), log_str("b", NULL), log_str("c", "z"));
    ck_assert_str_eq(logged_event(), "info e a=\"x\\u0000y\" b=- c=z");
}
END_TEST

START_TEST(a_long_value_is_cut_on_a_character)
{
    char value[LOG_VALUE_MAX + 50];
    memset(value, 'x', sizeof(value));
    log_one(value, sizeof(value));
    const char *event = logged_event();
    ck_assert_uint_eq(strlen(event), strlen("info event key=") + LOG_VALUE_MAX);

    const char letter[] = {'\xE8', '\x82', '\xA1'};
    memcpy(value + LOG_VALUE_MAX - 1, letter, sizeof(letter));
    log_one(value, sizeof(value));
    event = logged_event();
    ck_assert_uint_eq(strlen(event), strlen("info event key=") + LOG_VALUE_MAX - 1);
}
END_TEST

START_TEST(a_field_that_no_longer_fits_is_left_out_and_the_line_stays_whole)
{
    char big[LOG_VALUE_MAX];
    memset(big, '\x01', sizeof(big)); /* six bytes each when escaped */
    struct log_field fields[] = {
        log_text("a", big, sizeof(big)),
        log_text("b", big, sizeof(big)),
        log_int("c", 3),
        {.key = NULL},
    };
    log_configure(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_write(LOG_LEVEL_INFO, "event", fields);
    const char *line = logged();
    size_t len = strlen(line);
    ck_assert_uint_le(len, LOG_LINE_MAX);
    ck_assert(json_is_object(line, len));
    ck_assert_ptr_nonnull(strstr(line, ",\"a\":"));
    ck_assert_ptr_null(strstr(line, ",\"b\":"));
    ck_assert_ptr_nonnull(strstr(line, ",\"c\":3}"));
}
END_TEST

START_TEST(a_line_may_have_every_length_up_to_the_bound)
{
    log_configure(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    char value[LOG_VALUE_MAX];
    memset(value, 'x', sizeof(value));
    for (size_t len = 0; len <= sizeof(value); len++) {
        struct log_field fields[10] = {{.key = NULL}};
        for (size_t i = 0; i < 8; i++) {
            fields[i] = log_text("k", value, i < 7 ? sizeof(value) : len);
        }
        log_write(LOG_LEVEL_INFO, "event", fields);
        const char *line = logged();
        ck_assert_uint_le(strlen(line), LOG_LINE_MAX);
        ck_assert(json_is_object(line, strlen(line)));
    }
}
END_TEST

START_TEST(errno_survives_and_a_full_pipe_is_no_trouble)
{
    char filler[4096] = "";
    while (write(STDERR_FILENO, filler, sizeof(filler)) > 0) {
    }
    ck_assert_int_eq(errno, EAGAIN);
    errno = ENOENT;
    log_info("event", log_int("n", 1));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_closed_standard_error_is_no_trouble)
{
    close(STDERR_FILENO);
    log_info("event", log_int("n", 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("log");
    tcase_add_checked_fixture(tcase, capture, NULL);
    tcase_add_test(tcase, a_line_has_time_level_event_and_fields);
    tcase_add_test(tcase, a_json_line_has_the_same_as_one_object);
    tcase_add_test(tcase, the_time_is_utc_with_milliseconds);
    tcase_add_test(tcase, all_levels_have_names);
    tcase_add_test(tcase, lines_below_the_level_are_left_out);
    tcase_add_test(tcase, an_event_needs_no_fields);
    tcase_add_test(tcase, numbers_are_whole_and_signed);
    tcase_add_test(tcase, plain_values_stand_without_quotes);
    tcase_add_test(tcase, ambiguous_values_are_quoted);
    tcase_add_test(tcase, no_bytes_from_outside_break_a_line_or_its_encoding);
    tcase_add_test(tcase, a_value_may_hold_a_zero_byte_and_may_be_missing);
    tcase_add_test(tcase, a_long_value_is_cut_on_a_character);
    tcase_add_test(tcase,
                   a_field_that_no_longer_fits_is_left_out_and_the_line_stays_whole);
    tcase_add_test(tcase, a_line_may_have_every_length_up_to_the_bound);
    tcase_add_test(tcase, errno_survives_and_a_full_pipe_is_no_trouble);
    tcase_add_test(tcase, a_closed_standard_error_is_no_trouble);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
