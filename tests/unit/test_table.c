/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/table.h"

struct hash_case {
    const char *text;
    unsigned
        hash; /* as PYTHONHASHSEED=0 python3.11 -c 'hash(b"...")' has it: SipHash-1-3 */
};

static const struct hash_case hash_cases[] = {
    {"a", 0xb89b1813},
    {"stock.AA", 0xaa4c5805},
    {"stock.AAPL.1m", 0xade765b2},
    {"commodity.GOLD.15m.and.more", 0x98010232},
};

/* Without table_draw_key() the key is zero. */
START_TEST(the_hash_is_siphash_1_3)
{
    const struct hash_case *one = &hash_cases[_i];
    ck_assert_uint_eq(table_hash(one->text, strlen(one->text)), one->hash);
}
END_TEST

START_TEST(a_drawn_key_changes_every_hash)
{
    const struct hash_case *one = &hash_cases[_i];
    table_draw_key();
    const unsigned first = table_hash(one->text, strlen(one->text));
    ck_assert_uint_ne(first, one->hash);
    table_draw_key();
    ck_assert_uint_ne(table_hash(one->text, strlen(one->text)), first);
}
END_TEST

struct element {
    UT_hash_handle hh;
    int number;
};

START_TEST(what_is_added_is_found_again)
{
    table_draw_key();
    struct element elements[1000];
    struct element *table = NULL;
    for (int i = 0; i < 1000; i++) {
        elements[i] = (struct element){.number = i};
        HASH_ADD_INT(table, number, &elements[i]);
        ck_assert(TABLE_HAS(&elements[i]));
    }
    for (int i = 0; i < 1000; i++) {
        struct element *found;
        HASH_FIND_INT(table, &i, found);
        ck_assert_ptr_eq(found, &elements[i]);
    }
    HASH_CLEAR(hh, table);
}
END_TEST

int main(void)
{
    const int cases = (int)(sizeof(hash_cases) / sizeof(hash_cases[0]));
    Suite *suite = suite_create("table");
    TCase *tcase = tcase_create("table");
    tcase_add_loop_test(tcase, the_hash_is_siphash_1_3, 0, cases);
    tcase_add_loop_test(tcase, a_drawn_key_changes_every_hash, 0, cases);
    tcase_add_test(tcase, what_is_added_is_found_again);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
