/* SPDX-License-Identifier: MIT
 *
 * Texts into requests.
 */
#include "gateway/proto.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TEXT_MAX ((size_t)1 << 17)

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

START_TEST(a_subscription_begins_as_the_request_says)
{
    static const struct {
        const char *fields;
        enum proto_begin begin;
    } cases[] = {
        {"'topic':'a'", PROTO_BEGIN_DEFAULT},
        {"'topics':['a','b']", PROTO_BEGIN_DEFAULT},
        {"'topic':'a','snapshot':false", PROTO_BEGIN_NOTHING},
        {"'topic':'a','snapshot':true", PROTO_BEGIN_SNAPSHOT},
        {"'topics':['a'],'snapshot':true", PROTO_BEGIN_SNAPSHOT},
        {"'topic':'a','since':'7-3'", PROTO_BEGIN_SINCE},
        {"'since':'7-3','snapshot':true,'topic':'a'", PROTO_BEGIN_SINCE},
        {"'topic':'a','since':'7-3','snapshot':false", PROTO_BEGIN_SINCE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[128];
        snprintf(text, sizeof(text), "{'type':'subscribe',%s}", cases[i].fields);
        parse_well(text);
        ck_assert_msg(request.begin == cases[i].begin, "%s", text);
        if (request.begin == PROTO_BEGIN_SINCE) {
            ck_assert_uint_eq(request.since.ms, 7);
            ck_assert_uint_eq(request.since.seq, 3);
        }
    }
}
END_TEST

START_TEST(since_is_an_id_and_about_one_topic)
{
    static const char *const cases[] = {
        "'topics':['a'],'since':'1-0'", "'topics':['a','b'],'since':'1-0'",
        "'topic':'a','since':''",       "'topic':'a','since':'1'",
        "'topic':'a','since':'1-0 '",   "'topic':'a','since':'01-0'",
        "'topic':'a','since':'-1-0'",   "'topic':'a','since':'1-0\\u0000'",
        "'topic':'a','since':['1-0']",  "'topic':'a','since':'18446744073709551616-0'",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[128];
        snprintf(text, sizeof(text), "{'type':'subscribe','request_id':7,%s}", cases[i]);
        parse_badly(text, "since");
        id_is("7");
    }
    parse_well("{'type':'subscribe','topic':'a','since':'0-0'}");
}
END_TEST

START_TEST(topics_are_read_anew_from_each_request)
{
    ck_assert_ptr_null(parse_topics(256));
    parse_well("{'type':'subscribe','topics':['x','yz']}");
    ck_assert_uint_eq(request.topic_count, 2);
    topic_is(1, "yz", 2);
    parse_badly("{", "not a JSON object");
    parse_well("{'type':'subscribe','topic':'a','snapshot':true}");
    parse_well("{'type':'subscribe','topic':'a'}");
    ck_assert_int_eq(request.begin, PROTO_BEGIN_DEFAULT);
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
    tcase_add_test(tcase, a_subscription_begins_as_the_request_says);
    tcase_add_test(tcase, since_is_an_id_and_about_one_topic);
    tcase_add_test(tcase, topics_are_read_anew_from_each_request);
    tcase_add_test(tcase, a_request_id_is_kept_as_json);
    tcase_add_test(tcase, a_request_id_has_up_to_64_bytes_however_they_are_written);
    tcase_add_test(tcase, a_request_id_of_another_type_is_a_fault_and_not_echoed);
    tcase_add_test(tcase, a_faulty_request_still_has_its_id);
    tcase_add_test(tcase, a_client_id_has_1_to_128_bytes);
    tcase_add_test(tcase, a_client_id_is_utf8_without_control_characters);
}

int main(void)
{
    Suite *suite = suite_create("proto");
    TCase *tcase = tcase_create("proto");
    tcase_add_checked_fixture(tcase, setup, teardown);
    add_requests(tcase);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
