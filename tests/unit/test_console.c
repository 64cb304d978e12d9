/* SPDX-License-Identifier: MIT */
#include "gateway/console.h"

#include <check.h>
#include <stdlib.h>

/* Stands in for the table that the build makes. */
const struct console_file console_files[] = {
    {.path = "/page", .content_type = "text/html; charset=utf-8", .etag = "\"1\""},
    {.path = "/page.js",
     .content_type = "text/javascript; charset=utf-8",
     .etag = "\"2\""},
    {.path = NULL},
};

START_TEST(a_file_is_found_by_its_whole_path)
{
    ck_assert_ptr_eq(console_find("/page"), &console_files[0]);
    ck_assert_ptr_eq(console_find("/page.js"), &console_files[1]);
}
END_TEST

START_TEST(what_is_not_in_the_table_is_not_found)
{
    static const char *const paths[] = {
        "", "/", "page", "/pag", "/page/", "/page.j", "/PAGE", "/../page", "/page.js "};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        ck_assert_ptr_null(console_find(paths[i]));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("console");
    TCase *tcase = tcase_create("console");
    tcase_add_test(tcase, a_file_is_found_by_its_whole_path);
    tcase_add_test(tcase, what_is_not_in_the_table_is_not_found);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
