/* SPDX-License-Identifier: MIT */
#include "feeder/backlog.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct backlog *backlog;

static void setup(void)
{
    backlog = backlog_create(3);
    ck_assert_ptr_nonnull(backlog);
}

static void teardown(void)
{
    backlog_destroy(backlog);
}

static void push(uint64_t id, uint64_t now_ms)
{
    char symbol[] = "BTC-USDT";
    char market[] = "CRYPTO";
    const struct tick tick = {.type = TOPIC_CRYPTO,
                              .symbol = symbol,
                              .symbol_len = 8,
                              .market = market,
                              .market_len = 6,
                              .price = {4200, 2},
                              .id = id};
    backlog_push(backlog, 5, &tick, now_ms);
    memset(symbol, 'x', sizeof(symbol));
    memset(market, 'x', sizeof(market));
}

static void assert_next(uint64_t id)
{
    const struct backlog_entry *entry = backlog_oldest(backlog);
    ck_assert_ptr_nonnull(entry);
    ck_assert_uint_eq(entry->tick.id, id);
    backlog_pop(backlog);
}

START_TEST(ticks_come_out_in_the_order_they_came)
{
    ck_assert_ptr_null(backlog_oldest(backlog));
    push(1, 10);
    push(2, 10);
    ck_assert_uint_eq(backlog_count(backlog), 2);
    assert_next(1);
    push(3, 20);
    assert_next(2);
    assert_next(3);
    ck_assert_ptr_null(backlog_oldest(backlog));
    ck_assert_uint_eq(backlog_count(backlog), 0);
    ck_assert_uint_eq(backlog_dropped(backlog), 0);
}
END_TEST

START_TEST(a_tick_is_kept_whole_with_its_texts)
{
    push(7, 10);
    const struct backlog_entry *entry = backlog_oldest(backlog);
    ck_assert_uint_eq(entry->owner, 5);
    ck_assert_int_eq(entry->tick.type, TOPIC_CRYPTO);
    ck_assert_int_eq(entry->tick.price.mantissa, 4200);
    ck_assert_int_eq(memcmp(entry->tick.symbol, "BTC-USDT", 8), 0);
    ck_assert_int_eq(memcmp(entry->tick.market, "CRYPTO", 6), 0);
}
END_TEST

START_TEST(a_tick_without_a_market_is_kept_too)
{
    const struct tick tick = {.symbol = "A", .symbol_len = 1, .id = 1};
    backlog_push(backlog, 0, &tick, 0);
    ck_assert_uint_eq(backlog_oldest(backlog)->tick.market_len, 0);
}
END_TEST

START_TEST(one_more_than_the_most_drops_the_oldest)
{
    for (uint64_t id = 1; id <= 5; id++) {
        push(id, 10);
    }
    ck_assert_uint_eq(backlog_count(backlog), 3);
    ck_assert_uint_eq(backlog_dropped(backlog), 2);
    assert_next(3);
    assert_next(4);
    assert_next(5);
}
END_TEST

START_TEST(what_came_before_a_time_is_forgotten)
{
    push(1, 10);
    push(2, 20);
    push(3, 30);
    backlog_forget(backlog, 10);
    ck_assert_uint_eq(backlog_count(backlog), 3);
    backlog_forget(backlog, 21);
    ck_assert_uint_eq(backlog_dropped(backlog), 2);
    assert_next(3);
    backlog_forget(backlog, 100);
    push(4, 100);
    assert_next(4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backlog");
    TCase *tcase = tcase_create("backlog");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, ticks_come_out_in_the_order_they_came);
    tcase_add_test(tcase, a_tick_is_kept_whole_with_its_texts);
    tcase_add_test(tcase, a_tick_without_a_market_is_kept_too);
    tcase_add_test(tcase, one_more_than_the_most_drops_the_oldest);
    tcase_add_test(tcase, what_came_before_a_time_is_forgotten);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
