/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/bar_page.h"

static struct request request;
static char head[REQUEST_MAX_BYTES];

static const struct request *ask(const char *target)
{
    size_t used;
    const int len = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\n\r\n", target);
    ck_assert_int_eq(request_parse(head, (size_t)len, &request, &used), REQUEST_OK);
    return &request;
}

static bool reads(const char *target, struct bar_page_query *out)
{
    ck_assert(bar_page_is_asked(ask(target)));
    return bar_page_read(&request, out);
}

static void check_written(const struct bar_page *page, const char *expected)
{
    size_t len;
    char *body = bar_page_write(page, &len);
    ck_assert_ptr_nonnull(body);
    ck_assert_str_eq(body, expected);
    ck_assert_uint_eq(len, strlen(expected));
    free(body);
}

static struct bar_page *page_of(size_t limit)
{
    const struct bar_page_query query = {
        .limit = limit, .len = 10, .topic = "stock.A.1m"};
    struct bar_page *page = bar_page_create(&query);
    ck_assert_ptr_nonnull(page);
    return page;
}

START_TEST(only_the_path_itself_asks_for_bars)
{
    ck_assert(bar_page_is_asked(ask("/api/v1/bars")));
    ck_assert(bar_page_is_asked(ask("/api/v1/bars?topic=x")));
    ck_assert(!bar_page_is_asked(ask("/api/v1/bars/")));
    ck_assert(!bar_page_is_asked(ask("/api/v1/bar")));
    ck_assert(!bar_page_is_asked(ask("/api/v1/topics")));
}
END_TEST

START_TEST(a_topic_has_to_be_named_and_a_limit_may_be)
{
    struct bar_page_query query;
    ck_assert(reads("/api/v1/bars?topic=stock.600519.SH.1d", &query));
    ck_assert_uint_eq(query.limit, BAR_PAGE_DEFAULT);
    ck_assert_uint_eq(query.len, 18);
    ck_assert_int_eq(memcmp(query.topic, "stock.600519.SH.1d", 18), 0);
    ck_assert(reads("/api/v1/bars?limit=1000&topic=stock.%5EGSPC.1d", &query));
    ck_assert_uint_eq(query.limit, BAR_PAGE_MAX);
    ck_assert_int_eq(memcmp(query.topic, "stock.^GSPC.1d", query.len), 0);
}
END_TEST

START_TEST(what_is_no_topic_or_no_limit_is_refused)
{
    static const char too_long[] =
        "?topic=market.123456789012345678901234567890123.summary";
    static const char *const queries[] = {"",
                                          "?topic=",
                                          "?limit=10",
                                          "?topic=stock.A",
                                          "?topic=stock.A.2m",
                                          "?topic=stock.A.1m%00",
                                          "?topic=stock.A.1m%zz",
                                          "?topic=stock.A.1m}:bars",
                                          "?topic=stock.A.1m&limit=0",
                                          "?topic=stock.A.1m&limit=1001",
                                          "?topic=stock.A.1m&limit=x",
                                          too_long};
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        char target[256];
        struct bar_page_query query;
        snprintf(target, sizeof(target), "/api/v1/bars%s", queries[i]);
        ck_assert_msg(!reads(target, &query), "%s", target);
    }
}
END_TEST

START_TEST(bars_come_out_as_they_are_and_the_oldest_first)
{
    struct bar_page *page = page_of(10);
    ck_assert(bar_page_add(page, "{\"n\": 3}", 8));
    ck_assert(bar_page_add(page, "{\"n\":2}", 7));
    ck_assert(bar_page_add(page, "{\"n\":1}", 7));
    check_written(page,
                  "{\"topic\":\"stock.A.1m\",\"bars\":[{\"n\":1},{\"n\":2},{\"n\": 3}]}");
    bar_page_destroy(page);
}
END_TEST

START_TEST(no_bars_are_an_empty_list)
{
    struct bar_page *page = page_of(10);
    check_written(page, "{\"topic\":\"stock.A.1m\",\"bars\":[]}");
    bar_page_destroy(page);
    bar_page_destroy(NULL);
}
END_TEST

START_TEST(bars_beyond_the_limit_are_left_out)
{
    struct bar_page *page = page_of(2);
    for (int i = 0; i < 5; i++) {
        char payload[2] = {(char)('5' - i), '\0'};
        ck_assert(bar_page_add(page, payload, 1));
    }
    check_written(page, "{\"topic\":\"stock.A.1m\",\"bars\":[4,5]}");
    bar_page_destroy(page);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bar_page");
    TCase *tcase = tcase_create("bar_page");
    tcase_add_test(tcase, only_the_path_itself_asks_for_bars);
    tcase_add_test(tcase, a_topic_has_to_be_named_and_a_limit_may_be);
    tcase_add_test(tcase, what_is_no_topic_or_no_limit_is_refused);
    tcase_add_test(tcase, bars_come_out_as_they_are_and_the_oldest_first);
    tcase_add_test(tcase, no_bars_are_an_empty_list);
    tcase_add_test(tcase, bars_beyond_the_limit_are_left_out);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
