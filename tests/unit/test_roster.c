/* SPDX-License-Identifier: MIT */
#include "feeder/roster.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct roster *roster;
static const char *asked[8];
static const struct roster_part all = {0, 4};

static void setup(void)
{
    roster = roster_create("D,b,C,a");
    ck_assert_ptr_nonnull(roster);
}

static void teardown(void)
{
    roster_destroy(roster);
}

static enum roster_state state(const char *text)
{
    const struct roster_symbol *symbol = roster_find(roster, text, strlen(text));
    ck_assert_ptr_nonnull(symbol);
    return symbol->state;
}

START_TEST(a_list_is_of_symbols_fit_for_topics)
{
    ck_assert_ptr_null(roster_check("BTCUSDT"));
    ck_assert_ptr_null(roster_check("BTC-USD,ETH-USD"));
    ck_assert_ptr_null(roster_check("BTC/USD,ETH/USD"));
    static const char *const bad[] = {"",    ",",    "a,",        ",a", "a,,b",
                                      "a b", "a, b", "b\xc3\xa4", ".a", "A,b,a"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(roster_check(bad[i]) != NULL, "%s", bad[i]);
    }
    ck_assert_ptr_null(roster_check("abcdefghijklmnopqrstuvwxyz012345"));
    ck_assert_ptr_nonnull(roster_check("abcdefghijklmnopqrstuvwxyz0123456"));
}
END_TEST

START_TEST(a_list_has_a_longest)
{
    static char list[ROSTER_MAX * 8];
    size_t used = 0;
    for (int i = 0; i < ROSTER_MAX; i++) {
        used += (size_t)sprintf(list + used, "%sS%d", i == 0 ? "" : ",", i);
    }
    ck_assert_ptr_null(roster_check(list));
    memcpy(list + used, ",X", 3);
    ck_assert_ptr_nonnull(roster_check(list));
}
END_TEST

START_TEST(symbols_are_found_however_the_venue_writes_them)
{
    ck_assert_uint_eq(roster_count(roster), 4);
    ck_assert_str_eq(roster_find(roster, "B", 1)->text, "b");
    ck_assert_str_eq(roster_find(roster, "dxx", 1)->text, "D");
    ck_assert_ptr_null(roster_find(roster, "e", 1));
    ck_assert_ptr_null(roster_find(roster, "", 0));
    char text[100] = "a";
    ck_assert_ptr_null(roster_find(roster, text, sizeof(text)));
}
END_TEST

START_TEST(batches_are_asked_for_and_answered)
{
    ck_assert_uint_eq(roster_ask(roster, all, 1, 3, asked), 3);
    ck_assert_str_eq(asked[0], "a");
    ck_assert_str_eq(asked[2], "C");
    ck_assert_uint_eq(roster_ask(roster, all, 2, 3, asked), 1);
    ck_assert_uint_eq(roster_ask(roster, all, 3, 3, asked), 0);
    roster_accept(roster, all, 0); /* the oldest */
    ck_assert_int_eq(state("a"), ROSTER_LIVE);
    ck_assert_int_eq(state("D"), ROSTER_ASKED);
    roster_accept(roster, all, 2);
    ck_assert_uint_eq(roster_tally(roster, all, ROSTER_LIVE), 4);
    roster_restart(roster, all);
    ck_assert_uint_eq(roster_tally(roster, all, ROSTER_WANTED), 4);
}
END_TEST

START_TEST(parts_do_not_touch_each_other)
{
    const struct roster_part first = {0, 2};
    const struct roster_part second = {2, 4};
    ck_assert_uint_eq(roster_ask(roster, first, 1, 8, asked), 2);
    ck_assert_uint_eq(roster_ask(roster, second, 2, 8, asked), 2);
    roster_accept(roster, second, 0);
    ck_assert_uint_eq(roster_tally(roster, first, ROSTER_ASKED), 2);
    ck_assert_uint_eq(roster_tally(roster, second, ROSTER_LIVE), 2);
    roster_restart(roster, first);
    ck_assert_uint_eq(roster_tally(roster, all, ROSTER_LIVE), 2);
}
END_TEST

START_TEST(a_refused_batch_is_asked_for_one_by_one)
{
    roster_ask(roster, all, 1, 2, asked);
    roster_ask(roster, all, 2, 2, asked);
    ck_assert_ptr_null(roster_refuse(roster, all, 1));
    ck_assert_uint_eq(roster_ask(roster, all, 3, 8, asked), 1);
    ck_assert_str_eq(asked[0], "a");
    ck_assert_uint_eq(roster_ask(roster, all, 4, 8, asked), 1);
    ck_assert_str_eq(asked[0], "b");
    ck_assert_uint_eq(roster_ask(roster, all, 5, 8, asked), 0);
    roster_accept(roster, all, 3);
    ck_assert_str_eq(roster_refuse(roster, all, 4)->text, "b");
    ck_assert_int_eq(state("a"), ROSTER_LIVE);
    ck_assert_int_eq(state("b"), ROSTER_REFUSED);
    ck_assert_int_eq(state("C"), ROSTER_ASKED);
    ck_assert_uint_eq(roster_ask(roster, all, 6, 8, asked), 0);
}
END_TEST

START_TEST(a_refused_symbol_may_spoil_its_batch)
{
    roster_ask(roster, all, 1, 3, asked);
    roster_refuse_one(roster, all, roster_find(roster, "b", 1), true);
    ck_assert_int_eq(state("b"), ROSTER_REFUSED);
    ck_assert_uint_eq(roster_ask(roster, all, 2, 8, asked), 3);
    roster_refuse_one(roster, all, roster_find(roster, "C", 1), false);
    ck_assert_int_eq(state("a"), ROSTER_ASKED);
    ck_assert_int_eq(state("C"), ROSTER_REFUSED);
}
END_TEST

START_TEST(answers_to_nothing_change_nothing)
{
    roster_accept(roster, all, 0);
    roster_accept(roster, all, 7);
    ck_assert_ptr_null(roster_refuse(roster, all, 0));
    ck_assert_ptr_null(roster_refuse(roster, all, 7));
    ck_assert_uint_eq(roster_ask(roster, all, 1, 8, asked), 4);
}
END_TEST

START_TEST(a_wider_step_between_ids_is_a_loss)
{
    struct roster_symbol *symbol = roster_find(roster, "a", 1);
    ck_assert(!roster_trade(symbol, 100)); /* the first */
    ck_assert(!roster_trade(symbol, 101));
    ck_assert(!roster_trade(symbol, 101)); /* the same again, */
    ck_assert(!roster_trade(symbol, 50));  /* and an old one */
    ck_assert(roster_trade(symbol, 105));
    ck_assert(!roster_trade(symbol, 106));
    ck_assert(roster_trade(symbol, 108));
    ck_assert_uint_eq(symbol->missed, 4);
    ck_assert_uint_eq(symbol->missed_from, 101);
    ck_assert_uint_eq(symbol->missed_to, 108);
    ck_assert_int_eq(symbol->state, ROSTER_LIVE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("roster");
    TCase *tcase = tcase_create("roster");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_list_is_of_symbols_fit_for_topics);
    tcase_add_test(tcase, a_list_has_a_longest);
    tcase_add_test(tcase, symbols_are_found_however_the_venue_writes_them);
    tcase_add_test(tcase, batches_are_asked_for_and_answered);
    tcase_add_test(tcase, parts_do_not_touch_each_other);
    tcase_add_test(tcase, a_refused_batch_is_asked_for_one_by_one);
    tcase_add_test(tcase, a_refused_symbol_may_spoil_its_batch);
    tcase_add_test(tcase, answers_to_nothing_change_nothing);
    tcase_add_test(tcase, a_wider_step_between_ids_is_a_loss);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
