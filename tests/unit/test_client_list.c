/* SPDX-License-Identifier: MIT */
#include "gateway/client_list.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frame.h"
#include "gateway/outq.h"

#define CLIENTS 500

static struct session_env env;
static struct session sessions[CLIENTS];
static char names[CLIENTS][8];
static struct host host;
static struct client_list *list;

static void setup(void)
{
    env = (struct session_env){.now_ms = 100000, .wall_us = 900000000};
    ck_assert(host_parse("192.0.2.1", 9, &host));
    for (int i = 0; i < CLIENTS; i++) {
        snprintf(names[i], sizeof(names[i]), "c%d", i);
        sessions[i] = (struct session){.env = &env, .client_id = names[i]};
    }
}

static void teardown(void)
{
    client_list_destroy(list);
    list = NULL;
}

static void offer(const struct session *session, uint64_t connected_ms)
{
    const struct client_entry entry = {
        .session = session, .host = &host, .connected_ms = connected_ms, .sent = 7};
    client_list_offer(list, &entry);
}

/* What the list writes, until the next call. */
static const char *written(void)
{
    static char *text;
    static size_t len;
    free(text);
    FILE *file = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(file);
    client_list_write(list, file);
    ck_assert_int_eq(fclose(file), 0);
    return text;
}

/* The clients of the list in their order, as in "c1 c2 ". */
static const char *order(void)
{
    static char names_found[16 * CLIENTS];
    names_found[0] = '\0';
    static const char key[] = "\"client_id\":\"";
    size_t len = 0;
    for (const char *at = strstr(written(), key); at != NULL; at = strstr(at, key)) {
        at += sizeof(key) - 1;
        const size_t name = strcspn(at, "\"");
        memcpy(names_found + len, at, name);
        len += name;
        names_found[len++] = ' ';
        names_found[len] = '\0';
    }
    return names_found;
}

START_TEST(nobody_is_an_empty_list)
{
    list = client_list_create(3);
    ck_assert_str_eq(written(), "{\"total\":0,\"clients\":[]}\n");
}
END_TEST

START_TEST(a_client_is_written_with_all_that_is_known_of_it)
{
    list = client_list_create(1);
    struct session *session = &sessions[0];
    session->client_id = strdup("a \"b\"\\c");
    session->queue = (struct outq){.bytes = 300, .count = 0};
    session->blocked_since_ms = 98500;
    session->left_out = 4;
    session->client.held_count = 2;
    offer(session, 87654);
    ck_assert_str_eq(written(),
                     "{\"total\":1,\"clients\":[\n"
                     "{\"address\":\"192.0.2.1\",\"client_id\":\"a \\\"b\\\"\\\\c\","
                     "\"state\":\"open\",\"age_s\":12,\"queue_bytes\":300,"
                     "\"queue_frames\":0,\"oldest_ms\":0,\"blocked_ms\":1500,"
                     "\"topics\":2,\"sent\":7,\"conflated\":4}]}\n");
    free(session->client_id);
}
END_TEST

START_TEST(a_client_that_is_being_closed_is_called_so)
{
    list = client_list_create(1);
    sessions[0].state = SESSION_CLOSING;
    offer(&sessions[0], 0);
    ck_assert_ptr_nonnull(strstr(written(), "\"state\":\"closing\""));
}
END_TEST

START_TEST(the_age_of_what_waits_is_that_of_the_oldest_message)
{
    list = client_list_create(1);
    static const uint64_t made_us[] = {0, 899000000, 898500000, 899900000};
    const struct outq_limits limits = {.soft_bytes = 1000, .hard_bytes = 1000};
    struct outq *queue = &sessions[0].queue;
    for (size_t i = 0; i < sizeof(made_us) / sizeof(made_us[0]); i++) {
        struct frame *frame = frame_create(FRAME_TEXT, NULL, 0);
        ck_assert_ptr_nonnull(frame);
        frame->made_us = made_us[i];
        ck_assert_int_eq(outq_push(queue, frame, NULL, &limits), OUTQ_OK);
        frame_unref(frame);
    }
    offer(&sessions[0], 0);
    ck_assert_ptr_nonnull(strstr(written(), "\"queue_frames\":4,\"oldest_ms\":1500,"));
    env.wall_us = 1; /* the clock was set back */
    ck_assert_ptr_nonnull(strstr(written(), "\"oldest_ms\":0,"));
    outq_finish(queue);
}
END_TEST

START_TEST(those_with_more_bytes_waiting_come_first)
{
    list = client_list_create(5);
    sessions[1].queue.bytes = 10;
    sessions[2].queue.bytes = 30;
    sessions[3].queue.bytes = 20;
    for (int i = 0; i < 4; i++) {
        offer(&sessions[i], 0);
    }
    ck_assert_str_eq(order(), "c2 c3 c1 c0 ");
}
END_TEST

START_TEST(among_equals_those_that_take_nothing_for_longest_come_first)
{
    list = client_list_create(5);
    sessions[1].blocked_since_ms = 500;
    sessions[2].blocked_since_ms = 400;
    for (int i = 0; i < 5; i++) {
        offer(&sessions[i], i == 4 ? 1 : 2); /* and then who has been here longest */
    }
    const char *found = order();
    ck_assert_int_eq(strncmp(found, "c2 c1 c4 ", 9), 0);
}
END_TEST

START_TEST(of_many_only_the_worst_are_kept_whatever_their_order)
{
    for (int turn = 0; turn < 3; turn++) {
        client_list_destroy(list);
        list = client_list_create(4);
        for (size_t i = 0; i < CLIENTS; i++) {
            const size_t place = turn == 0   ? i
                                 : turn == 1 ? CLIENTS - 1 - i
                                             : i * 7 % 500;
            sessions[place].queue.bytes = place;
            offer(&sessions[place], 0);
        }
        ck_assert_int_eq(strncmp(written(), "{\"total\":500,", 13), 0);
        ck_assert_str_eq(order(), "c499 c498 c497 c496 ");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_list");
    TCase *tcase = tcase_create("client_list");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, nobody_is_an_empty_list);
    tcase_add_test(tcase, a_client_is_written_with_all_that_is_known_of_it);
    tcase_add_test(tcase, a_client_that_is_being_closed_is_called_so);
    tcase_add_test(tcase, the_age_of_what_waits_is_that_of_the_oldest_message);
    tcase_add_test(tcase, those_with_more_bytes_waiting_come_first);
    tcase_add_test(tcase, among_equals_those_that_take_nothing_for_longest_come_first);
    tcase_add_test(tcase, of_many_only_the_worst_are_kept_whatever_their_order);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
