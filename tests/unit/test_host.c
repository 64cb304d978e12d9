/* SPDX-License-Identifier: MIT */
#include "gateway/host.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct host host_from(const char *text)
{
    struct host host;
    ck_assert_msg(host_parse(text, strlen(text), &host), "%s is no host", text);
    return host;
}

static void is_written(const char *text, const char *expected)
{
    const struct host host = host_from(text);
    char written[HOST_TEXT_MAX];
    host_format(written, &host);
    ck_assert_str_eq(written, expected);
}

START_TEST(addresses_of_both_families_are_read_and_written)
{
    is_written("192.0.2.1", "192.0.2.1");
    is_written("0.0.0.0", "0.0.0.0");
    is_written("255.255.255.255", "255.255.255.255");
    is_written("::", "::");
    is_written("::1", "::1");
    is_written("2001:DB8:0:0:0:0:0:7", "2001:db8::7");
    is_written("1111:2222:3333:4444:5555:6666:7777:8888",
               "1111:2222:3333:4444:5555:6666:7777:8888");
}
END_TEST

START_TEST(a_mapped_address_is_the_ipv4_address)
{
    const struct host mapped = host_from("::ffff:192.0.2.1");
    const struct host plain = host_from("192.0.2.1");
    ck_assert(host_is(&mapped, &plain));
    ck_assert(host_is_v4(&mapped));
    is_written("::ffff:c000:201", "192.0.2.1");
    const struct host compatible = host_from("::192.0.2.1");
    ck_assert(!host_is_v4(&compatible));
    ck_assert(!host_is(&compatible, &plain));
}
END_TEST

START_TEST(anything_else_is_no_address)
{
    static const char *const texts[] = {
        "",
        " ",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4:80",
        "[::1]",
        ":",
        ":::",
        "1::2::3",
        "fe80::1%eth0",
        "unknown",
        "localhost",
        "1.2.3.4/8",
        "-1.2.3.4",
        "0x7f.0.0.1",
        "12345::",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999",
        "::ffff:1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct host host;
        ck_assert_msg(!host_parse(texts[i], strlen(texts[i]), &host), "%s", texts[i]);
    }
    struct host host;
    ck_assert(!host_parse("1.2.3.4\0", 8, &host));
    ck_assert(!host_parse("::1\0x", 5, &host));
}
END_TEST

START_TEST(only_as_many_bytes_are_read_as_there_are)
{
    struct host host;
    ck_assert(host_parse("10.0.0.123", 8, &host));
    const struct host expected = host_from("10.0.0.1");
    ck_assert(host_is(&host, &expected));
}
END_TEST

START_TEST(a_peer_is_told_by_its_address_without_the_port)
{
    struct sockaddr_storage peer = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&peer;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(12345);
    v4->sin_addr.s_addr = htonl(0x0a010203);
    const struct host of_v4 = host_of_peer(&peer);
    const struct host expected_v4 = host_from("10.1.2.3");
    ck_assert(host_is(&of_v4, &expected_v4));

    struct sockaddr_storage peer6 = {0};
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&peer6;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(12345);
    ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:10.1.2.3", &v6->sin6_addr), 1);
    const struct host of_v6 = host_of_peer(&peer6);
    ck_assert(host_is(&of_v6, &expected_v4));
}
END_TEST

START_TEST(a_peer_of_another_kind_is_the_unspecified_host)
{
    const struct sockaddr_storage peer = {.ss_family = AF_UNIX};
    const struct host host = host_of_peer(&peer);
    const struct host nobody = host_from("::");
    ck_assert(host_is(&host, &nobody));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("host");
    TCase *tcase = tcase_create("host");
    tcase_add_test(tcase, addresses_of_both_families_are_read_and_written);
    tcase_add_test(tcase, a_mapped_address_is_the_ipv4_address);
    tcase_add_test(tcase, anything_else_is_no_address);
    tcase_add_test(tcase, only_as_many_bytes_are_read_as_there_are);
    tcase_add_test(tcase, a_peer_is_told_by_its_address_without_the_port);
    tcase_add_test(tcase, a_peer_of_another_kind_is_the_unspecified_host);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
