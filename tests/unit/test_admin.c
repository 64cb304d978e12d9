/* SPDX-License-Identifier: MIT */
#include "gateway/admin.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/client_list.h"

static struct stats stats;
static struct admin_view view;

static void setup(void)
{
    stats = (struct stats){0};
    view = (struct admin_view){.stats = &stats};
}

static struct admin_page ask(const char *path, const char *query)
{
    struct request request = {.query = {.bytes = query, .len = strlen(query)}};
    request.path_len = strlen(path);
    memcpy(request.path, path, request.path_len + 1);
    return admin_answer(&request, &view);
}

static void answers(const char *path, unsigned status, const char *body)
{
    struct admin_page page = ask(path, "");
    ck_assert_ptr_nonnull(page.body);
    ck_assert_uint_eq(page.status, status);
    ck_assert_str_eq(page.body, body);
    ck_assert_uint_eq(page.len, strlen(body));
    ck_assert_str_eq(page.content_type, "text/plain; charset=utf-8");
    free(page.body);
}

START_TEST(healthz_says_alive_whatever_else_is_wrong)
{
    answers("/healthz", 200, "alive\n");
    view.gauges.draining = 1;
    answers("/healthz", 200, "alive\n");
}
END_TEST

START_TEST(readyz_says_ready_while_redis_is_connected)
{
    view.gauges.redis_connected = 1;
    answers("/readyz", 200, "ready\n");
}
END_TEST

START_TEST(readyz_says_why_it_is_not_ready)
{
    answers("/readyz", 503, "not ready: no connection to Redis\n");
    view.gauges.redis_connected = 1;
    view.gauges.draining = 1;
    answers("/readyz", 503, "not ready: draining\n");
    view.gauges.redis_connected = 0;
    answers("/readyz", 503, "not ready: draining\n");
}
END_TEST

START_TEST(metrics_are_what_stats_writes)
{
    char *expected = NULL;
    size_t expected_len = 0;
    view.gauges.connections = 7;
    stats.writes_total = 42;
    FILE *file = open_memstream(&expected, &expected_len);
    ck_assert_ptr_nonnull(file);
    stats_write(&stats, &view.gauges, file);
    ck_assert_int_eq(fclose(file), 0);

    struct admin_page page = ask("/metrics", "");
    ck_assert_uint_eq(page.status, 200);
    ck_assert_str_eq(page.content_type, "text/plain; version=0.0.4; charset=utf-8");
    ck_assert_uint_eq(page.len, expected_len);
    ck_assert_str_eq(page.body, expected);
    free(page.body);
    free(expected);
}
END_TEST

static size_t wanted(const char *path, const char *query)
{
    struct request request = {.query = {.bytes = query, .len = strlen(query)}};
    memcpy(request.path, path, strlen(path) + 1);
    return admin_clients_wanted(&request);
}

START_TEST(the_page_of_clients_shows_as_many_as_are_asked_for)
{
    ck_assert_uint_eq(wanted("/debug/clients", ""), 20);
    ck_assert_uint_eq(wanted("/debug/clients", "other=7"), 20);
    ck_assert_uint_eq(wanted("/debug/clients", "limit=1"), 1);
    ck_assert_uint_eq(wanted("/debug/clients", "a=b&limit=1000"), 1000);
    ck_assert_uint_eq(wanted("/metrics", "limit=5"), 0);
    view.clients = client_list_create(1);
    struct admin_page page = ask("/debug/clients", "limit=1");
    ck_assert_uint_eq(page.status, 200);
    ck_assert_str_eq(page.content_type, "application/json; charset=utf-8");
    ck_assert_str_eq(page.body, "{\"total\":0,\"clients\":[]}\n");
    free(page.body);
    client_list_destroy(view.clients);
}
END_TEST

START_TEST(a_number_of_clients_that_is_none_is_a_bad_request)
{
    static const char *const limits[] = {
        "limit=0",  "limit=1001", "limit=",     "limit=x",
        "limit=-1", "limit=5x",   "limit=%320", "limit=99999999999999999999999"};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        ck_assert_uint_eq(wanted("/debug/clients", limits[i]), 0);
        struct admin_page page = ask("/debug/clients", limits[i]);
        ck_assert_uint_eq(page.status, 400);
        ck_assert_str_eq(page.body, "limit is a number from 1 to 1000\n");
        free(page.body);
    }
}
END_TEST

START_TEST(any_other_path_is_a_404_that_names_those_there_are)
{
    static const char *const paths[] = {
        "",        "/",         "/healthz/", "/Healthz",
        "/health", "/healthzz", "healthz",   "/debug/clients/",
        "/debug",  "/metrics/", "//readyz",  "/api/v1/ws/x"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        answers(paths[i], 404,
                "not found: try /healthz, /readyz, /metrics or /debug/clients\n");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admin");
    TCase *tcase = tcase_create("admin");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, healthz_says_alive_whatever_else_is_wrong);
    tcase_add_test(tcase, readyz_says_ready_while_redis_is_connected);
    tcase_add_test(tcase, readyz_says_why_it_is_not_ready);
    tcase_add_test(tcase, metrics_are_what_stats_writes);
    tcase_add_test(tcase, the_page_of_clients_shows_as_many_as_are_asked_for);
    tcase_add_test(tcase, a_number_of_clients_that_is_none_is_a_bad_request);
    tcase_add_test(tcase, any_other_path_is_a_404_that_names_those_there_are);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
