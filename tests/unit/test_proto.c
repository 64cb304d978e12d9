/* SPDX-License-Identifier: MIT */
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

static struct proto_parser *parser;
static struct proto_request request;

static void setup(void)
{
    parser = proto_parser_create();
    ck_assert_ptr_nonnull(parser);
}

static void teardown(void)
{
    proto_parser_destroy(parser);
}

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

/* ---- requests -----------------------------------------------------------------------
 */

/* Parses text in memory of exactly its size, so that a read beyond it is an error. */
static const char *parse_bytes(const char *text, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, len);
    const char *fault = proto_parse(parser, copy, len, &request);
    free(copy);
    return fault;
}

static const char *parse(const char *text)
{
    char *message = quoted(text);
    const char *fault = parse_bytes(message, strlen(message));
    free(message);
    return fault;
}

static void parse_well(const char *text)
{
    const char *fault = parse(text);
    ck_assert_msg(fault == NULL, "%s: %s", text, fault);
}

static void parse_badly(const char *text, const char *fault)
{
    const char *found = parse(text);
    ck_assert_msg(found != NULL, "accepted: %s", text);
    ck_assert_str_eq(found, fault);
}

static void id_is(const char *json)
{
    char *expected = quoted(json);
    ck_assert_uint_eq(request.id.len, strlen(expected));
    ck_assert_mem_eq(request.id.json, expected, request.id.len);
    free(expected);
}

static void topic_is(size_t index, const char *text, size_t len)
{
    ck_assert_uint_lt(index, request.topic_count);
    ck_assert_uint_eq(request.topics[index].len, len);
    ck_assert_mem_eq(request.topics[index].text, text, len);
}

START_TEST(the_five_types_are_known)
{
    parse_well("{'type':'subscribe','topic':'a'}");
    ck_assert_int_eq(request.kind, PROTO_SUBSCRIBE);
    parse_well("{'type':'unsubscribe','topic':'a'}");
    ck_assert_int_eq(request.kind, PROTO_UNSUBSCRIBE);
    parse_well("{'type':'ping'}");
    ck_assert_int_eq(request.kind, PROTO_PING);
    parse_well("{'type':'get_subscriptions'}");
    ck_assert_int_eq(request.kind, PROTO_GET_SUBSCRIPTIONS);
    parse_well("{'type':'heartbeat_response'}");
    ck_assert_int_eq(request.kind, PROTO_HEARTBEAT_RESPONSE);
}
END_TEST

START_TEST(any_other_type_is_a_fault)
{
    static const char *const unknown[] = {"{'type':''}",      "{'type':'Ping'}",
                                          "{'type':'ping '}", "{'type':'pin'}",
                                          "{'type':'pingg'}", "{'type':'ping\\u0000'}",
                                          "{'type':'close'}", "{'type':'订阅'}"};
    static const char *const missing[] = {"{}",
                                          "{'Type':'ping'}",
                                          "{'type':null}",
                                          "{'type':1}",
                                          "{'type':['ping']}",
                                          "{'type':{'type':'ping'}}",
                                          "{'message':{'type':'ping'}}"};
    for (size_t i = 0; i < COUNT(unknown); i++) {
        parse_badly(unknown[i], "unknown type");
    }
    for (size_t i = 0; i < COUNT(missing); i++) {
        parse_badly(missing[i], "type");
    }
}
END_TEST

START_TEST(what_is_not_one_json_object_is_a_fault)
{
    static const char *const texts[] = {
        "",
        " ",
        "null",
        "1",
        "'ping'",
        "[]",
        "[{'type':'ping'}]",
        "{'type':'ping'",
        "{'type':'ping'}x",
        "{'type':'ping'}{'type':'ping'}",
        "{'type':'ping',}",
        "{'type':'ping','a':NaN}",
        "{'type':'ping','a':01}",
        "{'type':'ping'} // comment",
        "{/**/'type':'ping'}",
        "{type:'ping'}",
        "\xef\xbb\xbf{'type':'ping'}",
        "{'type':'ping','a':'\xff'}",
        "{'type':'ping','a':'\n'}",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        parse_badly(texts[i], "not a JSON object");
    }
    ck_assert_ptr_nonnull(parse_bytes("{\"type\":'ping'}", 15));
    ck_assert_ptr_nonnull(parse_bytes("{\"type\":\"ping\"}", 16)); /* and a zero byte */
}
END_TEST

START_TEST(a_message_may_nest_as_deep_as_32)
{
    char text[256];
    for (int depth = 31; depth <= 33; depth++) {
        int len = snprintf(text, sizeof(text), "{'type':'ping','a':");
        for (int i = 1; i < depth; i++) {
            text[len++] = '[';
        }
        text[len++] = '1';
        for (int i = 1; i < depth; i++) {
            text[len++] = ']';
        }
        snprintf(text + len, sizeof(text) - (size_t)len, "}");
        if (depth <= 32) {
            parse_well(text);
        } else {
            parse_badly(text, "not a JSON object");
        }
    }
}
END_TEST

START_TEST(unknown_fields_and_space_are_ignored)
{
    parse_well(" \t{ 'x' : [ 1.5e3 , { 'type' : 'no' } ] ,\r\n 'type' : 'ping' , "
               "'topic' : 1 , 'topics' : 'a' , 'since' : 1 } \n");
    ck_assert_int_eq(request.kind, PROTO_PING);
    ck_assert_uint_eq(request.topic_count, 0);
    parse_well("{'type':'unsubscribe','topic':'a','since':1,'snapshot':1}");
}
END_TEST

START_TEST(escapes_mean_the_characters_they_stand_for)
{
    parse_well("{'\\u0074ype':'sub\\u0073cribe','topic':'a\\u0000\\u80a1\\ud83d\\ude00"
               "\\/\\''}");
    topic_is(0, "a\0股😀/\"", 11);
}
END_TEST

START_TEST(one_topic_may_be_given_as_a_string)
{
    parse_well("{'type':'subscribe','topic':'stock.AAPL.1m'}");
    ck_assert_uint_eq(request.topic_count, 1);
    topic_is(0, "stock.AAPL.1m", 13);
    parse_well("{'type':'unsubscribe','topic':''}");
    ck_assert_uint_eq(request.topic_count, 1);
    topic_is(0, "", 0);
}
END_TEST

/* {"type":"subscribe","topics":["t0","t1",…]} */
static const char *parse_topics(size_t count)
{
    static char text[TEXT_MAX];
    int len = snprintf(text, sizeof(text), "{\"type\":\"subscribe\",\"topics\":[");
    for (size_t i = 0; i < count; i++) {
        len += snprintf(text + len, sizeof(text) - (size_t)len, "%s\"t%zu\"",
                        i > 0 ? "," : "", i);
    }
    len += snprintf(text + len, sizeof(text) - (size_t)len, "]}");
    return parse_bytes(text, (size_t)len);
}

START_TEST(up_to_256_topics_may_be_given_as_an_array_and_keep_their_order)
{
    static const size_t counts[] = {1, 2, 255, 256};
    for (size_t i = 0; i < COUNT(counts); i++) {
        ck_assert_ptr_null(parse_topics(counts[i]));
        ck_assert_uint_eq(request.topic_count, counts[i]);
        for (size_t topic = 0; topic < counts[i]; topic++) {
            char name[16];
            const int len = snprintf(name, sizeof(name), "t%zu", topic);
            topic_is(topic, name, (size_t)len);
        }
    }
}
END_TEST

START_TEST(no_topics_and_more_than_256_are_faults)
{
    ck_assert_str_eq(parse_topics(0), "topics");
    ck_assert_str_eq(parse_topics(257), "topics");
    ck_assert_str_eq(parse_topics(4000), "topics");
}
END_TEST

START_TEST(missing_and_mistyped_fields_are_faults_named_by_the_field)
{
    static const char *const cases[][2] = {
        {"{'type':'subscribe'}", "topic"},
        {"{'type':'unsubscribe'}", "topic"},
        {"{'type':'subscribe','topic':null}", "topic"},
        {"{'type':'subscribe','topic':1}", "topic"},
        {"{'type':'subscribe','topic':['a']}", "topic"},
        {"{'type':'subscribe','topic':{'a':1}}", "topic"},
        {"{'type':'subscribe','topics':'a'}", "topics"},
        {"{'type':'subscribe','topics':null}", "topics"},
        {"{'type':'subscribe','topics':{'a':'b'}}", "topics"},
        {"{'type':'subscribe','topics':['a',1]}", "topics"},
        {"{'type':'subscribe','topics':['a',null]}", "topics"},
        {"{'type':'subscribe','topics':[['a']]}", "topics"},
        {"{'type':'subscribe','topic':'a','snapshot':1}", "snapshot"},
        {"{'type':'subscribe','topic':'a','snapshot':'true'}", "snapshot"},
        {"{'type':'subscribe','topic':'a','since':1}", "since"},
        {"{'type':'subscribe','topic':'a','since':null}", "since"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        parse_badly(cases[i][0], cases[i][1]);
    }
    parse_well("{'type':'subscribe','topic':'a','snapshot':false,'since':'1-0'}");
}
END_TEST

START_TEST(topics_are_read_anew_from_each_request)
{
    ck_assert_ptr_null(parse_topics(256));
    parse_well("{'type':'subscribe','topics':['x','yz']}");
    ck_assert_uint_eq(request.topic_count, 2);
    topic_is(1, "yz", 2);
    parse_badly("{", "not a JSON object");
    parse_well("{'type':'ping'}");
    ck_assert_uint_eq(request.topic_count, 0);
}
END_TEST

START_TEST(a_request_id_is_kept_as_json)
{
    static const char *const ids[] = {"'a'",  "''",          "'股票'",
                                      "0",    "-7",          "9223372036854775806",
                                      "'12'", "'a\\\\b\\n'", "-9223372036854775807"};
    for (size_t i = 0; i < COUNT(ids); i++) {
        char text[128];
        snprintf(text, sizeof(text), "{'type':'ping','request_id':%s}", ids[i]);
        parse_well(text);
        id_is(ids[i]);
    }
    parse_well("{'type':'ping'}");
    id_is("");
}
END_TEST

START_TEST(a_request_id_has_up_to_64_bytes_however_they_are_written)
{
    char text[512] = "{'type':'ping','request_id':'";
    const size_t start = strlen(text);
    for (size_t i = 0; i < 64; i++) {
        strncat(text, "\\u0001", 7);
    }
    strncat(text, "'}", 3);
    parse_well(text);
    const size_t len = strlen(text) - start - 2;
    ck_assert_uint_eq(request.id.len, len + 2);
    ck_assert_mem_eq(request.id.json + 1, text + start, len);

    snprintf(text + start, sizeof(text) - start, "%064d'}", 1);
    parse_well(text);
    snprintf(text + start, sizeof(text) - start, "%065d'}", 1);
    parse_badly(text, "request_id");
}
END_TEST

START_TEST(a_request_id_of_another_type_is_a_fault_and_not_echoed)
{
    static const char *const ids[] = {
        "null", "true", "1.5", "1e3", "[]", "{}", "['a']", "1.0", "99999999999999999999"};
    for (size_t i = 0; i < COUNT(ids); i++) {
        char text[128];
        snprintf(text, sizeof(text), "{'type':'ping','request_id':%s}", ids[i]);
        parse_badly(text, "request_id");
        id_is("");
    }
}
END_TEST

START_TEST(a_faulty_request_still_has_its_id)
{
    parse_badly("{'request_id':7}", "type");
    id_is("7");
    parse_badly("{'type':'x','request_id':'seven'}", "unknown type");
    id_is("'seven'");
    parse_badly("{'type':'subscribe','request_id':7,'topics':[]}", "topics");
    id_is("7");
    parse_badly("{'type':'ping','request_id':8", "not a JSON object");
    id_is("");
}
END_TEST

START_TEST(a_client_id_has_1_to_128_bytes)
{
    char text[129];
    memset(text, 'x', sizeof(text));
    ck_assert(!proto_is_client_id("", 0));
    ck_assert(proto_is_client_id(text, 1));
    ck_assert(proto_is_client_id(text, 128));
    ck_assert(!proto_is_client_id(text, 129));
}
END_TEST

START_TEST(a_client_id_is_utf8_without_control_characters)
{
    static const char *const good[] = {"connect", "a b/c?d\"\\", "客户 1", "\xc2\xa0"};
    static const char *const bad[] = {"a\n",      "\x1f",     "\x7f",     "\xc2\x80",
                                      "\xc2\x9f", "\xff",     "\xe5\xae", "a\xc0\x80",
                                      "\t",       "\xc2\x85x"};
    for (size_t i = 0; i < COUNT(good); i++) {
        ck_assert(proto_is_client_id(good[i], strlen(good[i])));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert(!proto_is_client_id(bad[i], strlen(bad[i])));
    }
    ck_assert(!proto_is_client_id("a\0b", 3));
}
END_TEST

/* ---- events -------------------------------------------------------------------------
 */

/* Takes the payload out of a text frame, and gives the frame back. */
static const char *payload_of(struct frame *frame)
{
    static char payload[TEXT_MAX];
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(frame->refs, 1);
    ck_assert_uint_eq(frame->bytes[0], 0x80 | FRAME_TEXT);
    const size_t header = frame->bytes[1] < 126 ? 2 : frame->bytes[1] == 126 ? 4 : 10;
    const size_t len = frame->len - header;
    ck_assert_uint_lt(len, TEXT_MAX);
    memcpy(payload, frame->bytes + header, len);
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
    says(proto_subscribe_ack(topic, NULL, WALL_US),
         "{'type':'subscribe_ack','topic':'stock.AAPL.1m'," STAMP);
    says(proto_unsubscribe_ack(topic, NULL, WALL_US),
         "{'type':'unsubscribe_ack','topic':'stock.AAPL.1m'," STAMP);
    says(proto_unsubscribe_ack(text_of("no \"topic\"\n"), NULL, WALL_US),
         "{'type':'unsubscribe_ack','topic':'no \\'topic\\'\\n'," STAMP);
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
    says(proto_subscribe_ack(topic, &id, WALL_US),
         "{'type':'subscribe_ack','topic':'t','request_id':'a'," STAMP);
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

static void add_requests(TCase *tcase)
{
    tcase_add_test(tcase, the_five_types_are_known);
    tcase_add_test(tcase, any_other_type_is_a_fault);
    tcase_add_test(tcase, what_is_not_one_json_object_is_a_fault);
    tcase_add_test(tcase, a_message_may_nest_as_deep_as_32);
    tcase_add_test(tcase, unknown_fields_and_space_are_ignored);
    tcase_add_test(tcase, escapes_mean_the_characters_they_stand_for);
    tcase_add_test(tcase, one_topic_may_be_given_as_a_string);
    tcase_add_test(tcase, up_to_256_topics_may_be_given_as_an_array_and_keep_their_order);
    tcase_add_test(tcase, no_topics_and_more_than_256_are_faults);
    tcase_add_test(tcase, missing_and_mistyped_fields_are_faults_named_by_the_field);
    tcase_add_test(tcase, topics_are_read_anew_from_each_request);
    tcase_add_test(tcase, a_request_id_is_kept_as_json);
    tcase_add_test(tcase, a_request_id_has_up_to_64_bytes_however_they_are_written);
    tcase_add_test(tcase, a_request_id_of_another_type_is_a_fault_and_not_echoed);
    tcase_add_test(tcase, a_faulty_request_still_has_its_id);
    tcase_add_test(tcase, a_client_id_has_1_to_128_bytes);
    tcase_add_test(tcase, a_client_id_is_utf8_without_control_characters);
}

static void add_events(TCase *tcase)
{
    tcase_add_test(tcase, messages_about_the_client_carry_its_name);
    tcase_add_test(tcase, the_longest_client_id_is_whole);
    tcase_add_test(tcase, acknowledgements_carry_the_topic);
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
    tcase_add_test(tcase, timestamps_are_utc_with_six_digits_of_a_second);
    tcase_add_test(tcase, timestamps_are_what_the_c_library_says);
}

int main(void)
{
    Suite *suite = suite_create("proto");
    TCase *tcase = tcase_create("proto");
    tcase_add_checked_fixture(tcase, setup, teardown);
    add_requests(tcase);
    add_events(tcase);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
