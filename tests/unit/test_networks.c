/* SPDX-License-Identifier: MIT */
#include "gateway/networks.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct networks networks;

static void parse(const char *text)
{
    const char *why = NULL;
    ck_assert_msg(networks_parse(text, &networks, &why), "%s: %s", text, why);
}

static bool has(const char *text)
{
    struct host host;
    ck_assert_msg(host_parse(text, strlen(text), &host), "%s is no host", text);
    return networks_contain(&networks, &host);
}

START_TEST(no_text_is_no_network)
{
    parse("");
    ck_assert_uint_eq(networks.count, 0);
    parse("  ");
    ck_assert_uint_eq(networks.count, 0);
    ck_assert(!has("127.0.0.1"));
    ck_assert(!has("::"));
}
END_TEST

START_TEST(a_host_is_in_the_network_that_shares_its_first_bits)
{
    parse("10.0.0.0/8,172.16.0.0/12,2001:db8::/33,192.0.2.128/25");
    ck_assert(has("10.0.0.0"));
    ck_assert(has("10.255.255.255"));
    ck_assert(!has("11.0.0.0"));
    ck_assert(!has("9.255.255.255"));
    ck_assert(has("172.16.0.1"));
    ck_assert(has("172.31.255.255"));
    ck_assert(!has("172.32.0.0"));
    ck_assert(!has("172.15.255.255"));
    ck_assert(has("2001:db8::"));
    ck_assert(has("2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"));
    ck_assert(!has("2001:db8:8000::"));
    ck_assert(has("192.0.2.128"));
    ck_assert(!has("192.0.2.127"));
}
END_TEST

START_TEST(an_address_without_a_slash_is_a_network_of_one)
{
    parse("192.168.7.1, ::1");
    ck_assert(has("192.168.7.1"));
    ck_assert(!has("192.168.7.0"));
    ck_assert(!has("192.168.7.2"));
    ck_assert(has("::1"));
    ck_assert(!has("::"));
    ck_assert(!has("::2"));
}
END_TEST

START_TEST(a_network_of_no_bits_has_all_of_its_family_and_only_these)
{
    parse("0.0.0.0/0");
    ck_assert(has("0.0.0.0"));
    ck_assert(has("255.255.255.255"));
    ck_assert(has("::ffff:1.2.3.4"));
    ck_assert(!has("::"));
    ck_assert(!has("2001:db8::1"));
    parse("::/0");
    ck_assert(has("::"));
    ck_assert(has("2001:db8::1"));
    ck_assert(!has("1.2.3.4"));
    ck_assert(!has("::ffff:1.2.3.4"));
}
END_TEST

START_TEST(mapped_hosts_and_mapped_networks_are_ipv4)
{
    parse("10.0.0.0/8");
    ck_assert(has("::ffff:10.1.2.3"));
    parse("::ffff:10.0.0.0/104");
    ck_assert(has("10.1.2.3"));
    ck_assert(!has("11.1.2.3"));
    parse("::ffff:10.1.2.3");
    ck_assert(has("10.1.2.3"));
}
END_TEST

START_TEST(blanks_may_stand_around_the_commas)
{
    parse(" 10.0.0.0/8 ,\t::1 , 192.0.2.1\t");
    ck_assert_uint_eq(networks.count, 3);
    ck_assert(has("192.0.2.1"));
}
END_TEST

START_TEST(what_is_not_well_written_is_refused_with_a_reason)
{
    static const char *const texts[] = {
        ",",           "10.0.0.0/8,",  ",10.0.0.0/8",  "10.0.0.0/8,,::1",
        "10.0.0.0/",   "10.0.0.0/33",  "::/129",       "10.0.0.0/-1",
        "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.0/8x",  "10.0.0.0 / 8",
        "10.0.0.0/ 8", "/8",           "10/8",         "10.0.0/8",
        "localhost",   "[::1]",        "::1 ::2",      "10.0.0.0/8;::1",
        "fe80::1%lo",  "10.0.0.0/1e1", "10.0.0.0/999", "10.0.0.0/4294967304"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *why = NULL;
        ck_assert_msg(!networks_parse(texts[i], &networks, &why), "%s", texts[i]);
        ck_assert_msg(why != NULL && why[0] != '\0', "%s", texts[i]);
    }
}
END_TEST

START_TEST(bits_behind_the_prefix_are_refused)
{
    static const char *const texts[] = {"10.0.0.1/8",     "10.128.0.0/8",  "0.0.0.1/0",
                                        "2001:db8::1/64", "172.17.0.0/12", "::1/127"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *why = NULL;
        ck_assert_msg(!networks_parse(texts[i], &networks, &why), "%s", texts[i]);
        ck_assert_str_eq(why, "an address has bits set behind its prefix");
    }
}
END_TEST

START_TEST(there_may_be_so_many_and_no_more)
{
    char text[(NETWORKS_MAX + 1) * 12] = "";
    char *at = text;
    for (int i = 0; i < NETWORKS_MAX; i++) {
        at += snprintf(at, 12, "%s10.0.0.%d", i == 0 ? "" : ",", i);
    }
    parse(text);
    ck_assert_uint_eq(networks.count, NETWORKS_MAX);
    ck_assert(has("10.0.0.63"));
    snprintf(at, 12, ",10.0.0.64");
    const char *why = NULL;
    ck_assert(!networks_parse(text, &networks, &why));
    ck_assert_str_eq(why, "there are too many of them");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("networks");
    TCase *tcase = tcase_create("networks");
    tcase_add_test(tcase, no_text_is_no_network);
    tcase_add_test(tcase, a_host_is_in_the_network_that_shares_its_first_bits);
    tcase_add_test(tcase, an_address_without_a_slash_is_a_network_of_one);
    tcase_add_test(tcase, a_network_of_no_bits_has_all_of_its_family_and_only_these);
    tcase_add_test(tcase, mapped_hosts_and_mapped_networks_are_ipv4);
    tcase_add_test(tcase, blanks_may_stand_around_the_commas);
    tcase_add_test(tcase, what_is_not_well_written_is_refused_with_a_reason);
    tcase_add_test(tcase, bits_behind_the_prefix_are_refused);
    tcase_add_test(tcase, there_may_be_so_many_and_no_more);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
