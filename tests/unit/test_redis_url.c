/* SPDX-License-Identifier: MIT */
#include "common/redis_url.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct redis_url parse(const char *text)
{
    struct redis_url url;
    const char *why = NULL;
    ck_assert_msg(redis_url_parse(text, &url, &why), "%s: %s", text, why);
    return url;
}

/* Returns the sentence. */
static const char *refuse(const char *text)
{
    struct redis_url url = {.db = 77};
    const char *why = NULL;
    ck_assert_msg(!redis_url_parse(text, &url, &why), "accepted: %s", text);
    ck_assert_ptr_nonnull(why);
    ck_assert_int_eq(url.db, 77);
    return why;
}

START_TEST(a_host_alone_gets_the_default_port_and_database)
{
    struct redis_url url = parse("redis://redis.example");
    ck_assert_str_eq(url.host, "redis.example");
    ck_assert_uint_eq(url.port, 6379);
    ck_assert_int_eq(url.db, 0);
    ck_assert_str_eq(url.user, "");
    ck_assert_str_eq(url.password, "");
    ck_assert_str_eq(url.path, "");
}
END_TEST

START_TEST(all_parts_may_be_given)
{
    struct redis_url url = parse("redis://feeder:s3cret@10.0.0.1:6380/15");
    ck_assert_str_eq(url.user, "feeder");
    ck_assert_str_eq(url.password, "s3cret");
    ck_assert_str_eq(url.host, "10.0.0.1");
    ck_assert_uint_eq(url.port, 6380);
    ck_assert_int_eq(url.db, 15);
}
END_TEST

START_TEST(a_slash_without_a_number_is_database_0)
{
    ck_assert_int_eq(parse("redis://h/").db, 0);
    ck_assert_uint_eq(parse("redis://h:1/").port, 1);
}
END_TEST

START_TEST(the_default_user_has_no_name)
{
    struct redis_url url = parse("redis://:pw@h");
    ck_assert_str_eq(url.user, "");
    ck_assert_str_eq(url.password, "pw");
}
END_TEST

START_TEST(a_login_without_a_colon_is_refused_as_ambiguous)
{
    ck_assert_ptr_nonnull(strstr(refuse("redis://pw@h"), ":password@"));
}
END_TEST

START_TEST(user_and_password_are_percent_decoded)
{
    struct redis_url url = parse("redis://a%40b:%3a%2F%25%c3%bc@h");
    ck_assert_str_eq(url.user, "a@b");
    ck_assert_str_eq(url.password, ":/%\xC3\xBC");
}
END_TEST

START_TEST(a_password_may_hold_what_cannot_be_mistaken)
{
    ck_assert_str_eq(parse("redis://:a:b/c@d@h/1").password, "a:b/c@d");
    ck_assert_str_eq(parse("redis://:a:b/c@d@h/1").host, "h");
}
END_TEST

START_TEST(a_percent_sign_needs_two_hexadecimal_digits)
{
    refuse("redis://:%@h");
    refuse("redis://:%4@h");
    refuse("redis://:%zz@h");
    refuse("redis://:%4z@h");
    refuse("redis://:%00@h");
    refuse("redis://%:x@h");
}
END_TEST

START_TEST(an_ipv6_host_stands_in_brackets)
{
    ck_assert_str_eq(parse("redis://[::1]").host, "::1");
    ck_assert_str_eq(parse("redis://[fe80::2]:7/3").host, "fe80::2");
    ck_assert_uint_eq(parse("redis://[fe80::2]:7/3").port, 7);
    refuse("redis://::1");
    refuse("redis://[::1");
    refuse("redis://[]");
    refuse("redis://[::1]x");
}
END_TEST

START_TEST(a_port_is_1_to_65535)
{
    ck_assert_uint_eq(parse("redis://h:1").port, 1);
    ck_assert_uint_eq(parse("redis://h:65535").port, 65535);
    refuse("redis://h:0");
    refuse("redis://h:65536");
    refuse("redis://h:");
    refuse("redis://h:-1");
    refuse("redis://h:+1");
    refuse("redis://h:1x");
    refuse("redis://h:99999999999999999999");
}
END_TEST

START_TEST(a_database_is_a_number)
{
    ck_assert_int_eq(parse("redis://h/999999").db, REDIS_URL_DB_MAX);
    refuse("redis://h/1000000");
    refuse("redis://h/x");
    refuse("redis://h/-1");
    refuse("redis://h/1/2");
    refuse("redis://h/1?x=y");
    refuse("redis://h?db=1");
}
END_TEST

START_TEST(a_host_must_be_there_and_look_like_one)
{
    refuse("redis://");
    refuse("redis:///1");
    refuse("redis://:6379");
    refuse("redis://user:pw@");
    refuse("redis://a b");
    refuse("redis://h\n");
}
END_TEST

START_TEST(a_unix_socket_has_a_path)
{
    struct redis_url url = parse("unix:///run/redis.sock");
    ck_assert_str_eq(url.path, "/run/redis.sock");
    ck_assert_str_eq(url.host, "");
    ck_assert_uint_eq(url.port, 0);
    ck_assert_int_eq(url.db, 0);
}
END_TEST

START_TEST(a_unix_socket_may_have_a_login_and_a_database)
{
    struct redis_url url = parse("unix://u:p%20w@/run/a@b.sock?db=4");
    ck_assert_str_eq(url.path, "/run/a@b.sock");
    ck_assert_str_eq(url.user, "u");
    ck_assert_str_eq(url.password, "p w");
    ck_assert_int_eq(url.db, 4);
}
END_TEST

START_TEST(a_bad_unix_url_is_refused)
{
    refuse("unix://");
    refuse("unix://run/redis.sock");
    refuse("unix://u@/run/redis.sock");
    refuse("unix:///s?db=");
    refuse("unix:///s?db=x");
    refuse("unix:///s?timeout=1");
    refuse("unix:///s?");
}
END_TEST

START_TEST(a_path_longer_than_a_socket_takes_is_refused)
{
    char text[160] = "unix:///";
    memset(text + 8, 'x', 106);
    ck_assert_uint_eq(strlen(parse(text).path), 107);
    text[8 + 106] = 'x';
    refuse(text);
}
END_TEST

START_TEST(parts_that_are_too_long_are_refused)
{
    char part[REDIS_URL_PART_MAX + 2] = "";
    char text[REDIS_URL_PART_MAX + 32];
    memset(part, 'x', REDIS_URL_PART_MAX);
    snprintf(text, sizeof(text), "redis://%s", part);
    ck_assert_uint_eq(strlen(parse(text).host), REDIS_URL_PART_MAX);
    snprintf(text, sizeof(text), "redis://:%s@h", part);
    ck_assert_uint_eq(strlen(parse(text).password), REDIS_URL_PART_MAX);
    part[REDIS_URL_PART_MAX] = 'x';
    snprintf(text, sizeof(text), "redis://%s", part);
    refuse(text);
    snprintf(text, sizeof(text), "redis://:%s@h", part);
    refuse(text);
    snprintf(text, sizeof(text), "redis://%s:@h", part);
    refuse(text);
}
END_TEST

START_TEST(other_schemes_are_refused_with_a_hint)
{
    static const char *const texts[] = {"", "h:6379", "http://h", "REDIS://h",
                                        "redis:/h"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_ptr_nonnull(strstr(refuse(texts[i]), "redis://"));
    }
    ck_assert_ptr_nonnull(strstr(refuse("rediss://h"), "TLS"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("redis_url");
    TCase *tcase = tcase_create("redis_url");
    tcase_add_test(tcase, a_host_alone_gets_the_default_port_and_database);
    tcase_add_test(tcase, all_parts_may_be_given);
    tcase_add_test(tcase, a_slash_without_a_number_is_database_0);
    tcase_add_test(tcase, the_default_user_has_no_name);
    tcase_add_test(tcase, a_login_without_a_colon_is_refused_as_ambiguous);
    tcase_add_test(tcase, user_and_password_are_percent_decoded);
    tcase_add_test(tcase, a_password_may_hold_what_cannot_be_mistaken);
    tcase_add_test(tcase, a_percent_sign_needs_two_hexadecimal_digits);
    tcase_add_test(tcase, an_ipv6_host_stands_in_brackets);
    tcase_add_test(tcase, a_port_is_1_to_65535);
    tcase_add_test(tcase, a_database_is_a_number);
    tcase_add_test(tcase, a_host_must_be_there_and_look_like_one);
    tcase_add_test(tcase, a_unix_socket_has_a_path);
    tcase_add_test(tcase, a_unix_socket_may_have_a_login_and_a_database);
    tcase_add_test(tcase, a_bad_unix_url_is_refused);
    tcase_add_test(tcase, a_path_longer_than_a_socket_takes_is_refused);
    tcase_add_test(tcase, parts_that_are_too_long_are_refused);
    tcase_add_test(tcase, other_schemes_are_refused_with_a_hint);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
