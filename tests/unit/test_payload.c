/* SPDX-License-Identifier: MIT */
#include "feeder/payload.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct payload *open_text(const char *text)
{
    return payload_open(text, strlen(text));
}

START_TEST(members_are_read_by_their_kind)
{
    struct payload *payload =
        open_text("{\"price\":0.10,\"count\":3,\"at\":\"2025-09-22T05:16:02\","
                  "\"closed\":true,\"interval\":\"1m\"}");
    ck_assert_ptr_nonnull(payload);
    struct decimal price;
    uint64_t count;
    int64_t at_us;
    bool closed;
    ck_assert(payload_decimal(payload, "price", &price));
    ck_assert_int_eq(decimal_compare(price, (struct decimal){1, 1}), 0);
    ck_assert(payload_count(payload, "count", &count));
    ck_assert_uint_eq(count, 3);
    ck_assert(payload_time(payload, "at", &at_us));
    ck_assert_int_eq(at_us, INT64_C(1758518162000000));
    ck_assert(payload_flag(payload, "closed", &closed));
    ck_assert(closed);
    ck_assert(payload_is(payload, "interval", "1m"));
    ck_assert(!payload_is(payload, "interval", "1M"));
    payload_close(payload);
}
END_TEST

START_TEST(a_member_of_another_kind_or_none_leaves_the_value_alone)
{
    struct payload *payload = open_text("{\"text\":\"1\",\"number\":1,\"minus\":-1,"
                                        "\"big\":99999999999999999999,\"null\":null}");
    ck_assert_ptr_nonnull(payload);
    struct decimal price = {.mantissa = 7};
    uint64_t count = 7;
    int64_t at_us = 7;
    bool flag = true;
    static const char *const names[] = {"text", "minus", "big", "null", "none"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ck_assert(!payload_count(payload, names[i], &count));
        ck_assert(!payload_time(payload, names[i], &at_us));
        ck_assert(!payload_flag(payload, names[i], &flag));
        ck_assert(!payload_is(payload, names[i], "x"));
    }
    ck_assert(!payload_decimal(payload, "text", &price));
    ck_assert(!payload_decimal(payload, "null", &price));
    ck_assert(!payload_decimal(payload, "none", &price));
    ck_assert_int_eq(price.mantissa, 7);
    ck_assert_uint_eq(count, 7);
    ck_assert_int_eq(at_us, 7);
    ck_assert(flag);
    payload_close(payload);
}
END_TEST

START_TEST(what_is_no_flat_object_is_refused)
{
    static const char *const texts[] = {
        "",      "[]",          "1",       "{\"a\":1",
        "{} {}", "{\"a\":NaN}", "{'a':1}", "{\"a\":{\"b\":{\"c\":1}}}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_assert_msg(open_text(texts[i]) == NULL, "%s", texts[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("payload");
    TCase *tcase = tcase_create("payload");
    tcase_add_test(tcase, members_are_read_by_their_kind);
    tcase_add_test(tcase, a_member_of_another_kind_or_none_leaves_the_value_alone);
    tcase_add_test(tcase, what_is_no_flat_object_is_refused);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
