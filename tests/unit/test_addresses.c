/* SPDX-License-Identifier: MIT */
#include "gateway/addresses.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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

static struct address *enter(const char *bytes, size_t len)
{
    struct address *address = addresses_enter(table, (const unsigned char *)bytes, len);
    ck_assert_ptr_nonnull(address);
    return address;
}

static size_t count(const char *bytes, size_t len)
{
    return addresses_count(table, (const unsigned char *)bytes, len);
}

START_TEST(an_unknown_address_has_no_clients)
{
    ck_assert_uint_eq(count("\x7f\0\0\1", 4), 0);
}
END_TEST

START_TEST(clients_of_one_address_are_counted_together)
{
    struct address *first = enter("\x7f\0\0\1", 4);
    struct address *second = enter("\x7f\0\0\1", 4);
    ck_assert_ptr_eq(first, second);
    ck_assert_uint_eq(count("\x7f\0\0\1", 4), 2);
    addresses_leave(table, first);
    ck_assert_uint_eq(count("\x7f\0\0\1", 4), 1);
    addresses_leave(table, second);
    ck_assert_uint_eq(count("\x7f\0\0\1", 4), 0);
}
END_TEST

START_TEST(addresses_differ_by_each_byte_and_by_length)
{
    struct address *first = enter("\x7f\0\0\1", 4);
    ck_assert_uint_eq(count("\x7f\0\0\2", 4), 0);
    ck_assert_uint_eq(count("\x7e\0\0\1", 4), 0);
    ck_assert_uint_eq(count("\x7f\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16), 0);
    struct address *longest = enter("\x7f\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    ck_assert_uint_eq(count("\x7f\0\0\1", 4), 1);
    ck_assert_uint_eq(count("\x7f\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16), 1);
    addresses_leave(table, longest);
    addresses_leave(table, first);
}
END_TEST

START_TEST(the_bytes_may_vanish_after_the_call)
{
    char bytes[4] = {10, 0, 0, 1};
    struct address *address = enter(bytes, sizeof(bytes));
    memset(bytes, 0, sizeof(bytes));
    ck_assert_uint_eq(count("\x0a\0\0\1", 4), 1);
    addresses_leave(table, address);
}
END_TEST

START_TEST(many_addresses_are_kept_apart)
{
    enum { ADDRESSES = 2000 };
    static struct address *known[ADDRESSES];
    for (size_t i = 0; i < ADDRESSES; i++) {
        const char bytes[] = {10, 0, (char)(i >> 8), (char)i};
        known[i] = enter(bytes, sizeof(bytes));
    }
    for (size_t i = 0; i < ADDRESSES; i += 2) {
        addresses_leave(table, known[i]);
    }
    for (size_t i = 0; i < ADDRESSES; i++) {
        const char bytes[] = {10, 0, (char)(i >> 8), (char)i};
        ck_assert_uint_eq(count(bytes, sizeof(bytes)), i % 2);
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

static void bytes_are(const struct sockaddr_storage *peer, const char *bytes, size_t len)
{
    size_t found_len = 0;
    const unsigned char *found = addresses_bytes(peer, &found_len);
    ck_assert_uint_eq(found_len, len);
    ck_assert_mem_eq(found, bytes, len);
    ck_assert(found > (const unsigned char *)peer);
    ck_assert(found + len <= (const unsigned char *)(peer + 1));
}

START_TEST(a_host_is_told_by_its_address_without_the_port)
{
    struct sockaddr_storage peer = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&peer;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(12345);
    v4->sin_addr.s_addr = htonl(0x0a010203);
    bytes_are(&peer, "\x0a\1\2\3", 4);

    struct sockaddr_storage peer6 = {0};
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&peer6;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(12345);
    ck_assert_int_eq(inet_pton(AF_INET6, "2001:db8::7", &v6->sin6_addr), 1);
    bytes_are(&peer6, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7", 16);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("addresses");
    TCase *tcase = tcase_create("addresses");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_unknown_address_has_no_clients);
    tcase_add_test(tcase, clients_of_one_address_are_counted_together);
    tcase_add_test(tcase, addresses_differ_by_each_byte_and_by_length);
    tcase_add_test(tcase, the_bytes_may_vanish_after_the_call);
    tcase_add_test(tcase, many_addresses_are_kept_apart);
    tcase_add_test(tcase, nothing_may_be_given_back_or_destroyed);
    tcase_add_test(tcase, a_host_is_told_by_its_address_without_the_port);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
