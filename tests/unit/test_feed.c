/* SPDX-License-Identifier: MIT */
#include "common/feed.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum feed_result parse(const char *text)
{
    struct feed_message message;
    return feed_parse(text, strlen(text), &message);
}

START_TEST(an_id_is_two_numbers_and_a_dash)
{
    struct feed_id id;
    ck_assert(feed_id_parse("1732283000123-7", 15, &id));
    ck_assert_uint_eq(id.ms, 1732283000123);
    ck_assert_uint_eq(id.seq, 7);
    ck_assert(feed_id_parse("0-0", 3, &id));
    ck_assert_uint_eq(id.ms, 0);
    ck_assert_uint_eq(id.seq, 0);
}
END_TEST

START_TEST(an_id_may_be_the_largest_and_no_larger)
{
    struct feed_id id;
    const char *largest = "18446744073709551615-18446744073709551615";
    ck_assert_uint_eq(strlen(largest), FEED_ID_TEXT_MAX);
    ck_assert(feed_id_parse(largest, FEED_ID_TEXT_MAX, &id));
    ck_assert_uint_eq(id.ms, UINT64_MAX);
    ck_assert_uint_eq(id.seq, UINT64_MAX);
    ck_assert(!feed_id_parse("18446744073709551616-0", 22, &id));
    ck_assert(!feed_id_parse("0-18446744073709551616", 22, &id));
    ck_assert(!feed_id_parse("0-99999999999999999999", 22, &id));
    ck_assert(!feed_id_parse("0-184467440737095516150", 23, &id));
}
END_TEST

START_TEST(an_id_that_redis_would_not_write_is_refused)
{
    static const char *const texts[] = {
        "",     "-",     "1",    "1-",   "-1",   "1--1", "+1-1",  "1-+1", "-1-1",
        " 1-1", "1-1 ",  "1 -1", "01-1", "1-01", "00-0", "a-1",   "1-a",  "0x1-1",
        "1.1",  "1-1-1", "*",    "1-*",  "$",    "+",    "1\n-1",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct feed_id id = {5, 5};
        ck_assert_msg(!feed_id_parse(texts[i], strlen(texts[i]), &id), "%s", texts[i]);
        ck_assert_uint_eq(id.ms, 5);
        ck_assert_uint_eq(id.seq, 5);
    }
}
END_TEST

START_TEST(a_formatted_id_reads_back_as_the_same)
{
    static const struct feed_id ids[] = {
        {0, 0}, {1, 0}, {0, 1}, {1732283000123, 42}, {UINT64_MAX, UINT64_MAX},
    };
    for (size_t i = 0; i < COUNT(ids); i++) {
        char text[FEED_ID_TEXT_MAX + 1];
        struct feed_id id;
        size_t len = feed_id_format(text, ids[i]);
        ck_assert_uint_eq(len, strlen(text));
        ck_assert(feed_id_parse(text, len, &id));
        ck_assert_int_eq(feed_id_compare(id, ids[i]), 0);
    }
}
END_TEST

START_TEST(ids_are_ordered_by_time_then_by_number)
{
    static const struct feed_id ids[] = {
        {0, 0}, {0, 1}, {0, UINT64_MAX}, {1, 0}, {2, 0}, {UINT64_MAX, 0}, {UINT64_MAX, 1},
    };
    for (size_t a = 0; a < COUNT(ids); a++) {
        for (size_t b = 0; b < COUNT(ids); b++) {
            int order = feed_id_compare(ids[a], ids[b]);
            ck_assert_int_eq(order < 0, a < b);
            ck_assert_int_eq(order > 0, a > b);
        }
    }
}
END_TEST

START_TEST(a_plain_message_is_all_payload)
{
    struct feed_message message;
    const char *text = "{\"price\":1}";
    ck_assert_int_eq(feed_parse(text, strlen(text), &message), FEED_OK);
    ck_assert(!message.sequenced);
    ck_assert_ptr_eq(message.payload, text);
    ck_assert_uint_eq(message.payload_len, strlen(text));
}
END_TEST

START_TEST(a_sequenced_message_tells_its_place)
{
    struct feed_message message;
    const char *text = "@1732283000123-1 1732283000123-0 {\"price\":1}";
    ck_assert_int_eq(feed_parse(text, strlen(text), &message), FEED_OK);
    ck_assert(message.sequenced);
    ck_assert_uint_eq(message.id.ms, 1732283000123);
    ck_assert_uint_eq(message.id.seq, 1);
    ck_assert_uint_eq(message.prev.ms, 1732283000123);
    ck_assert_uint_eq(message.prev.seq, 0);
    ck_assert_ptr_eq(message.payload, strchr(text, '{'));
    ck_assert_uint_eq(message.payload_len, strlen(message.payload));
}
END_TEST

START_TEST(the_first_message_of_a_history_has_no_entry_before_it)
{
    struct feed_message message;
    ck_assert_int_eq(feed_parse("@1-0 0-0 {}", 11, &message), FEED_OK);
    ck_assert_uint_eq(message.prev.ms, 0);
    ck_assert_uint_eq(message.prev.seq, 0);
}
END_TEST

START_TEST(the_longest_ids_fit_into_the_envelope)
{
    ck_assert_int_eq(parse("@18446744073709551615-18446744073709551615 "
                           "18446744073709551615-18446744073709551614 {}"),
                     FEED_OK);
}
END_TEST

START_TEST(what_begins_like_neither_kind_is_a_bad_envelope)
{
    static const char *const texts[] = {
        "",
        " {}",
        "[]",
        "hello",
        "1",
        "\"a\"",
        "@",
        "@ ",
        "@1-0",
        "@1-0 ",
        "@1-0 0-0",
        "@{}",
        "@1-0 {}",
        "@1 0 {}",
        "@1-0 0 {}",
        "@1-0  0-0 {}",
        "@ 1-0 0-0 {}",
        "1-0 0-0 {}",
        "@1-0 0-0{}",
        "@1-0\t0-0 {}",
        "@-0 0-0 {}",
        "@01-0 0-0 {}",
        "@@1-0 0-0 {}",
        "@99999999999999999999-0 0-0 {}",
        "@000000000000000000000000000000000000000000000000000000001-0 0-0 {}",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_msg(parse(texts[i]) == FEED_BAD_ENVELOPE, "%s", texts[i]);
    }
}
END_TEST

START_TEST(an_entry_comes_after_the_one_before_it)
{
    ck_assert_int_eq(parse("@5-1 5-0 {}"), FEED_OK);
    ck_assert_int_eq(parse("@5-1 5-1 {}"), FEED_BAD_ENVELOPE);
    ck_assert_int_eq(parse("@5-1 5-2 {}"), FEED_BAD_ENVELOPE);
    ck_assert_int_eq(parse("@5-1 6-0 {}"), FEED_BAD_ENVELOPE);
    ck_assert_int_eq(parse("@0-0 0-0 {}"), FEED_BAD_ENVELOPE);
}
END_TEST

START_TEST(a_payload_is_one_json_object_in_utf8)
{
    static const char *const payloads[] = {
        "{", "{}x", "{\"a\":}", "{\"a\":\"\xFF\"}", "{'a':1}", "{}{}", "{a:1}",
    };
    for (size_t i = 0; i < COUNT(payloads); i++) {
        char text[64];
        ck_assert_msg(parse(payloads[i]) == FEED_BAD_PAYLOAD, "%s", payloads[i]);
        snprintf(text, sizeof(text), "@1-0 0-0 %s", payloads[i]);
        ck_assert_msg(parse(text) == FEED_BAD_PAYLOAD, "%s", text);
    }
    ck_assert_int_eq(parse("@1-0 0-0 "), FEED_BAD_PAYLOAD);
    ck_assert_int_eq(parse("@1-0 0-0  {}"), FEED_BAD_PAYLOAD);
    ck_assert_int_eq(parse("@1-0 0-0 []"), FEED_BAD_PAYLOAD);
    ck_assert_int_eq(parse("{}\n"), FEED_OK);
}
END_TEST

START_TEST(a_refused_message_leaves_the_output_untouched)
{
    struct feed_message message = {.payload_len = 99};
    ck_assert_int_eq(feed_parse("@1-0 0-0 {", 10, &message), FEED_BAD_PAYLOAD);
    ck_assert_int_eq(feed_parse("@1-0 0-0", 8, &message), FEED_BAD_ENVELOPE);
    ck_assert_uint_eq(message.payload_len, 99);
    ck_assert_ptr_null(message.payload);
}
END_TEST

START_TEST(only_the_given_bytes_are_read)
{
    const char *text = "@1-0 0-0 {}";
    for (size_t len = 0; len < strlen(text); len++) {
        char *copy = malloc(len > 0 ? len : 1);
        struct feed_message message;
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, text, len);
        ck_assert_int_ne(feed_parse(copy, len, &message), FEED_OK);
        free(copy);
    }
    struct feed_message message;
    ck_assert_int_eq(feed_parse(NULL, 0, &message), FEED_BAD_ENVELOPE);
}
END_TEST

static void channel_is(const char *prefix, const char *topic, const char *expected)
{
    char channel[FEED_CHANNEL_MAX];
    const size_t len = feed_channel(channel, prefix, topic, strlen(topic));
    ck_assert_uint_eq(len, strlen(expected));
    ck_assert_mem_eq(channel, expected, len);
}

START_TEST(a_channel_is_the_prefix_and_the_topic)
{
    channel_is("", "stock.A.1m", "stock.A.1m");
    channel_is("cg:", "stock.A.1m", "cg:stock.A.1m");
    channel_is("cg:", "", "cg:");
    char channel[FEED_CHANNEL_MAX];
    ck_assert_uint_eq(feed_channel(channel, "p", "stock.A.1m, cut here", 10), 11);
    ck_assert_mem_eq(channel, "pstock.A.1m", 11);
}
END_TEST

START_TEST(the_longest_prefix_and_topic_make_the_longest_channel)
{
    char prefix[FEED_PREFIX_MAX + 1] = "";
    char topic[TOPIC_MAX + 1] = "";
    char expected[FEED_CHANNEL_MAX + 1];
    memset(prefix, 'p', FEED_PREFIX_MAX);
    memset(topic, 't', TOPIC_MAX);
    snprintf(expected, sizeof(expected), "%s%s", prefix, topic);
    ck_assert_uint_eq(strlen(expected), FEED_CHANNEL_MAX);
    channel_is(prefix, topic, expected);
}
END_TEST

START_TEST(the_history_key_puts_the_channel_in_braces)
{
    char key[32];
    ck_assert_uint_eq(feed_history_key(key, sizeof(key), "stock.A.1m", 10), 20);
    ck_assert_str_eq(key, "history:{stock.A.1m}");
}
END_TEST

START_TEST(the_bars_key_is_that_of_the_history_and_more)
{
    char key[FEED_KEY_MAX + 1];
    ck_assert_uint_eq(feed_bars_key(key, sizeof(key), "stock.A.1m", 10), strlen(key));
    ck_assert_str_eq(key, "history:{stock.A.1m}:bars");
    char longest[FEED_CHANNEL_MAX];
    memset(longest, 'x', sizeof(longest));
    ck_assert_uint_eq(feed_bars_key(key, sizeof(key), longest, sizeof(longest)),
                      FEED_KEY_MAX);
    ck_assert_uint_eq(feed_bars_key(key, FEED_KEY_MAX, longest, sizeof(longest)), 0);
}
END_TEST

START_TEST(a_history_key_that_does_not_fit_is_refused)
{
    char key[21] = "untouched";
    ck_assert_uint_eq(feed_history_key(key, 20, "stock.A.1m", 10), 0);
    ck_assert_uint_eq(feed_history_key(key, 0, "stock.A.1m", 10), 0);
    ck_assert_uint_eq(feed_history_key(key, 20, "stock.A.1m", SIZE_MAX), 0);
    ck_assert_str_eq(key, "untouched");
    ck_assert_uint_eq(feed_history_key(key, 21, "stock.A.1m", 10), 20);
}
END_TEST

static const char *pattern(const char *prefix)
{
    static char out[FEED_PATTERN_MAX + 1];
    feed_history_pattern(out, prefix);
    return out;
}

START_TEST(the_pattern_of_histories_takes_the_prefix_literally)
{
    ck_assert_str_eq(pattern(""), "history:{*}");
    ck_assert_str_eq(pattern("px:"), "history:{px:*}");
    ck_assert_str_eq(pattern("a*b?c[d]e\\f^-"), "history:{a\\*b\\?c\\[d\\]e\\\\f^-*}");
    char longest[FEED_PREFIX_MAX + 1];
    memset(longest, '*', FEED_PREFIX_MAX);
    longest[FEED_PREFIX_MAX] = '\0';
    ck_assert_uint_eq(strlen(pattern(longest)), FEED_PATTERN_MAX);
}
END_TEST

static bool is_history(const char *key, const char *prefix)
{
    struct topic topic;
    return feed_history_topic(key, strlen(key), prefix, &topic);
}

START_TEST(a_history_of_ours_is_known_by_its_key)
{
    struct topic topic;
    const char *key = "history:{px:stock.600519.SH.1d}";
    ck_assert(feed_history_topic(key, strlen(key), "px:", &topic));
    ck_assert_int_eq(topic.type, TOPIC_STOCK);
    ck_assert_int_eq(topic.interval, TOPIC_1D);
    ck_assert_uint_eq(topic.symbol_len, 9);
    ck_assert_int_eq(memcmp(topic.symbol, "600519.SH", 9), 0);
    ck_assert(is_history("history:{market.US.summary}", ""));
    ck_assert(!is_history("history:{px:stock.A.1m}", ""));
    ck_assert(!is_history("history:{stock.A.1m}", "px:"));
    ck_assert(!is_history("history:{stock.A.1m", ""));
    ck_assert(!is_history("history:{stock.A.1m}:bars", ""));
    ck_assert(!is_history("history:{stock.A.2m}", ""));
    ck_assert(!is_history("history:{}", ""));
    ck_assert(!is_history("history:", ""));
    ck_assert(!is_history("", ""));
    ck_assert(!is_history("archive:{stock.A.1m}", ""));
}
END_TEST

START_TEST(prefix_and_name_make_the_key_of_a_lease)
{
    char key[FEED_LEASE_KEY_MAX + 1];
    ck_assert_uint_eq(feed_lease_key(key, "", "walk"), strlen(key));
    ck_assert_str_eq(key, "chronogate:lease:{walk}");
    feed_lease_key(key, "px:", "replay:a{b}.csv");
    ck_assert_str_eq(key, "chronogate:lease:px:{replay:a{b}.csv}");
}
END_TEST

START_TEST(the_library_names_itself_and_its_functions)
{
    ck_assert_ptr_eq(strstr(feed_library, "#!lua name=" FEED_LIBRARY_NAME "\n"),
                     feed_library);
    ck_assert_ptr_nonnull(strstr(feed_library, "register_function('" FEED_PUBLISH "'"));
    ck_assert_ptr_nonnull(strstr(feed_library, "function_name = '" FEED_LEASE "'"));
    ck_assert_ptr_nonnull(strstr(feed_library, "'history:{' .. channel .. '}'"));
}
END_TEST

START_TEST(the_library_has_the_numbers_of_the_contract)
{
    char line[128];
    ck_assert_ptr_null(strstr(feed_library, "@FEED_"));
    snprintf(line, sizeof(line), "default_length, max_length = '%d', %d\n",
             FEED_HISTORY_DEFAULT, FEED_HISTORY_MAX);
    ck_assert_ptr_nonnull(strstr(feed_library, line));
    snprintf(line, sizeof(line), "default_bars, max_bars = '%d', %d\n", FEED_BARS_DEFAULT,
             FEED_BARS_MAX);
    ck_assert_ptr_nonnull(strstr(feed_library, line));
    snprintf(line, sizeof(line), "expire_s, bars_expire_s = %d, %d\n",
             FEED_HISTORY_EXPIRE_S, FEED_BARS_EXPIRE_S);
    ck_assert_ptr_nonnull(strstr(feed_library, line));
    snprintf(line, sizeof(line), "lease_expire_s = %d\n", FEED_LEASE_EXPIRE_S);
    ck_assert_ptr_nonnull(strstr(feed_library, line));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed");
    TCase *tcase = tcase_create("feed");
    tcase_add_test(tcase, an_id_is_two_numbers_and_a_dash);
    tcase_add_test(tcase, an_id_may_be_the_largest_and_no_larger);
    tcase_add_test(tcase, an_id_that_redis_would_not_write_is_refused);
    tcase_add_test(tcase, a_formatted_id_reads_back_as_the_same);
    tcase_add_test(tcase, ids_are_ordered_by_time_then_by_number);
    tcase_add_test(tcase, a_plain_message_is_all_payload);
    tcase_add_test(tcase, a_sequenced_message_tells_its_place);
    tcase_add_test(tcase, the_first_message_of_a_history_has_no_entry_before_it);
    tcase_add_test(tcase, the_longest_ids_fit_into_the_envelope);
    tcase_add_test(tcase, what_begins_like_neither_kind_is_a_bad_envelope);
    tcase_add_test(tcase, an_entry_comes_after_the_one_before_it);
    tcase_add_test(tcase, a_payload_is_one_json_object_in_utf8);
    tcase_add_test(tcase, a_refused_message_leaves_the_output_untouched);
    tcase_add_test(tcase, only_the_given_bytes_are_read);
    tcase_add_test(tcase, a_channel_is_the_prefix_and_the_topic);
    tcase_add_test(tcase, the_longest_prefix_and_topic_make_the_longest_channel);
    tcase_add_test(tcase, the_history_key_puts_the_channel_in_braces);
    tcase_add_test(tcase, the_bars_key_is_that_of_the_history_and_more);
    tcase_add_test(tcase, a_history_key_that_does_not_fit_is_refused);
    tcase_add_test(tcase, the_pattern_of_histories_takes_the_prefix_literally);
    tcase_add_test(tcase, a_history_of_ours_is_known_by_its_key);
    tcase_add_test(tcase, prefix_and_name_make_the_key_of_a_lease);
    tcase_add_test(tcase, the_library_names_itself_and_its_functions);
    tcase_add_test(tcase, the_library_has_the_numbers_of_the_contract);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
