/* SPDX-License-Identifier: MIT
 *
 * Events into frames.
 */
#include "gateway/proto.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/json.h"
#include "common/topic.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TEXT_MAX ((size_t)1 << 17)
#define WALL_US  UINT64_C(1758518162800339)
#define STAMP    "'timestamp':'2025-09-22T05:16:02.800339'}"

/* The text with a double quote for every single one. */
static char *quoted(const char *text)
{
    char *copy = strdup(text);
    ck_assert_ptr_nonnull(copy);
    for (char *c = copy; *c != '\0'; c++) {
        *c = (char)(*c == '\'' ? '"' : *c);
    }
    return copy;
}

static struct proto_topic text_of(const char *text)
{
    return (struct proto_topic){.text = text, .len = strlen(text)};
}

/* Takes the payload out of a text frame, and gives the frame back. */
static const char *payload_of(struct frame *frame)
{
    static char payload[TEXT_MAX];
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(frame->refs, 1);
    ck_assert_uint_eq(frame->bytes[0], 0x80 | FRAME_TEXT);
    const size_t len = frame_payload(frame).len;
    ck_assert_uint_lt(len, TEXT_MAX);
    memcpy(payload, frame_payload(frame).bytes, len);
    payload[len] = '\0';
    ck_assert_uint_eq(strlen(payload), len);
    ck_assert_msg(json_is_object(payload, len), "%s", payload);
    frame_unref(frame);
    return payload;
}

static void says(struct frame *frame, const char *text)
{
    char *expected = quoted(text);
    ck_assert_str_eq(payload_of(frame), expected);
    free(expected);
}

static struct proto_request_id id_of(const char *json)
{
    struct proto_request_id id;
    id.len = (size_t)snprintf(id.json, sizeof(id.json), "%s", json);
    return id;
}

START_TEST(messages_about_the_client_carry_its_name)
{
    says(proto_connection_ack("your_client_id", WALL_US),
         "{'type':'connection_ack','client_id':'your_client_id'," STAMP);
    says(proto_heartbeat("客户", WALL_US),
         "{'type':'heartbeat','client_id':'客户'," STAMP);
    says(proto_connection_ack("a\"b\\c", WALL_US),
         "{'type':'connection_ack','client_id':'a\\'b\\\\c'," STAMP);
}
END_TEST

START_TEST(a_message_knows_the_time_that_its_timestamp_says)
{
    struct frame *frame = proto_heartbeat("a", WALL_US);
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(frame->made_us, WALL_US);
    frame_unref(frame);
}
END_TEST

START_TEST(the_longest_client_id_is_whole)
{
    char name[129] = "";
    char expected[256];
    memset(name, 'n', 128);
    snprintf(expected, sizeof(expected), "{'type':'heartbeat','client_id':'%s',%s", name,
             STAMP);
    says(proto_heartbeat(name, WALL_US), expected);
}
END_TEST

START_TEST(acknowledgements_carry_the_topic)
{
    const struct proto_topic topic = text_of("stock.AAPL.1m");
    says(proto_subscribe_ack(topic, PROTO_NOT_ASKED, NULL, WALL_US),
         "{'type':'subscribe_ack','topic':'stock.AAPL.1m'," STAMP);
    says(proto_unsubscribe_ack(topic, NULL, WALL_US),
         "{'type':'unsubscribe_ack','topic':'stock.AAPL.1m'," STAMP);
    says(proto_unsubscribe_ack(text_of("no \"topic\"\n"), NULL, WALL_US),
         "{'type':'unsubscribe_ack','topic':'no \\'topic\\'\\n'," STAMP);
}
END_TEST

START_TEST(only_what_a_since_asked_is_said_to_be_recovered_or_not)
{
    const struct proto_topic topic = text_of("stock.AAPL.1m");
    says(proto_subscribe_ack(topic, PROTO_RECOVERED, NULL, WALL_US),
         "{'type':'subscribe_ack','topic':'stock.AAPL.1m','recovered':true," STAMP);
    says(proto_subscribe_ack(topic, PROTO_NOT_RECOVERED, NULL, WALL_US),
         "{'type':'subscribe_ack','topic':'stock.AAPL.1m','recovered':false," STAMP);
}
END_TEST

START_TEST(a_pong_has_nothing_but_its_type)
{
    says(proto_pong(NULL, WALL_US), "{'type':'pong'," STAMP);
}
END_TEST

START_TEST(subscriptions_are_listed_in_the_order_given)
{
    const struct proto_topic topics[] = {text_of("crypto.BTC.5m"),
                                         text_of("stock.AAPL.1m")};
    says(proto_subscriptions_list(NULL, 0, NULL, WALL_US),
         "{'type':'subscriptions_list','subscriptions':[]," STAMP);
    says(proto_subscriptions_list(topics, 1, NULL, WALL_US),
         "{'type':'subscriptions_list','subscriptions':['crypto.BTC.5m']," STAMP);
    says(
        proto_subscriptions_list(topics, 2, NULL, WALL_US),
        "{'type':'subscriptions_list','subscriptions':['crypto.BTC.5m','stock.AAPL.1m']," STAMP);
}
END_TEST

START_TEST(a_list_may_hold_a_thousand_of_the_longest_topics)
{
    static const char longest[] = "market.12345678901234567890123456789012.summary";
    ck_assert_uint_eq(strlen(longest), TOPIC_MAX);
    static struct proto_topic topics[1024];
    for (size_t i = 0; i < COUNT(topics); i++) {
        topics[i] = text_of(longest);
    }
    const char *payload =
        payload_of(proto_subscriptions_list(topics, COUNT(topics), NULL, WALL_US));
    size_t count = 0;
    for (const char *at = payload; (at = strstr(at, longest)) != NULL; at++) {
        count++;
    }
    ck_assert_uint_eq(count, COUNT(topics));
}
END_TEST

START_TEST(errors_have_a_code_and_a_message)
{
    says(proto_error(PROTO_INVALID_TOPIC, "stock_data", 10, NULL, WALL_US),
         "{'type':'error','error_code':'invalid_topic','error_message':'无效的主题格式: "
         "stock_data'," STAMP);
    says(
        proto_error(PROTO_INVALID_MESSAGE, "type", 4, NULL, WALL_US),
        "{'type':'error','error_code':'invalid_message','error_message':'无效的消息格式: "
        "type'," STAMP);
    says(proto_error(PROTO_SUBSCRIPTION_FAILED, "why", 3, NULL, WALL_US),
         "{'type':'error','error_code':'subscription_failed','error_message':'订阅失败: "
         "why'," STAMP);
    says(
        proto_error(PROTO_RATE_LIMITED, "", 0, NULL, WALL_US),
        "{'type':'error','error_code':'rate_limited','error_message':'请求过于频繁'," STAMP);
}
END_TEST

START_TEST(every_answer_echoes_the_request_id_before_the_timestamp)
{
    const struct proto_request_id id = id_of("\"a\"");
    const struct proto_topic topic = text_of("t");
    says(proto_pong(&id, WALL_US), "{'type':'pong','request_id':'a'," STAMP);
    says(proto_subscribe_ack(topic, PROTO_NOT_ASKED, &id, WALL_US),
         "{'type':'subscribe_ack','topic':'t','request_id':'a'," STAMP);
    says(proto_subscribe_ack(topic, PROTO_RECOVERED, &id, WALL_US),
         "{'type':'subscribe_ack','topic':'t','recovered':true,'request_id':'a'," STAMP);
    says(proto_unsubscribe_ack(topic, &id, WALL_US),
         "{'type':'unsubscribe_ack','topic':'t','request_id':'a'," STAMP);
    says(proto_subscriptions_list(&topic, 1, &id, WALL_US),
         "{'type':'subscriptions_list','subscriptions':['t'],'request_id':'a'," STAMP);
    says(proto_error(PROTO_RATE_LIMITED, "", 0, &id, WALL_US),
         "{'type':'error','error_code':'rate_limited','error_message':'请求过于频繁',"
         "'request_id':'a'," STAMP);
    const struct proto_request_id number = id_of("-7");
    says(proto_pong(&number, WALL_US), "{'type':'pong','request_id':-7," STAMP);
    const struct proto_request_id none = id_of("");
    says(proto_pong(&none, WALL_US), "{'type':'pong'," STAMP);
}
END_TEST

/* The text of an invalid_topic error about `topic`, between the colon and the quote. */
static const char *echo_of(const char *topic, size_t len)
{
    static const char end[] = "\",\"timestamp\":\"2025-09-22T05:16:02.800339\"}";
    static char echo[TEXT_MAX];
    const char *payload =
        payload_of(proto_error(PROTO_INVALID_TOPIC, topic, len, NULL, WALL_US));
    const char *start = strstr(payload, ": ");
    ck_assert_ptr_nonnull(start);
    snprintf(echo, sizeof(echo), "%s", start + 2);
    ck_assert_uint_ge(strlen(echo), strlen(end));
    char *at = echo + strlen(echo) - strlen(end);
    ck_assert_str_eq(at, end);
    *at = '\0';
    return echo;
}

/* How much is echoed of this beginning and then this character over and over. */
static size_t echoed(const char *start, const char *c, size_t len)
{
    char text[256];
    size_t at = (size_t)snprintf(text, sizeof(text), "%s", start);
    for (size_t i = 0; at < len; i++) {
        text[at++] = c[i % strlen(c)];
    }
    return strlen(echo_of(text, len));
}

START_TEST(a_clients_text_is_cut_at_128_bytes_on_a_character)
{
    ck_assert_uint_eq(echoed("", "x", 128), 128);
    ck_assert_uint_eq(echoed("", "x", 129), 128);
    ck_assert_uint_eq(echoed("", "x", 200), 128);
    ck_assert_uint_eq(echoed("", "股", 126), 126);
    ck_assert_uint_eq(echoed("", "股", 129), 126);
    ck_assert_uint_eq(echoed("x", "股", 199), 127);
    ck_assert_uint_eq(echoed("", "😀", 200), 128);
    ck_assert_uint_eq(echoed("x", "😀", 201), 125);
}
END_TEST

START_TEST(an_unsubscribe_ack_cuts_what_is_no_topic_too)
{
    char text[200] = "";
    memset(text, 'x', sizeof(text) - 1);
    const size_t whole = strlen(payload_of(proto_unsubscribe_ack(
        (struct proto_topic){.text = text, .len = 128}, NULL, WALL_US)));
    const char *cut = payload_of(proto_unsubscribe_ack(text_of(text), NULL, WALL_US));
    ck_assert_uint_eq(strlen(cut), whole);
}
END_TEST

START_TEST(a_clients_text_is_escaped_and_mended)
{
    ck_assert_str_eq(echo_of("\"\\\n\0", 4), "\\\"\\\\\\n\\u0000");
    ck_assert_str_eq(echo_of("a\xff\xe8", 3), "a\xef\xbf\xbd\xef\xbf\xbd");
    ck_assert_str_eq(echo_of("", 0), "");
    char worst[128];
    memset(worst, '\1', sizeof(worst));
    ck_assert_uint_eq(strlen(echo_of(worst, sizeof(worst))), 6 * sizeof(worst));
}
END_TEST

START_TEST(data_passes_the_payload_byte_for_byte)
{
    static const char payload[] =
        "{ \"a\" : [1.50, 1e+2,\t\"\\u80a1股\\/\" ],\r\n\"a\":{}}";
    const struct feed_message message = {.payload = payload,
                                         .payload_len = sizeof(payload) - 1};
    char expected[256];
    snprintf(expected, sizeof(expected),
             "{\"type\":\"data\",\"topic\":\"stock.AAPL.1m\",\"data\":%s,"
             "\"timestamp\":\"2025-09-22T05:16:02.800339\"}",
             payload);
    ck_assert_str_eq(payload_of(proto_data(text_of("stock.AAPL.1m"), &message, WALL_US)),
                     expected);
}
END_TEST

START_TEST(sequenced_data_carries_its_id)
{
    struct feed_message message = {.sequenced = true,
                                   .id = {.ms = 1732283000123, .seq = 0},
                                   .payload = "{}",
                                   .payload_len = 2};
    says(
        proto_data(text_of("stock.AAPL.1m"), &message, WALL_US),
        "{'type':'data','topic':'stock.AAPL.1m','data':{},'id':'1732283000123-0'," STAMP);
    message.id = (struct feed_id){.ms = UINT64_MAX, .seq = UINT64_MAX};
    says(proto_data(text_of("t"), &message, WALL_US),
         "{'type':'data','topic':'t','data':{},"
         "'id':'18446744073709551615-18446744073709551615'," STAMP);
}
END_TEST

/* The snapshot of a message, encoded a second later. */
static struct frame *snapshot_of(const struct feed_message *message)
{
    struct frame *data = proto_data(text_of("stock.AAPL.1m"), message, WALL_US - 1000000);
    ck_assert_ptr_nonnull(data);
    struct frame *snapshot = proto_snapshot(data, WALL_US);
    frame_unref(data);
    return snapshot;
}

START_TEST(a_snapshot_is_the_message_with_a_mark_and_a_time_of_its_own)
{
    static char payload[70000];
    const struct feed_message message = {.sequenced = true,
                                         .id = {.ms = 1732283000123, .seq = 0},
                                         .payload = "{}",
                                         .payload_len = 2};
    says(snapshot_of(&message), "{'type':'data','topic':'stock.AAPL.1m','data':{},"
                                "'id':'1732283000123-0','snapshot':true," STAMP);
    static const size_t sizes[] = {20, 125, 126, 300, 65535, 65536, 69000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        snprintf(payload, sizeof(payload), "{\"a\":\"%0*d\"}", (int)sizes[i] - 8, 0);
        ck_assert_uint_eq(strlen(payload), sizes[i]);
        const struct feed_message longer = {.payload = payload, .payload_len = sizes[i]};
        const char *snapshot = payload_of(snapshot_of(&longer));
        const char *mark = strstr(snapshot, ",\"snapshot\":true,\"timestamp\":");
        ck_assert_ptr_nonnull(mark);
        ck_assert_mem_eq(mark - sizes[i], payload, sizes[i]);
    }
}
END_TEST

START_TEST(a_gap_names_the_topic_and_what_came_before_it)
{
    says(proto_gap(text_of("stock.AAPL.1m"), (struct feed_id){1732283000123, 4}, WALL_US),
         "{'type':'gap','topic':'stock.AAPL.1m','after':'1732283000123-4'," STAMP);
    says(proto_gap(text_of("t"), (struct feed_id){UINT64_MAX, UINT64_MAX}, WALL_US),
         "{'type':'gap','topic':'t',"
         "'after':'18446744073709551615-18446744073709551615'," STAMP);
}
END_TEST

START_TEST(what_concerns_the_whole_connection_names_no_topic)
{
    says(proto_conflated(42, WALL_US), "{'type':'conflated','dropped':42," STAMP);
    says(proto_conflated(UINT64_MAX, WALL_US),
         "{'type':'conflated','dropped':18446744073709551615," STAMP);
    says(proto_status(true, WALL_US), "{'type':'status','state':'degraded'," STAMP);
    says(proto_status(false, WALL_US), "{'type':'status','state':'live'," STAMP);
    says(proto_reconnect(1730, WALL_US), "{'type':'reconnect','after_ms':1730," STAMP);
    says(proto_reconnect(0, WALL_US), "{'type':'reconnect','after_ms':0," STAMP);
}
END_TEST

/* ---- timestamps ---------------------------------------------------------------------
 */

static const char *stamp_of(uint64_t wall_us)
{
    static char stamp[64];
    const char *payload = payload_of(proto_pong(NULL, wall_us));
    ck_assert_int_eq(
        sscanf(payload, "{\"type\":\"pong\",\"timestamp\":\"%63[^\"]", stamp), 1);
    return stamp;
}

START_TEST(timestamps_are_utc_with_six_digits_of_a_second)
{
    ck_assert_str_eq(stamp_of(0), "1970-01-01T00:00:00.000000");
    ck_assert_str_eq(stamp_of(1), "1970-01-01T00:00:00.000001");
    ck_assert_str_eq(stamp_of(999999), "1970-01-01T00:00:00.999999");
    ck_assert_str_eq(stamp_of(UINT64_C(951782399999999)), "2000-02-28T23:59:59.999999");
    ck_assert_str_eq(stamp_of(UINT64_C(951782400000000)), "2000-02-29T00:00:00.000000");
    ck_assert_str_eq(stamp_of(UINT64_C(4107542399999999)), "2100-02-28T23:59:59.999999");
    ck_assert_str_eq(stamp_of(UINT64_C(4107542400000000)), "2100-03-01T00:00:00.000000");
    ck_assert_str_eq(stamp_of(UINT64_C(253402300799999999)),
                     "9999-12-31T23:59:59.999999");
}
END_TEST

/* Every day's first and last second of four centuries, by the C library. */
START_TEST(timestamps_are_what_the_c_library_says)
{
    for (uint64_t day = 0; day < 146097 + 366; day++) {
        const time_t seconds = (time_t)(day * 86400 + (day % 2) * 86399);
        struct tm tm;
        char expected[64];
        gmtime_r(&seconds, &tm);
        const size_t len =
            strftime(expected, sizeof(expected), "\"%Y-%m-%dT%H:%M:%S.000123\"}", &tm);
        struct frame *frame = proto_pong(NULL, (uint64_t)seconds * 1000000 + 123);
        if (frame == NULL ||
            memcmp(frame->bytes + frame->len - len, expected, len) != 0) {
            ck_abort_msg("day %d: not %s", (int)day, expected);
        }
        frame_unref(frame);
    }
}
END_TEST

static void add_events(TCase *tcase)
{
    tcase_add_test(tcase, messages_about_the_client_carry_its_name);
    tcase_add_test(tcase, a_message_knows_the_time_that_its_timestamp_says);
    tcase_add_test(tcase, the_longest_client_id_is_whole);
    tcase_add_test(tcase, acknowledgements_carry_the_topic);
    tcase_add_test(tcase, only_what_a_since_asked_is_said_to_be_recovered_or_not);
    tcase_add_test(tcase, a_pong_has_nothing_but_its_type);
    tcase_add_test(tcase, subscriptions_are_listed_in_the_order_given);
    tcase_add_test(tcase, a_list_may_hold_a_thousand_of_the_longest_topics);
    tcase_add_test(tcase, errors_have_a_code_and_a_message);
    tcase_add_test(tcase, every_answer_echoes_the_request_id_before_the_timestamp);
    tcase_add_test(tcase, a_clients_text_is_cut_at_128_bytes_on_a_character);
    tcase_add_test(tcase, an_unsubscribe_ack_cuts_what_is_no_topic_too);
    tcase_add_test(tcase, a_clients_text_is_escaped_and_mended);
    tcase_add_test(tcase, data_passes_the_payload_byte_for_byte);
    tcase_add_test(tcase, sequenced_data_carries_its_id);
    tcase_add_test(tcase, a_snapshot_is_the_message_with_a_mark_and_a_time_of_its_own);
    tcase_add_test(tcase, a_gap_names_the_topic_and_what_came_before_it);
    tcase_add_test(tcase, what_concerns_the_whole_connection_names_no_topic);
    tcase_add_test(tcase, timestamps_are_utc_with_six_digits_of_a_second);
    tcase_add_test(tcase, timestamps_are_what_the_c_library_says);
}

int main(void)
{
    Suite *suite = suite_create("proto_events");
    TCase *tcase = tcase_create("proto_events");
    add_events(tcase);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
