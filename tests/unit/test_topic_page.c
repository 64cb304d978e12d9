/* SPDX-License-Identifier: MIT */
#include "gateway/topic_page.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct topic_list *list;
static struct topic_page_state state;

static void setup(void)
{
    static const char *const topics[] = {"stock.A.1m", "stock.B.1m", "stock.C.1m",
                                         "crypto.BTC.1m", "crypto.ETH.1m"};
    list = topic_list_create(5);
    ck_assert_ptr_nonnull(list);
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        ck_assert(topic_list_add(list, topics[i], strlen(topics[i])));
    }
    topic_list_settle(list);
    state = (struct topic_page_state){.is_complete = true, .age_ms = 12};
}

static void teardown(void)
{
    topic_list_destroy(list);
}

static struct request request_for(const char *path, const char *query)
{
    return (struct request){.raw_path = {.bytes = path, .len = strlen(path)},
                            .query = {.bytes = query, .len = strlen(query)}};
}

static bool reads(const char *query, struct topic_page_query *out)
{
    const struct request request = request_for(TOPIC_PAGE_PATH, query);
    return topic_page_read(&request, out);
}

/* The page that a query gets, all but what is known of the whole. */
static void gets(const char *query, const char *expected)
{
    struct topic_page_query parsed;
    ck_assert_msg(reads(query, &parsed), "%s", query);
    size_t len = 0;
    char *body = topic_page_write(list, &parsed, &state, &len);
    ck_assert_ptr_nonnull(body);
    ck_assert_uint_eq(len, strlen(body));
    char *end = strstr(body, ",\"complete\"");
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    ck_assert_str_eq(body, expected);
    free(body);
}

START_TEST(only_the_path_itself_is_the_list)
{
    struct request request = request_for("/api/v1/topics", "");
    ck_assert(topic_page_is_asked(&request));
    static const char *const paths[] = {"/",
                                        "/api/v1/topics/",
                                        "/api/v1/topic",
                                        "/api/v1/Topics",
                                        "/api/v1/topics/x",
                                        "/api/v1/ws/topics",
                                        "//api/v1/topics",
                                        "/api/v1%2Ftopics"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        request = request_for(paths[i], "");
        ck_assert_msg(!topic_page_is_asked(&request), "%s", paths[i]);
    }
}
END_TEST

START_TEST(without_parameters_the_first_five_hundred_are_wanted)
{
    struct topic_page_query query;
    ck_assert(reads("", &query));
    ck_assert_uint_eq(query.limit, 500);
    ck_assert_uint_eq(query.prefix.len, 0);
    ck_assert_uint_eq(query.after.len, 0);
    ck_assert(reads("unknown=1&limit=7", &query));
    ck_assert_uint_eq(query.limit, 7);
}
END_TEST

START_TEST(parameters_are_decoded)
{
    struct topic_page_query query;
    ck_assert(reads("prefix=stock%2eA&after=futures.%5EGSPC.1m&limit=1000", &query));
    ck_assert_uint_eq(query.limit, 1000);
    ck_assert_uint_eq(query.prefix.len, 7);
    ck_assert_mem_eq(query.prefix.bytes, "stock.A", 7);
    ck_assert_uint_eq(query.after.len, 16);
    ck_assert_mem_eq(query.after.bytes, "futures.^GSPC.1m", 16);
}
END_TEST

START_TEST(a_parameter_that_is_not_what_it_may_be_is_refused)
{
    static const char *const queries[] = {
        "limit=0", "limit=1001", "limit=x",
        "limit=",  "limit=%31",  "limit=18446744073709551617",
        "after=%", "prefix=%2",  "prefix=%zz"};
    struct topic_page_query query;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        ck_assert_msg(!reads(queries[i], &query), "%s", queries[i]);
    }
}
END_TEST

START_TEST(texts_have_a_bound)
{
    char text[2048] = "after=";
    struct topic_page_query query;
    for (size_t i = 0; i < TOPIC_PAGE_TEXT; i++) {
        memcpy(text + 6 + 3 * i, "%41", 4);
    }
    ck_assert(reads(text, &query));
    ck_assert_uint_eq(query.after.len, TOPIC_PAGE_TEXT);
    memcpy(text + 6 + 3UL * TOPIC_PAGE_TEXT, "A", 2);
    ck_assert(!reads(text, &query));
    memset(text + 6, 'A', TOPIC_PAGE_TEXT + 1);
    text[6 + TOPIC_PAGE_TEXT + 1] = '\0';
    ck_assert(!reads(text, &query));
    text[6 + TOPIC_PAGE_TEXT] = '\0';
    ck_assert(reads(text, &query));
}
END_TEST

START_TEST(a_page_ends_with_where_the_next_one_begins)
{
    gets("limit=2", "{\"topics\":[\"crypto.BTC.1m\",\"crypto.ETH.1m\"],\"total\":5,"
                    "\"next\":\"crypto.ETH.1m\"");
    gets(
        "limit=2&after=crypto.ETH.1m",
        "{\"topics\":[\"stock.A.1m\",\"stock.B.1m\"],\"total\":5,\"next\":\"stock.B.1m\"");
    gets("limit=2&after=stock.B.1m",
         "{\"topics\":[\"stock.C.1m\"],\"total\":5,\"next\":null");
    gets("after=stock.C.1m", "{\"topics\":[],\"total\":5,\"next\":null");
    gets("limit=5", "{\"topics\":[\"crypto.BTC.1m\",\"crypto.ETH.1m\",\"stock.A.1m\","
                    "\"stock.B.1m\",\"stock.C.1m\"],\"total\":5,\"next\":null");
}
END_TEST

START_TEST(a_page_may_be_of_what_begins_with_a_text)
{
    gets("prefix=crypto.&limit=1",
         "{\"topics\":[\"crypto.BTC.1m\"],\"total\":2,\"next\":\"crypto.BTC.1m\"");
    gets("prefix=crypto.&after=crypto.BTC.1m",
         "{\"topics\":[\"crypto.ETH.1m\"],\"total\":2,\"next\":null");
    gets("prefix=crypto.&after=zzz", "{\"topics\":[],\"total\":2,\"next\":null");
    gets("prefix=stock.&after=crypto.BTC.1m&limit=1",
         "{\"topics\":[\"stock.A.1m\"],\"total\":3,\"next\":\"stock.A.1m\"");
    gets("prefix=futures.", "{\"topics\":[],\"total\":0,\"next\":null");
}
END_TEST

static void tells(const char *expected)
{
    struct topic_page_query query;
    ck_assert(reads("", &query));
    size_t len = 0;
    char *body = topic_page_write(list, &query, &state, &len);
    ck_assert_ptr_nonnull(body);
    const char *end = strstr(body, ",\"complete\"");
    ck_assert_ptr_nonnull(end);
    ck_assert_str_eq(end, expected);
    free(body);
}

START_TEST(a_page_tells_how_far_the_list_can_be_relied_on)
{
    tells(",\"complete\":true,\"truncated\":false,\"stale\":false,\"age_ms\":12}");
    state.is_complete = false;
    tells(",\"complete\":false,\"truncated\":false,\"stale\":false,\"age_ms\":12}");
    state = (struct topic_page_state){.is_complete = true, .is_stale = true};
    topic_list_cut(list);
    tells(",\"complete\":true,\"truncated\":true,\"stale\":true,\"age_ms\":0}");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("topic_page");
    TCase *tcase = tcase_create("topic_page");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, only_the_path_itself_is_the_list);
    tcase_add_test(tcase, without_parameters_the_first_five_hundred_are_wanted);
    tcase_add_test(tcase, parameters_are_decoded);
    tcase_add_test(tcase, a_parameter_that_is_not_what_it_may_be_is_refused);
    tcase_add_test(tcase, texts_have_a_bound);
    tcase_add_test(tcase, a_page_ends_with_where_the_next_one_begins);
    tcase_add_test(tcase, a_page_may_be_of_what_begins_with_a_text);
    tcase_add_test(tcase, a_page_tells_how_far_the_list_can_be_relied_on);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
