/* SPDX-License-Identifier: MIT */
#include "feeder/trust.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char error[256];

static bool check_file(const char *text)
{
    char path[] = "/tmp/test_trust.XXXXXX";
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    const bool good = trust_check_file(path, error, sizeof(error));
    unlink(path);
    return good;
}

START_TEST(a_file_of_certificates_has_one_at_least)
{
    ck_assert(check_file("-----BEGIN CERTIFICATE-----\nabc\n"));
    ck_assert(check_file("# of ours\n\n-----BEGIN TRUSTED CERTIFICATE-----\n"));
    ck_assert(!check_file(""));
    ck_assert(!check_file("-----BEGIN PRIVATE KEY-----\n"));
    ck_assert_ptr_nonnull(strstr(error, "--ca-file /tmp/test_trust."));
    ck_assert_ptr_nonnull(strstr(error, "no certificate in it"));
    ck_assert(!trust_check_file("/nonexistent", error, sizeof(error)));
    ck_assert_str_eq(error, "--ca-file /nonexistent: No such file or directory");
}
END_TEST

START_TEST(what_is_wrong_with_a_certificate_is_said_in_plain_words)
{
    ck_assert_str_eq(trust_explain("server's cert didn't look good, tls=hostname "
                                   "X509_V_ERR = 62: error:0000003E:lib(0)"),
                     "is for another host");
    ck_assert_str_eq(trust_explain("tls: hostname mismatch"), "is for another host");
    ck_assert_str_eq(trust_explain("cert didn't look good, X509_V_ERR = 10: x"),
                     "has expired");
    ck_assert_str_eq(trust_explain("tls: unable to get local issuer certificate"),
                     "is of an authority that is not trusted");
    ck_assert_ptr_null(trust_explain("Timed out waiting SSL"));
    ck_assert_ptr_null(trust_explain(""));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trust");
    TCase *tcase = tcase_create("trust");
    tcase_add_test(tcase, a_file_of_certificates_has_one_at_least);
    tcase_add_test(tcase, what_is_wrong_with_a_certificate_is_said_in_plain_words);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
