/* SPDX-License-Identifier: MIT */
#include "feeder/peer.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct peer peer;
static char text[PEER_TEXT_MAX + 1];

START_TEST(client_info_tells_id_and_address)
{
    ck_assert(peer_read_info(&peer, "id=7 addr=127.0.0.1:50614 laddr=127.0.0.1:6379 fd=8 "
                                    "name=chronofeed age=0"));
    ck_assert_str_eq(peer.id, "7");
    ck_assert_str_eq(peer.address, "127.0.0.1:50614");
}
END_TEST

START_TEST(other_answers_tell_nothing)
{
    char longer[400] = "id=7 addr=";
    memset(longer + 10, 'a', 300);
    memcpy(longer + 310, " laddr=x", 9);
    const char *const answers[] = {"",
                                   "id=7",
                                   "id=7 addr=1:2",
                                   "addr=1:2 laddr=3:4",
                                   "id=123456789012345678901 addr=1:2 laddr=3:4",
                                   longer};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        memcpy(peer.id, "7", 2);
        ck_assert_msg(!peer_read_info(&peer, answers[i]), "%s", answers[i]);
        ck_assert_str_eq(peer.id, "");
    }
}
END_TEST

START_TEST(what_is_written_reads_back)
{
    ck_assert(peer_parse(&peer, "18446744073709551615 [::1]:50614"));
    ck_assert_str_eq(peer.id, "18446744073709551615");
    ck_assert_str_eq(peer.address, "[::1]:50614");
    peer_format(text, &peer);
    ck_assert_str_eq(text, "18446744073709551615 [::1]:50614");
}
END_TEST

START_TEST(an_unknown_one_is_written_as_nothing)
{
    peer.id[0] = '\0';
    peer_format(text, &peer);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(other_texts_are_refused)
{
    char longer[200] = "7 ";
    memset(longer + 2, 'a', PEER_ADDRESS_MAX + 1);
    const char *const texts[] = {
        "", "7", " 1:2", "x 1:2", "7x 1:2", "123456789012345678901 1:2", longer};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_assert_msg(!peer_parse(&peer, texts[i]), "%s", texts[i]);
        ck_assert_str_eq(peer.id, "");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peer");
    TCase *tcase = tcase_create("peer");
    tcase_add_test(tcase, client_info_tells_id_and_address);
    tcase_add_test(tcase, other_answers_tell_nothing);
    tcase_add_test(tcase, what_is_written_reads_back);
    tcase_add_test(tcase, an_unknown_one_is_written_as_nothing);
    tcase_add_test(tcase, other_texts_are_refused);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
