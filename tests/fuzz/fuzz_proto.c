/* SPDX-License-Identifier: MIT
 *
 * A request that is accepted has only what its contract allows, and whatever text an
 * encoder is given, its frame is one JSON object.
 */
#include "common/json.h"
#include "common/topic.h"
#include "gateway/proto.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's word */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The frame is a text frame that holds one JSON object; gives its reference back. */
static void check_frame(struct frame *frame)
{
    assert(frame != NULL && frame->refs == 1);
    assert(frame->bytes[0] == (0x80 | FRAME_TEXT));
    const struct frame_part text = frame_payload(frame);
    assert(json_is_object(text.bytes, text.len));
    frame_unref(frame);
}

/* The payload stands in the message as it is, and around it is one JSON object; together
 * they may nest one level deeper than json allows. */
static void check_data_frame(const struct frame *frame,
                             const struct feed_message *message)
{
    static const char start[] =
        "{\"type\":\"data\",\"topic\":\"stock.AAPL.1m\",\"data\":";
    const size_t start_len = sizeof(start) - 1;
    assert(frame != NULL);
    const struct frame_part text = frame_payload(frame);
    assert(text.len > start_len + message->payload_len);
    assert(memcmp(text.bytes, start, start_len) == 0);
    assert(memcmp(text.bytes + start_len, message->payload, message->payload_len) == 0);

    char rest[256] = "{\"data\":0";
    const size_t rest_len = text.len - start_len - message->payload_len;
    const size_t at = strlen(rest);
    assert(rest_len < sizeof(rest) - at);
    memcpy(rest + at, text.bytes + start_len + message->payload_len, rest_len);
    assert(json_is_object(rest, at + rest_len));
}

static void check_data(const struct feed_message *message, uint64_t wall_us)
{
    static const char topic[] = "stock.AAPL.1m";
    const struct proto_topic name = {.text = topic, .len = sizeof(topic) - 1};
    struct frame *data = proto_data(name, message, wall_us);
    check_data_frame(data, message);
    struct frame *snapshot = proto_snapshot(data, ~wall_us);
    check_data_frame(snapshot, message);
    assert(snapshot->len > data->len);
    frame_unref(snapshot);
    frame_unref(data);
    if (message->sequenced) {
        check_frame(proto_gap(name, message->id, wall_us));
    }
}

/* An id is empty, or a JSON string or number by itself. */
static void check_id(const struct proto_request_id *id)
{
    char object[sizeof(id->json) + 8] = "{\"id\":";
    size_t len = strlen(object);
    assert(id->len <= sizeof(id->json));
    if (id->len > 0) {
        assert(strchr("\"-0123456789", id->json[0]) != NULL);
        memcpy(object + len, id->json, id->len);
        len += id->len;
        object[len++] = '}';
        assert(json_is_object(object, len));
    }
    check_frame(proto_pong(id, 0));
}

static void check_topics(const struct proto_request *request)
{
    const bool has_topics =
        request->kind == PROTO_SUBSCRIBE || request->kind == PROTO_UNSUBSCRIBE;
    assert(request->topic_count <= PROTO_TOPICS_MAX);
    assert((request->topic_count > 0) == has_topics);
    assert(request->begin == PROTO_BEGIN_DEFAULT || request->kind == PROTO_SUBSCRIBE);
    assert(request->begin != PROTO_BEGIN_SINCE || request->topic_count == 1);
    for (size_t i = 0; i < request->topic_count; i++) {
        const struct proto_topic topic = request->topics[i];
        struct topic parsed;
        assert(json_is_utf8(topic.text, topic.len));
        check_frame(proto_unsubscribe_ack(topic, &request->id, i));
        if (topic_parse(topic.text, topic.len, &parsed)) {
            check_frame(proto_subscribe_ack(topic, (enum proto_recovered)(i % 3),
                                            &request->id, i));
            check_frame(proto_subscriptions_list(&topic, 1, &request->id, i));
        }
    }
}

static void check_request(const char *text, size_t len, uint64_t wall_us)
{
    static struct proto_parser *parser; /* one for all inputs, as in the gateway */
    struct proto_request request;
    if (parser == NULL) {
        parser = proto_parser_create();
        assert(parser != NULL);
    }
    const char *fault = proto_parse(parser, text, len, &request);
    check_id(&request.id);
    if (fault == NULL) {
        assert(json_is_object(text, len));
        check_topics(&request);
    } else {
        check_frame(proto_error(PROTO_INVALID_MESSAGE, fault, strlen(fault), &request.id,
                                wall_us));
    }
}

static void check_client_id(const char *text, size_t len, uint64_t wall_us)
{
    if (proto_is_client_id(text, len)) {
        char id[PROTO_CLIENT_ID_MAX + 1];
        assert(len > 0 && len <= PROTO_CLIENT_ID_MAX);
        assert(memchr(text, '\0', len) == NULL);
        memcpy(id, text, len);
        id[len] = '\0';
        check_frame(proto_connection_ack(id, wall_us));
        check_frame(proto_heartbeat(id, wall_us));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const struct proto_topic topic = {.text = text, .len = size};
    struct feed_message message;
    uint64_t wall_us = 0;
    if (size > INT_MAX) {
        return 0;
    }
    memcpy(&wall_us, data, size < sizeof(wall_us) ? size : sizeof(wall_us));
    check_request(text, size, wall_us);
    check_client_id(text, size, wall_us);
    check_frame(proto_unsubscribe_ack(topic, NULL, wall_us));
    check_frame(proto_error(PROTO_INVALID_TOPIC, text, size, NULL, wall_us));
    check_frame(proto_error(PROTO_SUBSCRIPTION_FAILED, text, size, NULL, wall_us));
    if (feed_parse(text, size, &message) == FEED_OK) {
        check_data(&message, wall_us);
    }
    return 0;
}
