/* SPDX-License-Identifier: MIT */
#include "gateway/origins.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ALLOWED "https://a.example, http://b.example:8080"

static struct request request;

static void come_from(const char *origin)
{
    request.headers[0] = (struct request_header){
        .name = {.bytes = "Origin", .len = 6},
        .value = {.bytes = origin, .len = strlen(origin)},
    };
    request.header_count = 1;
}

static void headers_are(const char *allowed, const char *expected)
{
    char headers[128];
    ck_assert_uint_eq(origins_headers(&request, allowed, headers, sizeof(headers)),
                      strlen(expected));
    ck_assert_str_eq(headers, expected);
}

START_TEST(without_a_list_every_page_may_read)
{
    headers_are("", "Access-Control-Allow-Origin: *\r\n");
    come_from("https://anywhere.example");
    ck_assert(origins_allow(&request, ""));
    headers_are("", "Access-Control-Allow-Origin: *\r\n");
}
END_TEST

START_TEST(a_page_of_the_list_is_named)
{
    come_from("http://b.example:8080");
    ck_assert(origins_allow(&request, ALLOWED));
    headers_are(ALLOWED, "Access-Control-Allow-Origin: http://b.example:8080\r\n"
                         "Vary: Origin\r\n");
}
END_TEST

START_TEST(another_page_is_not)
{
    static const char *const others[] = {"https://b.example",
                                         "http://a.example",
                                         "null",
                                         "https://a.example.evil",
                                         "https://a.exampl",
                                         "",
                                         "https://a.example, http://b.example:8080"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        come_from(others[i]);
        ck_assert_msg(!origins_allow(&request, ALLOWED), "%s", others[i]);
        headers_are(ALLOWED, "Vary: Origin\r\n");
    }
}
END_TEST

START_TEST(two_origins_are_none)
{
    come_from("https://a.example");
    request.headers[1] = request.headers[0];
    request.header_count = 2;
    ck_assert(!origins_allow(&request, ALLOWED));
    headers_are(ALLOWED, "Vary: Origin\r\n");
}
END_TEST

START_TEST(a_program_has_no_origin_and_is_allowed)
{
    request.header_count = 0;
    ck_assert(origins_allow(&request, ALLOWED));
    headers_are(ALLOWED, "Vary: Origin\r\n");
}
END_TEST

START_TEST(headers_that_do_not_fit_are_left_out)
{
    char small[16];
    come_from("https://a.example");
    ck_assert_uint_eq(origins_headers(&request, ALLOWED, small, sizeof(small)), 0);
    ck_assert_uint_eq(origins_headers(&request, "", small, sizeof(small)), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("origins");
    TCase *tcase = tcase_create("origins");
    tcase_add_test(tcase, without_a_list_every_page_may_read);
    tcase_add_test(tcase, a_page_of_the_list_is_named);
    tcase_add_test(tcase, another_page_is_not);
    tcase_add_test(tcase, two_origins_are_none);
    tcase_add_test(tcase, a_program_has_no_origin_and_is_allowed);
    tcase_add_test(tcase, headers_that_do_not_fit_are_left_out);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
