/* SPDX-License-Identifier: MIT */
#include "gateway/proto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/json.h"
#include "common/topic.h"

#define TIMESTAMP_LEN 26 /* 2025-09-22T05:16:02.800339 */
#define LITERAL(text) (text), sizeof(text) - 1

/* ---- requests -----------------------------------------------------------------------
 */

struct proto_parser {
    struct json_tokener *tokener;
    struct json_object *root; /* what the last request's topics point into */
};

struct proto_parser *proto_parser_create(void)
{
    struct proto_parser *parser = calloc(1, sizeof(*parser));
    if (parser == NULL) {
        return NULL;
    }
    parser->tokener = json_tokener_new_ex(JSON_MAX_DEPTH + 1);
    if (parser->tokener == NULL) {
        free(parser);
        return NULL;
    }
    return parser;
}

void proto_parser_destroy(struct proto_parser *parser)
{
    if (parser == NULL) {
        return;
    }
    json_object_put(parser->root);
    json_tokener_free(parser->tokener);
    free(parser);
}

static const char *read_request_id(struct json_object *root, struct proto_request_id *out)
{
    struct json_object *value;
    if (!json_object_object_get_ex(root, "request_id", &value)) {
        return NULL;
    }
    if (json_object_is_type(value, json_type_int)) {
        /* json-c clamps what does not fit 64 bits; the text would not be the client's. */
        const int64_t number = json_object_get_int64(value);
        if (number == INT64_MAX || number == INT64_MIN) {
            return "request_id";
        }
        out->len =
            (size_t)snprintf(out->json, sizeof(out->json), "%lld", (long long)number);
        return NULL;
    }
    const size_t len = (size_t)json_object_get_string_len(value);
    if (!json_object_is_type(value, json_type_string) || len > PROTO_REQUEST_ID_MAX) {
        return "request_id";
    }
    out->len = json_quote(out->json, json_object_get_string(value), len);
    return NULL;
}

static const char *read_topic(struct json_object *value, struct proto_request *out)
{
    if (!json_object_is_type(value, json_type_string)) {
        return "topic";
    }
    out->topics[out->topic_count++] =
        (struct proto_topic){.text = json_object_get_string(value),
                             .len = (size_t)json_object_get_string_len(value)};
    return NULL;
}

static const char *read_topics(struct json_object *root, struct proto_request *out)
{
    struct json_object *value;
    if (json_object_object_get_ex(root, "topic", &value)) {
        return read_topic(value, out);
    }
    if (!json_object_object_get_ex(root, "topics", &value)) {
        return "topic";
    }
    if (!json_object_is_type(value, json_type_array)) {
        return "topics";
    }
    const size_t count = json_object_array_length(value);
    if (count < 1 || count > PROTO_TOPICS_MAX) {
        return "topics";
    }
    for (size_t i = 0; i < count; i++) {
        if (read_topic(json_object_array_get_idx(value, i), out) != NULL) {
            return "topics";
        }
    }
    return NULL;
}

/* `since` is about one topic; `snapshot` then says what to do where it can't be met. */
static const char *read_begin(struct json_object *root, struct proto_request *out)
{
    struct json_object *value;
    if (json_object_object_get_ex(root, "snapshot", &value)) {
        if (!json_object_is_type(value, json_type_boolean)) {
            return "snapshot";
        }
        out->no_snapshot = !json_object_get_boolean(value);
        out->begin = out->no_snapshot ? PROTO_BEGIN_NOTHING : PROTO_BEGIN_SNAPSHOT;
    }
    if (json_object_object_get_ex(root, "since", &value)) {
        if (!json_object_is_type(value, json_type_string) ||
            !json_object_object_get_ex(root, "topic", NULL) ||
            !feed_id_parse(json_object_get_string(value),
                           (size_t)json_object_get_string_len(value), &out->since)) {
            return "since";
        }
        out->begin = PROTO_BEGIN_SINCE;
    }
    return NULL;
}

static const struct {
    const char *name;
    enum proto_request_kind kind;
} kinds[] = {
    {"subscribe", PROTO_SUBSCRIBE},
    {"unsubscribe", PROTO_UNSUBSCRIBE},
    {"ping", PROTO_PING},
    {"get_subscriptions", PROTO_GET_SUBSCRIPTIONS},
    {"heartbeat_response", PROTO_HEARTBEAT_RESPONSE},
};

static const char *read_kind(struct json_object *root, enum proto_request_kind *out)
{
    struct json_object *value;
    if (!json_object_object_get_ex(root, "type", &value) ||
        !json_object_is_type(value, json_type_string)) {
        return "type";
    }
    const char *name = json_object_get_string(value);
    const size_t len = (size_t)json_object_get_string_len(value);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (len == strlen(kinds[i].name) && memcmp(name, kinds[i].name, len) == 0) {
            *out = kinds[i].kind;
            return NULL;
        }
    }
    return "unknown type";
}

static const char *read_request(struct json_object *root, struct proto_request *out)
{
    const char *fault = read_request_id(root, &out->id);
    if (fault == NULL) {
        fault = read_kind(root, &out->kind);
    }
    if (fault == NULL &&
        (out->kind == PROTO_SUBSCRIBE || out->kind == PROTO_UNSUBSCRIBE)) {
        fault = read_topics(root, out);
    }
    if (fault == NULL && out->kind == PROTO_SUBSCRIBE) {
        fault = read_begin(root, out);
    }
    return fault;
}

/* json-c takes more than JSON is, so json_is_object() decides first; json-c then only
 * gives the values. */
const char *proto_parse(struct proto_parser *parser, const char *text, size_t len,
                        struct proto_request *out)
{
    out->id.len = 0;
    out->topic_count = 0;
    out->begin = PROTO_BEGIN_DEFAULT;
    out->no_snapshot = false;
    json_object_put(parser->root);
    parser->root = NULL;
    if (!json_is_object(text, len)) {
        return "not a JSON object";
    }
    json_tokener_reset(parser->tokener);
    parser->root = json_tokener_parse_ex(parser->tokener, text, (int)len);
    if (!json_object_is_type(parser->root, json_type_object)) {
        return "not a JSON object";
    }
    return read_request(parser->root, out);
}

bool proto_is_client_id(const char *text, size_t len)
{
    if (len < 1 || len > PROTO_CLIENT_ID_MAX || !json_is_utf8(text, len)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        const unsigned char byte = (unsigned char)text[i];
        const bool c1 = byte == 0xc2 && (unsigned char)text[i + 1] < 0xa0;
        if (byte < 0x20 || byte == 0x7f || c1) {
            return false;
        }
    }
    return true;
}

/* ---- events -------------------------------------------------------------------------
 */

static char *put_digits(char *at, unsigned value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + digits;
}

/* Days since 1970 into year, month and day, as in Howard Hinnant's `civil_from_days`,
 * https://howardhinnant.github.io/date_algorithms.html */
static char *put_date(char *at, uint64_t days_since_1970)
{
    const unsigned days = (unsigned)(days_since_1970 + 719468); /* since 0000-03-01 */
    const unsigned era = days / 146097;
    const unsigned day_of_era = days % 146097;
    const unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const unsigned day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned march_month = (5 * day_of_year + 2) / 153;
    const unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;
    at = put_digits(at, year_of_era + era * 400 + (month <= 2 ? 1 : 0), 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    return put_digits(at, day_of_year - (153 * march_month + 2) / 5 + 1, 2);
}

static void put_timestamp(char out[TIMESTAMP_LEN], uint64_t wall_us)
{
    const uint64_t seconds = wall_us / 1000000;
    const unsigned of_day = (unsigned)(seconds % 86400);
    char *at = put_date(out, seconds / 86400);
    *at++ = 'T';
    at = put_digits(at, of_day / 3600, 2);
    *at++ = ':';
    at = put_digits(at, of_day / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, of_day % 60, 2);
    *at++ = '.';
    put_digits(at, (unsigned)(wall_us % 1000000), 6);
}

/* A message as the pieces that make it; the last ones of every message are the same. */
#define PARTS_MAX 12

struct message {
    size_t count;
    struct frame_part parts[PARTS_MAX];
    char timestamp[TIMESTAMP_LEN];
};

static void add(struct message *message, const char *bytes, size_t len)
{
    message->parts[message->count++] = (struct frame_part){.bytes = bytes, .len = len};
}

static struct frame *finish(struct message *message, const struct proto_request_id *id,
                            uint64_t wall_us)
{
    if (id != NULL && id->len > 0) {
        add(message, LITERAL(",\"request_id\":"));
        add(message, id->json, id->len);
    }
    put_timestamp(message->timestamp, wall_us);
    add(message, LITERAL(",\"timestamp\":\""));
    add(message, message->timestamp, TIMESTAMP_LEN);
    add(message, LITERAL("\"}"));
    struct frame *frame = frame_create(FRAME_TEXT, message->parts, message->count);
    if (frame != NULL) {
        frame->made_us = wall_us;
    }
    return frame;
}

static struct frame *about_client(const char *type, size_t type_len,
                                  const char *client_id, uint64_t wall_us)
{
    char quoted[JSON_QUOTED_MAX(PROTO_CLIENT_ID_MAX)];
    struct message message = {0};
    add(&message, type, type_len);
    add(&message, quoted,
        json_quote(quoted, client_id, strnlen(client_id, PROTO_CLIENT_ID_MAX)));
    return finish(&message, NULL, wall_us);
}

struct frame *proto_connection_ack(const char *client_id, uint64_t wall_us)
{
    return about_client(LITERAL("{\"type\":\"connection_ack\",\"client_id\":"), client_id,
                        wall_us);
}

struct frame *proto_heartbeat(const char *client_id, uint64_t wall_us)
{
    return about_client(LITERAL("{\"type\":\"heartbeat\",\"client_id\":"), client_id,
                        wall_us);
}

struct frame *proto_pong(const struct proto_request_id *id, uint64_t wall_us)
{
    struct message message = {0};
    add(&message, LITERAL("{\"type\":\"pong\""));
    return finish(&message, id, wall_us);
}

struct frame *proto_subscribe_ack(struct proto_topic topic,
                                  enum proto_recovered recovered,
                                  const struct proto_request_id *id, uint64_t wall_us)
{
    struct message message = {0};
    add(&message, LITERAL("{\"type\":\"subscribe_ack\",\"topic\":\""));
    add(&message, topic.text, topic.len);
    add(&message, LITERAL("\""));
    if (recovered == PROTO_RECOVERED) {
        add(&message, LITERAL(",\"recovered\":true"));
    } else if (recovered == PROTO_NOT_RECOVERED) {
        add(&message, LITERAL(",\"recovered\":false"));
    }
    return finish(&message, id, wall_us);
}

/* It may be for text that is no topic, so that is quoted like any other. */
struct frame *proto_unsubscribe_ack(struct proto_topic topic,
                                    const struct proto_request_id *id, uint64_t wall_us)
{
    char quoted[JSON_QUOTED_MAX(PROTO_ECHO_MAX)];
    struct message message = {0};
    add(&message, LITERAL("{\"type\":\"unsubscribe_ack\",\"topic\":"));
    add(&message, quoted,
        json_quote(quoted, topic.text, json_cut(topic.text, topic.len, PROTO_ECHO_MAX)));
    return finish(&message, id, wall_us);
}

struct frame *proto_subscriptions_list(const struct proto_topic topics[], size_t count,
                                       const struct proto_request_id *id,
                                       uint64_t wall_us)
{
    char *list = malloc(count * (TOPIC_MAX + 3) + 1);
    if (list == NULL) {
        return NULL;
    }
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            list[len++] = ',';
        }
        list[len++] = '"'; /* a topic has nothing to escape */
        memcpy(list + len, topics[i].text, topics[i].len);
        len += topics[i].len;
        list[len++] = '"';
    }
    struct message message = {0};
    add(&message, LITERAL("{\"type\":\"subscriptions_list\",\"subscriptions\":["));
    add(&message, list, len);
    add(&message, LITERAL("]"));
    struct frame *frame = finish(&message, id, wall_us);
    free(list);
    return frame;
}

struct frame *proto_data(struct proto_topic topic, const struct feed_message *data,
                         uint64_t wall_us)
{
    char id[FEED_ID_TEXT_MAX + 1];
    struct message message = {0};
    add(&message, LITERAL("{\"type\":\"data\",\"topic\":\""));
    add(&message, topic.text, topic.len);
    add(&message, LITERAL("\",\"data\":"));
    add(&message, data->payload, data->payload_len);
    if (data->sequenced) {
        add(&message, LITERAL(",\"id\":\""));
        add(&message, id, feed_id_format(id, data->id));
        add(&message, LITERAL("\""));
    }
    return finish(&message, NULL, wall_us);
}

/* A frame's text ends with the timestamp, and the mark stands before that. */
struct frame *proto_snapshot(const struct frame *data, uint64_t wall_us)
{
    static const size_t end_len = sizeof(",\"timestamp\":\"") - 1 + TIMESTAMP_LEN + 2;
    const struct frame_part text = frame_payload(data);
    struct message message = {0};
    add(&message, text.bytes, text.len - end_len);
    add(&message, LITERAL(",\"snapshot\":true"));
    return finish(&message, NULL, wall_us);
}

struct frame *proto_gap(struct proto_topic topic, struct feed_id after, uint64_t wall_us)
{
    char id[FEED_ID_TEXT_MAX + 1];
    struct message message = {0};
    add(&message, LITERAL("{\"type\":\"gap\",\"topic\":\""));
    add(&message, topic.text, topic.len);
    add(&message, LITERAL("\",\"after\":\""));
    add(&message, id, feed_id_format(id, after));
    add(&message, LITERAL("\""));
    return finish(&message, NULL, wall_us);
}

static struct frame *with_number(const char *start, size_t start_len, uint64_t number,
                                 uint64_t wall_us)
{
    char digits[24];
    const int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    struct message message = {0};
    add(&message, start, start_len);
    add(&message, digits, (size_t)len);
    return finish(&message, NULL, wall_us);
}

struct frame *proto_conflated(uint64_t dropped, uint64_t wall_us)
{
    return with_number(LITERAL("{\"type\":\"conflated\",\"dropped\":"), dropped, wall_us);
}

struct frame *proto_reconnect(uint64_t after_ms, uint64_t wall_us)
{
    return with_number(LITERAL("{\"type\":\"reconnect\",\"after_ms\":"), after_ms,
                       wall_us);
}

struct frame *proto_status(bool degraded, uint64_t wall_us)
{
    struct message message = {0};
    if (degraded) {
        add(&message, LITERAL("{\"type\":\"status\",\"state\":\"degraded\""));
    } else {
        add(&message, LITERAL("{\"type\":\"status\",\"state\":\"live\""));
    }
    return finish(&message, NULL, wall_us);
}

static const struct {
    const char *code;
    const char *words; /* before `what` */
} errors[] = {
    [PROTO_INVALID_TOPIC] = {"invalid_topic", "无效的主题格式: "},
    [PROTO_INVALID_MESSAGE] = {"invalid_message", "无效的消息格式: "},
    [PROTO_SUBSCRIPTION_FAILED] = {"subscription_failed", "订阅失败: "},
    [PROTO_RATE_LIMITED] = {"rate_limited", "请求过于频繁"},
};

struct frame *proto_error(enum proto_error error, const char *what, size_t what_len,
                          const struct proto_request_id *id, uint64_t wall_us)
{
    char quoted[JSON_QUOTED_MAX(PROTO_ECHO_MAX)];
    struct message message = {0};
    add(&message, LITERAL("{\"type\":\"error\",\"error_code\":\""));
    add(&message, errors[error].code, strlen(errors[error].code));
    add(&message, LITERAL("\",\"error_message\":\""));
    add(&message, errors[error].words, strlen(errors[error].words));
    const size_t len = json_quote(quoted, what, json_cut(what, what_len, PROTO_ECHO_MAX));
    add(&message, quoted + 1, len - 1); /* without the opening quote */
    return finish(&message, id, wall_us);
}
