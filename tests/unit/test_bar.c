/* SPDX-License-Identifier: MIT */
#include "feeder/bar.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct topic topic_of(enum topic_interval interval)
{
    return (struct topic){.interval = interval, .symbol = "AAPL", .symbol_len = 4};
}

static struct decimal number(const char *text)
{
    struct decimal value;
    ck_assert_msg(decimal_parse(text, strlen(text), &value), "%s", text);
    return value;
}

static bool is_equal(struct decimal a, struct decimal b)
{
    return decimal_compare(a, b) == 0;
}

static bool is_read(const char *text, enum topic_interval interval, struct bar *out)
{
    /* Without a zero behind it, so that a read beyond the end is seen. */
    const size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, len);
    const struct topic topic = topic_of(interval);
    const bool good = bar_parse(copy, len, &topic, out);
    free(copy);
    return good;
}

static uint64_t state = 1;

static uint64_t random_below(uint64_t below)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (state >> 20) % below;
}

static struct decimal random_price(int64_t base)
{
    return (struct decimal){.mantissa = base + (int64_t)random_below(1000000),
                            .scale = (int)random_below(5)};
}

static struct bar random_bar(enum topic_interval interval)
{
    struct bar bar = {.topic = topic_of(interval)};
    const int64_t at_us = (int64_t)random_below(INT64_C(2000000000000000));
    bar.start_us = calendar_bar_start(interval, at_us);
    const struct decimal a = random_price(-400000);
    const struct decimal b = random_price(-400000);
    bar.open = a;
    bar.close = b;
    bar.low = decimal_compare(a, b) < 0 ? a : b;
    bar.high = decimal_compare(a, b) < 0 ? b : a;
    bar.volume = (struct decimal){(int64_t)random_below(UINT64_C(1) << 40), 3};
    bar.trades = 1 + random_below(1000);
    bar.last_id = random_below(3) * random_below(UINT64_C(1) << 43);
    bar.closed = random_below(2) == 0;
    bar.correction = random_below(2) == 0;
    bar.time_us = bar.closed ? calendar_bar_end(interval, bar.start_us) : at_us;
    bar.has_previous = random_below(2) == 0;
    bar.previous_close = random_price(1);
    if (bar.has_previous) {
        ck_assert(decimal_subtract(bar.close, bar.previous_close, &bar.change));
    }
    return bar;
}

START_TEST(a_bar_reads_back_as_it_was_written)
{
    for (int i = 0; i < 3000; i++) {
        const struct bar bar = random_bar((enum topic_interval)(i % TOPIC_INTERVALS));
        char text[BAR_TEXT_MAX + 1];
        struct bar back;
        bar_format(text, &bar);
        const bool good =
            is_read(text, bar.topic.interval, &back) && back.start_us == bar.start_us &&
            is_equal(back.open, bar.open) && is_equal(back.high, bar.high) &&
            is_equal(back.low, bar.low) && is_equal(back.close, bar.close) &&
            is_equal(back.volume, bar.volume) && back.trades == bar.trades &&
            back.last_id == bar.last_id && back.closed == bar.closed &&
            back.correction == bar.correction && back.time_us == bar.time_us;
        ck_assert_msg(good, "%s", text);
        if (bar.change.mantissa != 0) {
            ck_assert_msg(is_equal(back.previous_close, bar.previous_close), "%s", text);
        }
        ck_assert(bar.has_previous || !back.has_previous);
    }
}
END_TEST

START_TEST(the_longest_bar_fits_its_buffer)
{
    const struct decimal longest = number("-0.999999999999999999");
    struct bar bar = {.topic = {.type = TOPIC_OPTIONS,
                                .interval = TOPIC_1D,
                                .symbol = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345",
                                .symbol_len = TOPIC_SYMBOL_MAX},
                      .open = longest,
                      .high = longest,
                      .low = longest,
                      .close = longest,
                      .volume = longest,
                      .change = longest,
                      .change_percent = longest,
                      .has_previous = true,
                      .previous_close = longest,
                      .correction = true,
                      .trades = UINT64_MAX,
                      .last_id = UINT64_MAX};
    char text[BAR_TEXT_MAX + 1];
    ck_assert_uint_le(bar_format(text, &bar), BAR_TEXT_MAX);
}
END_TEST

/* A bar in which one member's value is another, or is gone (NULL). */
static void write_bar(char *out, size_t size, const char *name, const char *value)
{
    static const char *const members[][2] = {
        {"symbol", "\"AAPL\""},
        {"interval", "\"1m\""},
        {"start", "\"2025-09-22T05:16:00\""},
        {"open", "2"},
        {"high", "4"},
        {"low", "1"},
        {"close", "3"},
        {"price", "3"},
        {"volume", "5"},
        {"trades", "6"},
        {"last_trade", "7"},
        {"change", "0.5"},
        {"change_percent", "20"},
        {"correction", "false"},
        {"closed", "false"},
        {"timestamp", "\"2025-09-22T05:16:59.999999\""}};
    size_t len = 0;
    for (size_t i = 0; i < COUNT(members); i++) {
        const bool other = strcmp(members[i][0], name) == 0;
        const char *text = other ? value : members[i][1];
        if (text != NULL) {
            len += (size_t)snprintf(out + len, size - len, "%c\"%s\":%s",
                                    len == 0 ? '{' : ',', members[i][0], text);
        }
    }
    snprintf(out + len, size - len, "}");
}

static bool is_taken(const char *name, const char *value, struct bar *out)
{
    char text[1024];
    write_bar(text, sizeof(text), name, value);
    return is_read(text, TOPIC_1M, out);
}

START_TEST(of_a_shorter_bar_the_change_tells_the_close_before)
{
    struct bar bar;
    ck_assert(is_taken("", NULL, &bar));
    ck_assert(bar.has_previous);
    ck_assert(is_equal(bar.previous_close, number("2.5")));
    ck_assert(is_taken("change", "0", &bar));
    ck_assert(!bar.has_previous);
}
END_TEST

START_TEST(what_may_be_missing_may_be_missing)
{
    struct bar bar;
    ck_assert(is_taken("last_trade", NULL, &bar));
    ck_assert_uint_eq(bar.last_id, 0);
    ck_assert(is_taken("correction", NULL, &bar));
    ck_assert(is_taken("change", NULL, &bar));
    ck_assert(is_taken("price", NULL, &bar));
}
END_TEST

START_TEST(a_bar_that_cannot_be_is_refused)
{
    static const char *const bad[][2] = {{"interval", "\"5m\""},
                                         {"interval", "1"},
                                         {"interval", NULL},
                                         {"start", "\"2025-09-22T05:16:01\""},
                                         {"start", "\"2025-09-22T05:15:00\""},
                                         {"start", "\"9999-12-31T23:59:00\""},
                                         {"start", "\"0000-01-01T00:00:00\""},
                                         {"start", "1758518160"},
                                         {"start", "null"},
                                         {"start", NULL},
                                         {"open", "4.1"},
                                         {"open", "0.9"},
                                         {"open", "\"2\""},
                                         {"open", "1e999"},
                                         {"open", "99999999999999999999"},
                                         {"open", "-99999999999999999999"},
                                         {"open", "9223372036854775808"},
                                         {"open", "NaN"},
                                         {"open", "Infinity"},
                                         {"open", "null"},
                                         {"open", "[2]"},
                                         {"open", "{\"a\":2}"},
                                         {"open", NULL},
                                         {"high", "0.5"},
                                         {"high", "true"},
                                         {"high", NULL},
                                         {"low", "3.5"},
                                         {"low", NULL},
                                         {"close", "5"},
                                         {"close", "0"},
                                         {"close", NULL},
                                         {"volume", "-1"},
                                         {"volume", "\"5\""},
                                         {"volume", "1e19"},
                                         {"volume", NULL},
                                         {"trades", "0"},
                                         {"trades", "-1"},
                                         {"trades", "1.5"},
                                         {"trades", "18446744073709551615"},
                                         {"trades", "18446744073709551614"},
                                         {"trades", "99999999999999999999999"},
                                         {"trades", "\"6\""},
                                         {"trades", NULL},
                                         {"closed", "0"},
                                         {"closed", "\"false\""},
                                         {"closed", NULL},
                                         {"timestamp", "\"2025-09-22T05:15:59\""},
                                         {"timestamp", "\"2025-09-22T05:17:00.000001\""},
                                         {"timestamp", "\"\""},
                                         {"timestamp", NULL}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct bar bar = {.trades = 77};
        ck_assert_msg(!is_taken(bad[i][0], bad[i][1], &bar), "%s: %s", bad[i][0],
                      bad[i][1] == NULL ? "none" : bad[i][1]);
        ck_assert_uint_eq(bar.trades, 77);
    }
}
END_TEST

START_TEST(an_id_that_cannot_be_is_none)
{
    static const char *const bad[] = {"18446744073709551615", "1e3", "-1", "\"7\"",
                                      "99999999999999999999", "null"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct bar bar;
        ck_assert_msg(is_taken("last_trade", bad[i], &bar), "%s", bad[i]);
        ck_assert_msg(bar.last_id == 0, "%s", bad[i]);
    }
}
END_TEST

START_TEST(what_is_no_bar_at_all_is_refused)
{
    static const char *const texts[] = {
        "",       "{",         "{}",
        "[]",     "null",      "1",
        "\"1m\"", "{\"n\":1}", "{\"open\":{\"a\":{\"b\":{\"c\":1}}}}"};
    struct bar bar;
    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_msg(!is_read(texts[i], TOPIC_1M, &bar), "%s", texts[i]);
    }
    char text[1024];
    write_bar(text, sizeof(text), "", NULL);
    memcpy(text + strlen(text), "x", 2);
    ck_assert(!is_read(text, TOPIC_1M, &bar));
    text[strlen(text) - 2] = '\0';
    ck_assert(!is_read(text, TOPIC_1M, &bar));
    write_bar(text, sizeof(text), "", NULL);
    ck_assert(!is_read(text, TOPIC_5M, &bar));
    ck_assert(!is_read(text, TOPIC_SUMMARY, &bar));
}
END_TEST

START_TEST(a_huge_text_is_refused)
{
    const size_t len = 1 << 20;
    const struct topic topic = topic_of(TOPIC_1M);
    struct bar bar;
    char *text = malloc(len);
    ck_assert_ptr_nonnull(text);
    memset(text, '[', len);
    ck_assert(!bar_parse(text, len, &topic, &bar));
    memset(text, '{', len);
    ck_assert(!bar_parse(text, len, &topic, &bar));
    memset(text, '9', len);
    ck_assert(!bar_parse(text, len, &topic, &bar));
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bar");
    TCase *tcase = tcase_create("bar");
    tcase_add_test(tcase, a_bar_reads_back_as_it_was_written);
    tcase_add_test(tcase, the_longest_bar_fits_its_buffer);
    tcase_add_test(tcase, of_a_shorter_bar_the_change_tells_the_close_before);
    tcase_add_test(tcase, what_may_be_missing_may_be_missing);
    tcase_add_test(tcase, a_bar_that_cannot_be_is_refused);
    tcase_add_test(tcase, an_id_that_cannot_be_is_none);
    tcase_add_test(tcase, what_is_no_bar_at_all_is_refused);
    tcase_add_test(tcase, a_huge_text_is_refused);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
