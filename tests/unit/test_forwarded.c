/* SPDX-License-Identifier: MIT */
#include "gateway/forwarded.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROXY "10.0.0.1"

static struct networks trusted;
static struct request request;

static void setup(void)
{
    const char *why = NULL;
    ck_assert(networks_parse("10.0.0.0/8,2001:db8:1::/48", &trusted, &why));
    request = (struct request){0};
}

static void add_header(const char *name, const char *value)
{
    request.headers[request.header_count++] = (struct request_header){
        .name = {.bytes = name, .len = strlen(name)},
        .value = {.bytes = value, .len = strlen(value)},
    };
}

/* What the headers say of a request from this peer. */
static void check_host(const char *peer, const char *expected)
{
    struct host host;
    ck_assert(host_parse(peer, strlen(peer), &host));
    const struct host found = forwarded_host(&request, &trusted, &host);
    char text[HOST_TEXT_MAX];
    host_format(text, &found);
    ck_assert_msg(strcmp(text, expected) == 0, "%.*s is of %s, not of %s",
                  (int)request.headers[0].value.len, request.headers[0].value.bytes, text,
                  expected);
}

/* The same for one header, and a request from a trusted proxy. */
static void check_list(const char *list, const char *expected)
{
    request.header_count = 0;
    add_header("X-Forwarded-For", list);
    check_host(PROXY, expected);
}

START_TEST(a_peer_that_is_not_trusted_speaks_for_itself)
{
    add_header("X-Forwarded-For", "192.0.2.1");
    check_host("198.51.100.7", "198.51.100.7");
    check_host("2001:db8:2::1", "2001:db8:2::1");
    trusted.count = 0;
    check_host(PROXY, PROXY);
}
END_TEST

START_TEST(a_trusted_proxy_says_whose_request_it_is)
{
    check_list("192.0.2.1", "192.0.2.1");
    check_list("2001:db8:2::1", "2001:db8:2::1");
    check_list("::ffff:192.0.2.1", "192.0.2.1");
    check_host("2001:db8:1::1", "192.0.2.1");
    check_host("::ffff:10.0.0.1", "192.0.2.1");
}
END_TEST

START_TEST(without_a_list_the_request_is_the_proxys_own)
{
    add_header("X-Forwarded", "192.0.2.1");
    add_header("Forwarded", "for=192.0.2.1");
    check_host(PROXY, PROXY);
}
END_TEST

START_TEST(the_name_may_have_any_case)
{
    add_header("x-forwarded-FOR", "192.0.2.1");
    check_host(PROXY, "192.0.2.1");
}
END_TEST

START_TEST(the_right_most_address_that_is_no_proxys_counts)
{
    check_list("1.1.1.1, 192.0.2.1", "192.0.2.1");
    check_list("1.1.1.1, 192.0.2.1, 10.9.9.9", "192.0.2.1");
    check_list("1.1.1.1,192.0.2.1,10.9.9.9,2001:db8:1::5", "192.0.2.1");
}
END_TEST

START_TEST(several_headers_are_one_list)
{
    add_header("X-Forwarded-For", "1.1.1.1");
    add_header("Host", "x");
    add_header("X-Forwarded-For", "192.0.2.1, 10.0.0.3");
    add_header("X-Forwarded-For", "10.0.0.2");
    check_host(PROXY, "192.0.2.1");
}
END_TEST

START_TEST(where_all_are_trusted_the_first_of_them_counts)
{
    check_list("10.0.0.9", "10.0.0.9");
    check_list("10.0.0.9, 10.0.0.8", "10.0.0.9");
}
END_TEST

START_TEST(what_a_client_forges_on_the_left_is_not_even_read)
{
    check_list("nonsense, 192.0.2.1", "192.0.2.1");
    check_list(",,, 192.0.2.1", "192.0.2.1");
    check_list("10.0.0.7, 192.0.2.1", "192.0.2.1");
    check_list("\"<script>\", 192.0.2.1, 10.0.0.2", "192.0.2.1");
}
END_TEST

START_TEST(a_malformed_address_that_counts_makes_it_the_proxys_own)
{
    static const char *const lists[] = {"",
                                        " ",
                                        ",",
                                        "unknown",
                                        "192.0.2.1,",
                                        "192.0.2",
                                        "192.0.2.1.1",
                                        "192.0.2.256",
                                        "192.0.2.1 x",
                                        "192.0.2.1;10.0.0.2",
                                        "192.0.2.1:",
                                        "192.0.2.1:x",
                                        "[192.0.2.1]",
                                        "[::1",
                                        "::1]",
                                        "[]",
                                        "[::1]x",
                                        "[::1]:",
                                        "[::1]:x",
                                        "::1:1:1:1:1:1:1:1:1",
                                        "192.0.2.1:123456",
                                        "x, 10.0.0.2",
                                        "10.0.0.3 10.0.0.2",
                                        "192.0.2.1, , 10.0.0.2",
                                        "_hidden"};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        check_list(lists[i], PROXY);
    }
}
END_TEST

START_TEST(a_port_may_stand_behind_an_address)
{
    check_list("192.0.2.1:4711", "192.0.2.1");
    check_list("[2001:db8:2::1]", "2001:db8:2::1");
    check_list("[2001:db8:2::1]:65535", "2001:db8:2::1");
    check_list("192.0.2.1:1, 10.0.0.2:2", "192.0.2.1");
}
END_TEST

START_TEST(blanks_around_an_address_do_not_matter)
{
    check_list("\t192.0.2.1 \t,  10.0.0.2  ", "192.0.2.1");
}
END_TEST

START_TEST(only_so_many_proxies_are_followed)
{
    char list[1024] = "192.0.2.1";
    char *at = list + strlen(list);
    for (int i = 1; i < FORWARDED_HOPS_MAX; i++) {
        at += snprintf(at, 16, ", 10.0.0.2");
    }
    check_list(list, "192.0.2.1");
    snprintf(at, 16, ", 10.0.0.2");
    check_list(list, PROXY);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forwarded");
    TCase *tcase = tcase_create("forwarded");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, a_peer_that_is_not_trusted_speaks_for_itself);
    tcase_add_test(tcase, a_trusted_proxy_says_whose_request_it_is);
    tcase_add_test(tcase, without_a_list_the_request_is_the_proxys_own);
    tcase_add_test(tcase, the_name_may_have_any_case);
    tcase_add_test(tcase, the_right_most_address_that_is_no_proxys_counts);
    tcase_add_test(tcase, several_headers_are_one_list);
    tcase_add_test(tcase, where_all_are_trusted_the_first_of_them_counts);
    tcase_add_test(tcase, what_a_client_forges_on_the_left_is_not_even_read);
    tcase_add_test(tcase, a_malformed_address_that_counts_makes_it_the_proxys_own);
    tcase_add_test(tcase, a_port_may_stand_behind_an_address);
    tcase_add_test(tcase, blanks_around_an_address_do_not_matter);
    tcase_add_test(tcase, only_so_many_proxies_are_followed);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
