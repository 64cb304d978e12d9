/* SPDX-License-Identifier: MIT */
#include "gateway/addresses.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct addresses *table;

static void setup(void)
{
    table = addresses_create();
    ck_assert_ptr_nonnull(table);
}

static void teardown(void)
{
    addresses_destroy(table);
}

static struct host host_from(const char *text)
{
    struct host host;
    ck_assert(host_parse(text, strlen(text), &host));
    return host;
}

static struct address *enter(const char *text)
{
    const struct host host = host_from(text); /* which may vanish after the call */
    struct address *address = addresses_enter(table, &host);
    ck_assert_ptr_nonnull(address);
    return address;
}

static size_t count(const char *text)
{
    const struct host host = host_from(text);
    return addresses_count(table, &host);
}

START_TEST(an_unknown_address_has_no_clients)
{
    ck_assert_uint_eq(count("127.0.0.1"), 0);
}
END_TEST

START_TEST(clients_of_one_address_are_counted_together)
{
    struct address *first = enter("127.0.0.1");
    struct address *second = enter("127.0.0.1");
    ck_assert_ptr_eq(first, second);
    ck_assert_uint_eq(count("127.0.0.1"), 2);
    addresses_leave(table, first);
    ck_assert_uint_eq(count("127.0.0.1"), 1);
    addresses_leave(table, second);
    ck_assert_uint_eq(count("127.0.0.1"), 0);
}
END_TEST

START_TEST(addresses_differ_by_each_byte)
{
    struct address *first = enter("127.0.0.1");
    ck_assert_uint_eq(count("127.0.0.2"), 0);
    ck_assert_uint_eq(count("126.0.0.1"), 0);
    ck_assert_uint_eq(count("::127.0.0.1"), 0);
    struct address *other = enter("2001:db8::1");
    ck_assert_uint_eq(count("2001:db8::2"), 0);
    ck_assert_uint_eq(count("2001:db9::1"), 0);
    ck_assert_uint_eq(count("2001:db8::1"), 1);
    addresses_leave(table, other);
    addresses_leave(table, first);
}
END_TEST

START_TEST(many_addresses_are_kept_apart)
{
    enum { ADDRESSES = 2000 };
    static struct address *known[ADDRESSES];
    char text[HOST_TEXT_MAX];
    for (size_t i = 0; i < ADDRESSES; i++) {
        snprintf(text, sizeof(text), "10.0.%zu.%zu", i / 256, i % 256);
        known[i] = enter(text);
    }
    for (size_t i = 0; i < ADDRESSES; i += 2) {
        addresses_leave(table, known[i]);
    }
    for (size_t i = 0; i < ADDRESSES; i++) {
        snprintf(text, sizeof(text), "10.0.%zu.%zu", i / 256, i % 256);
        ck_assert_uint_eq(count(text), i % 2);
    }
    for (size_t i = 1; i < ADDRESSES; i += 2) {
        addresses_leave(table, known[i]);
    }
}
END_TEST

START_TEST(nothing_may_be_given_back_or_destroyed)
{
    addresses_leave(table, NULL);
    addresses_destroy(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("addresses");
    TCase *tcase = tcase_create("addresses");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_unknown_address_has_no_clients);
    tcase_add_test(tcase, clients_of_one_address_are_counted_together);
    tcase_add_test(tcase, addresses_differ_by_each_byte);
    tcase_add_test(tcase, many_addresses_are_kept_apart);
    tcase_add_test(tcase, nothing_may_be_given_back_or_destroyed);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
