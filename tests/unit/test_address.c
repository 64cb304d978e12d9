/* SPDX-License-Identifier: MIT */
#include "feeder/address.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct address address;

static void check_address(const char *text, bool tls, const char *host, unsigned port,
                          const char *path)
{
    ck_assert_ptr_null(address_parse(text, &address));
    ck_assert_int_eq(address.tls, tls);
    ck_assert_str_eq(address.host, host);
    ck_assert_uint_eq(address.port, port);
    ck_assert_str_eq(address.path, path);
}

START_TEST(an_address_is_taken_apart)
{
    check_address("wss://a.example:9443/stream?x=1", true, "a.example", 9443,
                  "/stream?x=1");
    check_address("wss://a.example", true, "a.example", 443, "/");
    check_address("WSS://a.example/", true, "a.example", 443, "/");
    check_address("wss://a.example:65535", true, "a.example", 65535, "/");
    check_address("wss://[2001:db8::1]:1/v2", true, "2001:db8::1", 1, "/v2");
}
END_TEST

START_TEST(without_tls_it_is_for_this_machine_only)
{
    check_address("ws://localhost:1234/x", false, "localhost", 1234, "/x");
    check_address("ws://127.0.0.1", false, "127.0.0.1", 80, "/");
    check_address("ws://127.9.9.9", false, "127.9.9.9", 80, "/");
    check_address("ws://[::1]/", false, "::1", 80, "/");
    ck_assert_ptr_nonnull(strstr(address_parse("ws://a.example/", &address), "wss://"));
    ck_assert_ptr_nonnull(address_parse("ws://128.0.0.1/", &address));
    ck_assert_ptr_nonnull(address_parse("ws://localhost.example/", &address));
    ck_assert_ptr_nonnull(address_parse("ws://127.0.0.1.example/", &address));
    ck_assert_ptr_nonnull(address_parse("ws://[::2]/", &address));
}
END_TEST

START_TEST(anything_else_is_refused)
{
    static const char *const bad[] = {
        "",
        "a.example",
        "https://a.example/",
        "wss://",
        "wss:///path",
        "wss://user@a.example/",
        "wss://a.example:0/",
        "wss://a.example:65536/",
        "wss://a.example:99999999999/",
        "wss://a.example:/",
        "wss://a.example:1x/",
        "wss://a.example?x",
        "wss://a.example/#part",
        "wss://a.example/a b",
        "wss://a.example/\n",
        "wss://a b/",
        "wss://[::1/",
        "wss://[a.example]/",
        "wss://::1/",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(address_parse(bad[i], &address) != NULL, "%s", bad[i]);
    }
}
END_TEST

START_TEST(host_and_path_have_a_longest)
{
    char text[1400] = "wss://";
    memset(text + 6, 'h', ADDRESS_HOST_MAX);
    ck_assert_ptr_null(address_parse(text, &address));
    text[6 + ADDRESS_HOST_MAX] = 'h';
    ck_assert_ptr_nonnull(address_parse(text, &address));
    memset(text, 0, sizeof(text));
    snprintf(text, sizeof(text), "wss://h/");
    memset(text + 8, 'p', ADDRESS_PATH_MAX - 1);
    ck_assert_ptr_null(address_parse(text, &address));
    text[8 + ADDRESS_PATH_MAX - 1] = 'p';
    ck_assert_ptr_nonnull(address_parse(text, &address));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address");
    TCase *tcase = tcase_create("address");
    tcase_add_test(tcase, an_address_is_taken_apart);
    tcase_add_test(tcase, without_tls_it_is_for_this_machine_only);
    tcase_add_test(tcase, anything_else_is_refused);
    tcase_add_test(tcase, host_and_path_have_a_longest);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
