/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "gateway/places.h"

/* Standard streams, event loop, listeners, Redis, resolver, libwebsockets: measured 16.
 */
#define OTHERS_NEEDED 16

START_TEST(too_few_descriptors_are_refused)
{
    struct places places;
    ck_assert(!places_share_out(PLACES_FILES_MIN - 1, &places));
    ck_assert(places_share_out(PLACES_FILES_MIN, &places));
}
END_TEST

START_TEST(all_connections_together_leave_descriptors_for_the_rest)
{
    for (size_t files = PLACES_FILES_MIN; files < 30000; files++) {
        struct places places;
        ck_assert(places_share_out(files, &places));
        const size_t taken = places.clients + places.visitors + 2 * places.pages;
        ck_assert_uint_ge(files - taken, OTHERS_NEEDED);
        ck_assert_uint_ge(places.clients, files / 2 - 16);
        ck_assert_uint_ge(places.visitors, 1);
        ck_assert_uint_ge(places.pages, 1);
    }
}
END_TEST

START_TEST(with_many_descriptors_nearly_all_are_for_clients)
{
    struct places places;
    ck_assert(places_share_out(20000, &places));
    ck_assert_uint_eq(places.clients, 20000 - 448);
    ck_assert_uint_eq(places.visitors, PLACES_VISITORS_MAX);
    ck_assert_uint_eq(places.pages, PLACES_PAGES_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("places");
    TCase *tcase = tcase_create("places");
    tcase_add_test(tcase, too_few_descriptors_are_refused);
    tcase_add_test(tcase, all_connections_together_leave_descriptors_for_the_rest);
    tcase_add_test(tcase, with_many_descriptors_nearly_all_are_for_clients);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
