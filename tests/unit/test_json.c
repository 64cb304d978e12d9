/* SPDX-License-Identifier: MIT */
#include "common/json.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The text in memory of exactly its size, so that a read beyond it is an error. */
static bool is_object(const char *text, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, len);
    bool good = json_is_object(copy, len);
    free(copy);
    return good;
}

static void accept(const char *text)
{
    ck_assert_msg(is_object(text, strlen(text)), "refused: %s", text);
}

static void refuse(const char *text)
{
    ck_assert_msg(!is_object(text, strlen(text)), "accepted: %s", text);
}

/* The value as an object's only member. */
static void value(const char *text, bool good)
{
    char object[256];
    snprintf(object, sizeof(object), "{\"a\":%s}", text);
    ck_assert_msg(is_object(object, strlen(object)) == good, "%s: %s",
                  good ? "refused" : "accepted", text);
}

START_TEST(an_object_may_be_empty_and_have_space_around_it)
{
    accept("{}");
    accept(" \t\r\n{ \t\r\n} \t\r\n");
    accept("{\"a\":1}");
    accept(" { \"a\" : 1 , \"b\" : [ 1 , 2 , { } , [ ] ] } ");
}
END_TEST

START_TEST(anything_but_an_object_is_refused)
{
    static const char *const texts[] = {
        "",       " ",      "[]",      "1",          "null",           "true",
        "\"a\"",  "a",      "}",       "{",          "\xEF\xBB\xBF{}", "\f{}",
        "/**/{}", "{}/**/", "// \n{}", "\xC2\xA0{}",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        refuse(texts[i]);
    }
}
END_TEST

START_TEST(nothing_may_follow_the_object)
{
    refuse("{}{}");
    refuse("{},");
    refuse("{}x");
    ck_assert(!is_object("{}\0", 3));
    ck_assert(!is_object("{\0}", 3));
}
END_TEST

START_TEST(members_need_a_quoted_name_a_colon_and_commas_between)
{
    static const char *const texts[] = {
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "{\"a\"}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\"::1}",
        "{:1}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{,}",
        "{\"a\":1,,\"b\":1}",
        "{\"a\":1;\"b\":1}",
        "{\"a\":1 \"b\":1}",
        "{\"a\":1]",
        "{\"a\":[1}",
        "{\"a\":[1}}",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,\"b\"",
        "{\"a\":1,\"b\":",
        "{\"a",
        "{\"a\":1}}",
        "{null:1}",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        refuse(texts[i]);
    }
    accept("{\"\":0}");
    accept("{\"a\":1,\"a\":2}");
}
END_TEST

START_TEST(arrays_need_commas_between_their_values)
{
    static const char *const bad[] = {
        "[", "]", "[,]", "[1,]", "[,1]", "[1 2]", "[1,,2]", "[1;2]", "[\"a\":1]", "(1)",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        value(bad[i], false);
    }
    value("[]", true);
    value("[ 1, \"b\" ,true,null,{},[]]", true);
}
END_TEST

START_TEST(numbers_follow_the_grammar_of_rfc_8259)
{
    static const char *const good[] = {
        "0",    "-0",  "1",       "-1",    "10",     "123456789012345678901234567890",
        "0.0",  "1.5", "-0.5e10", "1e5",   "1E5",    "1e+5",
        "1e-5", "0e0", "0E+00",   "1e999", "100.00",
    };
    static const char *const bad[] = {
        "-",     "+1",           "01",       "-01",       "00",   "1.",  ".5",
        "-.5",   "1.e5",         "1e",       "1e+",       "1e5.", "0x1", "1_0",
        "1,5e",  "NaN",          "Infinity", "-Infinity", "--1",  "1-",  "1e1e1",
        "1.5.5", "\xEF\xBC\x91", "1 2",      "0-1",       "1a",   "- 1",
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        value(good[i], true);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        value(bad[i], false);
    }
}
END_TEST

START_TEST(a_number_cut_off_by_the_end_is_refused)
{
    static const char *const texts[] = {
        "{\"a\":-", "{\"a\":0", "{\"a\":1.", "{\"a\":1e", "{\"a\":1e+", "{\"a\":",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        refuse(texts[i]);
    }
}
END_TEST

START_TEST(words_are_lower_case_and_whole)
{
    static const char *const bad[] = {
        "True",     "TRUE", "tru",       "truex",      "nul",
        "nullnull", "fals", "undefined", "true false",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        value(bad[i], false);
    }
    value("true", true);
    value("false", true);
    value("null", true);
    refuse("{\"a\":tr");
}
END_TEST

START_TEST(the_eight_escapes_and_four_hexadecimal_digits_are_known)
{
    value("\"\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000 \\uABCD \\uabcd\"", true);
    static const char *const bad[] = {
        "\"\\a\"",     "\"\\'\"", "\"\\x41\"", "\"\\0\"",   "\"\\U0041\"", "\"\\ \"",
        "\"\\\n\"",    "\"\\u\"", "\"\\u1\"",  "\"\\u12\"", "\"\\u123\"",  "\"\\u123g\"",
        "\"\\u+123\"", "\"\\",    "\"\\\"",    "\"\\u12",   "\"\\v\"",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        value(bad[i], false);
    }
    ck_assert(!is_object("{\"\\\0\":1}", 8));
    refuse("{\"\\");
    refuse("{\"\\u12");
}
END_TEST

START_TEST(an_escaped_surrogate_need_not_be_paired)
{
    value("\"\\ud83d\\ude00\"", true);
    value("\"\\ud83d\"", true);
    value("\"\\ude00\\ud83d\"", true);
}
END_TEST

START_TEST(control_characters_must_be_escaped)
{
    for (int c = 0; c < 0x20; c++) {
        char text[] = {'{', '"', (char)c, '"', ':', '1', '}'};
        ck_assert_msg(!is_object(text, sizeof(text)), "accepted: control %d", c);
    }
    value("\"\x7F\"", true);
}
END_TEST

/* Each offset, for strings are read eight bytes at a time. */
START_TEST(a_bad_byte_is_found_wherever_it_stands)
{
    static const char bad[] = {'\0', '\n', 0x1F, '\x80', '\xFF', '\xC0'};
    for (size_t i = 0; i < sizeof(bad); i++) {
        for (size_t place = 2; place < 42; place++) {
            char text[] = "{\"0123456789012345678901234567890123456789\":1}";
            ck_assert(is_object(text, sizeof(text) - 1));
            text[place] = bad[i];
            ck_assert_msg(!is_object(text, sizeof(text) - 1), "byte %02x at %zu",
                          (unsigned char)bad[i], place);
        }
    }
}
END_TEST

START_TEST(every_ascii_byte_may_stand_at_every_place_of_a_string)
{
    for (int c = 0x20; c < 0x80; c++) {
        for (size_t place = 2; place < 21 && c != '"' && c != '\\'; place++) {
            char text[] = "{\"0123456789012345678\":1}";
            text[place] = (char)c;
            ck_assert_msg(is_object(text, sizeof(text) - 1), "byte %02x", (unsigned)c);
        }
    }
}
END_TEST

static const char *const good_utf8[] = {
    "\x7F",
    "\xC2\x80",
    "\xDF\xBF",
    "\xE0\xA0\x80",
    "\xED\x9F\xBF",
    "\xEE\x80\x80",
    "\xEF\xBF\xBF",
    "\xF0\x90\x80\x80",
    "\xF4\x8F\xBF\xBF",
    "\xE8\x82\xA1\xE7\xA5\xA8",
};

static const char *const bad_utf8[] = {
    "\x80",
    "\xBF",
    "\xC0\x80",
    "\xC1\xBF",
    "\xC2",
    "\xC2\x7F",
    "\xC2\xC0",
    "\xE0\x9F\xBF",
    "\xE0\xA0",
    "\xE0\xA0\x7F",
    "\xE0\xA0\xC0",
    "\xED\xA0\x80",
    "\xED\xBF\xBF",
    "\xF0\x8F\xBF\xBF",
    "\xF0\x90\x80",
    "\xF0\x90\x80\x7F",
    "\xF4\x90\x80\x80",
    "\xF5\x80\x80\x80",
    "\xF8\x88\x80\x80\x80",
    "\xFE",
    "\xFF",
    "\xE2\x28\xA1",
    "\xF0\x28\x8C\xBC",
    "a\xC3",
};

START_TEST(strings_hold_well_formed_utf8_only)
{
    char object[64];
    for (size_t i = 0; i < COUNT(good_utf8); i++) {
        snprintf(object, sizeof(object), "{\"%s\":\"%s\"}", good_utf8[i], good_utf8[i]);
        accept(object);
    }
    for (size_t i = 0; i < COUNT(bad_utf8); i++) {
        snprintf(object, sizeof(object), "{\"a\":\"%s\"}", bad_utf8[i]);
        refuse(object);
        snprintf(object, sizeof(object), "{\"a\":\"%s", bad_utf8[i]);
        refuse(object);
    }
}
END_TEST

START_TEST(utf8_is_checked_to_its_last_byte)
{
    ck_assert(json_is_utf8("", 0));
    ck_assert(json_is_utf8("a\0b", 3));
    for (size_t i = 0; i < COUNT(good_utf8); i++) {
        ck_assert(json_is_utf8(good_utf8[i], strlen(good_utf8[i])));
    }
    for (size_t i = 0; i < COUNT(bad_utf8); i++) {
        ck_assert_msg(!json_is_utf8(bad_utf8[i], strlen(bad_utf8[i])), "case %zu", i);
    }
}
END_TEST

/* `depth` containers around a number, the outermost an object. */
static bool nested(size_t depth, bool arrays, const char *inner)
{
    char text[1024] = "{\"a\":";
    size_t opened = 1;
    while (opened < depth) {
        strncat(text, arrays ? "[" : "{\"a\":", 8);
        opened++;
    }
    strncat(text, inner, 8);
    while (opened-- > 1) {
        strncat(text, arrays ? "]" : "}", 2);
    }
    strncat(text, "}", 2);
    return is_object(text, strlen(text));
}

START_TEST(nesting_is_bounded_at_exactly_the_promised_depth)
{
    ck_assert(nested(JSON_MAX_DEPTH, true, "1"));
    ck_assert(nested(JSON_MAX_DEPTH, false, "1"));
    ck_assert(!nested(JSON_MAX_DEPTH + 1, true, "1"));
    ck_assert(!nested(JSON_MAX_DEPTH + 1, false, "1"));
    ck_assert(nested(JSON_MAX_DEPTH - 1, true, "[]"));
    ck_assert(nested(JSON_MAX_DEPTH - 1, true, "{}"));
    ck_assert(!nested(JSON_MAX_DEPTH, true, "[]"));
    ck_assert(!nested(JSON_MAX_DEPTH, false, "{}"));
}
END_TEST

START_TEST(a_megabyte_of_brackets_is_refused_at_once)
{
    size_t len = 1 << 20;
    char *text = malloc(len);
    ck_assert_ptr_nonnull(text);
    size_t start = (size_t)snprintf(text, len, "{\"a\":");
    memset(text + start, '[', len - start);
    ck_assert(!json_is_object(text, len));
    free(text);
}
END_TEST

START_TEST(containers_beside_one_another_do_not_count_as_depth)
{
    char text[4096] = "{\"a\":[";
    for (int i = 0; i < 200; i++) {
        strncat(text, "[{}],", 8);
    }
    strncat(text, "0]}", 8);
    accept(text);
}
END_TEST

static void quotes_as(const char *text, size_t len, const char *expected)
{
    char out[256];
    ck_assert_uint_le(JSON_QUOTED_MAX(len), sizeof(out));
    size_t written = json_quote(out, text, len);
    ck_assert_uint_eq(written, strlen(expected));
    ck_assert_mem_eq(out, expected, written);
}

START_TEST(quoting_escapes_quotes_backslashes_and_control_characters)
{
    quotes_as("", 0, "\"\"");
    quotes_as("abc /<>&'", 9, "\"abc /<>&'\"");
    quotes_as("\"\\\b\f\n\r\t", 7, "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    quotes_as("\0\x01\x1F\x7F", 4, "\"\\u0000\\u0001\\u001f\\u007f\"");
    quotes_as("\xC2\x80\xC2\x9B\xC2\x9F\xC2\xA0", 8, "\"\\u0080\\u009b\\u009f\xC2\xA0\"");
}
END_TEST

START_TEST(quoting_keeps_utf8_and_replaces_what_is_none)
{
    quotes_as("\xE8\x82\xA1", 3, "\"\xE8\x82\xA1\"");
    quotes_as("\xF0\x9F\x98\x80", 4, "\"\xF0\x9F\x98\x80\"");
    quotes_as("a\xFF"
              "b",
              3,
              "\"a\xEF\xBF\xBD"
              "b\"");
    quotes_as("\xE8\x82", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    quotes_as("\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}
END_TEST

START_TEST(whatever_is_quoted_is_a_json_string)
{
    char object[8 + JSON_QUOTED_MAX(2)] = "{\"a\":";
    for (int high = 0; high < 256; high++) {
        for (int low = 0; low < 256; low++) {
            const char text[] = {(char)high, (char)low};
            size_t len = 5 + json_quote(object + 5, text, sizeof(text));
            object[len++] = '}';
            ck_assert_msg(is_object(object, len), "%02x %02x", (unsigned)high,
                          (unsigned)low);
        }
    }
}
END_TEST

START_TEST(a_cut_never_splits_a_character)
{
    ck_assert_uint_eq(json_cut("abc", 3, 3), 3);
    ck_assert_uint_eq(json_cut("abc", 3, 9), 3);
    ck_assert_uint_eq(json_cut("abc", 3, 2), 2);
    ck_assert_uint_eq(json_cut("abc", 3, 0), 0);
    const char text[] = "a\xE8\x82\xA1"
                        "b\xF0\x9F\x98\x80"; /* 1 3 1 4 bytes */
    static const size_t cuts[] = {0, 1, 1, 1, 4, 5, 5, 5, 5, 9};
    for (size_t max = 0; max < COUNT(cuts); max++) {
        ck_assert_uint_eq(json_cut(text, 9, max), cuts[max]);
    }
}
END_TEST

START_TEST(a_cut_through_bytes_that_are_no_character_is_made_where_asked)
{
    ck_assert_uint_eq(json_cut("\x80\x80\x80\x80\x80\x80", 6, 5), 5);
    ck_assert_uint_eq(json_cut("\xE8\x82zzz", 5, 2), 2);
    ck_assert_uint_eq(json_cut("\xFF\xFF\xFF", 3, 2), 2);
    ck_assert_uint_eq(json_cut("\xE8\xE8\x82\xA1", 4, 1), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");
    tcase_add_test(tcase, an_object_may_be_empty_and_have_space_around_it);
    tcase_add_test(tcase, anything_but_an_object_is_refused);
    tcase_add_test(tcase, nothing_may_follow_the_object);
    tcase_add_test(tcase, members_need_a_quoted_name_a_colon_and_commas_between);
    tcase_add_test(tcase, arrays_need_commas_between_their_values);
    tcase_add_test(tcase, numbers_follow_the_grammar_of_rfc_8259);
    tcase_add_test(tcase, a_number_cut_off_by_the_end_is_refused);
    tcase_add_test(tcase, words_are_lower_case_and_whole);
    tcase_add_test(tcase, the_eight_escapes_and_four_hexadecimal_digits_are_known);
    tcase_add_test(tcase, an_escaped_surrogate_need_not_be_paired);
    tcase_add_test(tcase, control_characters_must_be_escaped);
    tcase_add_test(tcase, a_bad_byte_is_found_wherever_it_stands);
    tcase_add_test(tcase, every_ascii_byte_may_stand_at_every_place_of_a_string);
    tcase_add_test(tcase, strings_hold_well_formed_utf8_only);
    tcase_add_test(tcase, utf8_is_checked_to_its_last_byte);
    tcase_add_test(tcase, nesting_is_bounded_at_exactly_the_promised_depth);
    tcase_add_test(tcase, a_megabyte_of_brackets_is_refused_at_once);
    tcase_add_test(tcase, containers_beside_one_another_do_not_count_as_depth);
    tcase_add_test(tcase, quoting_escapes_quotes_backslashes_and_control_characters);
    tcase_add_test(tcase, quoting_keeps_utf8_and_replaces_what_is_none);
    tcase_add_test(tcase, whatever_is_quoted_is_a_json_string);
    tcase_add_test(tcase, a_cut_never_splits_a_character);
    tcase_add_test(tcase, a_cut_through_bytes_that_are_no_character_is_made_where_asked);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
