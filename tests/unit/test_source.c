/* SPDX-License-Identifier: MIT */
#include "feeder/source.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct source_list sources;
static char error[SOURCE_ERROR_MAX];

static bool parse(const char *list, const char *file)
{
    const struct feeder_config config = {.source = list, .file = file};
    error[0] = '\0';
    return source_parse(&config, &sources, error);
}

START_TEST(a_list_names_kinds_in_their_order)
{
    ck_assert(parse("walk", ""));
    ck_assert_uint_eq(sources.count, 1);
    ck_assert_ptr_eq(sources.kinds[0], &walk_source);
    ck_assert(parse("replay,walk,stdin", "x.csv"));
    ck_assert_uint_eq(sources.count, 3);
    ck_assert_ptr_eq(sources.kinds[0], &replay_source);
    ck_assert_ptr_eq(sources.kinds[1], &walk_source);
    ck_assert_ptr_eq(sources.kinds[2], &stdin_source);
}
END_TEST

START_TEST(unknown_empty_and_repeated_names_are_refused)
{
    ck_assert(!parse("", ""));
    ck_assert(!parse("walk,", ""));
    ck_assert(!parse("wal", ""));
    ck_assert_str_eq(error, "--source wal: there is no such source");
    ck_assert(!parse("walk,walk", ""));
    ck_assert_str_eq(error, "--source walk: named twice");
}
END_TEST

START_TEST(replay_wants_a_file)
{
    ck_assert(!parse("replay", ""));
    ck_assert_str_eq(error, "--source replay: needs --file, a file of prices");
}
END_TEST

static const char *name(const char *list, const char *given, const char *file)
{
    static char out[FEED_NAME_MAX + 1];
    const struct feeder_config config = {.source = list, .name = given, .file = file};
    ck_assert(source_parse(&config, &sources, error));
    memset(out, '#', sizeof(out));
    source_name(&config, &sources, out);
    return out;
}

START_TEST(sources_make_the_name_of_the_lease)
{
    ck_assert_str_eq(name("walk", "", ""), "walk");
    ck_assert_str_eq(name("replay", "", "data/aapl.csv"), "replay:aapl.csv");
    ck_assert_str_eq(name("replay,walk", "", "aapl.csv"), "replay:aapl.csv+walk");
    ck_assert_str_eq(name("walk,stdin", "", ""), "walk");
    ck_assert_str_eq(name("stdin,walk", "", ""), "walk");
}
END_TEST

START_TEST(standard_input_has_no_name_of_its_own)
{
    ck_assert_str_eq(name("stdin", "", ""), "");
}
END_TEST

START_TEST(a_given_name_is_the_name)
{
    ck_assert_str_eq(name("stdin", "mine", ""), "mine");
    ck_assert_str_eq(name("replay,walk", "mine", "x.csv"), "mine");
}
END_TEST

START_TEST(a_name_that_is_too_long_is_cut)
{
    char file[2 * FEED_NAME_MAX];
    memset(file, 'x', sizeof(file) - 1);
    file[sizeof(file) - 1] = '\0';
    ck_assert_uint_eq(strlen(name("replay,walk", "", file)), FEED_NAME_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source");
    TCase *tcase = tcase_create("source");
    tcase_add_test(tcase, a_list_names_kinds_in_their_order);
    tcase_add_test(tcase, unknown_empty_and_repeated_names_are_refused);
    tcase_add_test(tcase, replay_wants_a_file);
    tcase_add_test(tcase, sources_make_the_name_of_the_lease);
    tcase_add_test(tcase, standard_input_has_no_name_of_its_own);
    tcase_add_test(tcase, a_given_name_is_the_name);
    tcase_add_test(tcase, a_name_that_is_too_long_is_cut);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
